// Explain: may somebody do something, by which rule, and what would happen. Asked of the code that decides.

import { html, nothing } from "../../vendor/lit/index.js";
import { call, get, Problem } from "../api.js";
import { words } from "../format.js";
import { go, link } from "../router.js";
import { failure, loading } from "../ui/states.js";
import { Screen } from "../ui/view.js";

/** @typedef {import('../types.js').Explanation} Explanation */
/** @typedef {import('../types.js').DryRun} DryRun */

/**
 * The kinds that can be answered for, with their actions, and which of these can be tried out.
 * @type {Record<string, {actions: string[], trials: string[]}>}
 */
const KINDS = {
  request: {
    actions: ["see", "publish", "edit", "extend", "cancel", "remove", "restore"],
    trials: ["publish", "extend", "cancel", "remove", "restore"],
  },
  offer: {
    actions: ["see", "revise", "accept", "decline", "withdraw", "remove"],
    trials: ["accept", "decline", "withdraw", "remove"],
  },
  booking: {
    actions: ["see", "start", "complete", "cancel", "force_cancel"],
    trials: ["start", "complete", "cancel", "force_cancel"],
  },
  project: { actions: ["read", "plan", "staff", "leave"], trials: [] },
  session: { actions: ["read", "message", "mark"], trials: [] },
  user: {
    actions: ["see", "suspend", "reinstate", "log out", "change the role of", "change the plan of", "log out everywhere"],
    trials: ["suspend", "log out"],
  },
};

/** Where the versions of what is accepted are read. */
const OFFERS = "/offers";

const ID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i;

class ExplainScreen extends Screen {
  static properties = {
    kind: { state: true },
    answer: { state: true },
    trial: { state: true },
    failed: { state: true },
    isAsking: { state: true },
  };

  constructor() {
    super();
    this.kind = "offer";
    /** @type {{who: string, action: string, row: string}} */
    this.asked = { who: "", action: "", row: "" };
    /** @type {Explanation | null} */
    this.answer = null;
    /** @type {DryRun | unknown} */
    this.trial = null;
    /** @type {unknown} */
    this.failed = null;
    this.isAsking = false;
  }

  /** @param {import('../router.js').Route} route */
  arrive({ query }) {
    const text = (/** @type {string} */ name) => query.get(name) ?? "";
    this.asked = { who: text("who"), action: text("action"), row: text("row") };
    this.kind = text("kind") in KINDS ? text("kind") : "offer";
    this.answer = null;
    this.trial = null;
    this.failed = null;
    this.requestUpdate();
    if (this.asked.who && this.asked.action && this.asked.row) this.ask();
  }

  async ask() {
    const { kind, asked } = this;
    this.isAsking = true;
    try {
      const user = await userOf(asked.who);
      const answer = await get("/admin/explain", { user_id: user, kind, action: asked.action, row: asked.row });
      if (asked === this.asked) this.answer = answer;
    } catch (error) {
      if (asked === this.asked) this.failed = error;
    }
    this.isAsking = false;
  }

  async tryOut() {
    const { answer } = this;
    if (!answer) return;
    const { user_id, kind, action, row } = answer;
    this.trial = null;
    this.isAsking = true;
    try {
      const version = action === "accept" ? (await get(`${OFFERS}/${row}`)).version : undefined;
      const body = { user_id, kind, action, row, version, reason: "Tried out in the dashboard" };
      this.trial = (await call("POST", "/admin/dry-run", { body })).data;
    } catch (error) {
      this.trial = error;
    }
    this.isAsking = false;
  }

  /** @param {SubmitEvent} event */
  submit(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const text = (/** @type {string} */ name) => String(form.get(name) ?? "").trim();
    const address = link(["explain"], { who: text("who"), kind: text("kind"), action: text("action"), row: text("row") });
    if (address === location.hash) this.ask();
    else go(address);
  }

  render() {
    return html`
      <div class="screen-head">
        <div>
          <h1 tabindex="-1">Explain</h1>
          <p>Whether somebody may do something, and by which rule. It is the policy itself that answers, and each question is in the audit trail.</p>
        </div>
      </div>
      ${this.form()}
      ${this.failed ? failure(this.failed) : nothing}
      ${this.answer ? this.explanation(this.answer) : this.isAsking ? loading(4) : nothing}
    `;
  }

  form() {
    const { asked, kind } = this;
    return html`
      <form class="filters" @submit=${this.submit}>
        <label class="field wide">
          Who
          <input name="who" required .value=${asked.who} placeholder="email or user id" />
        </label>
        <label class="field">
          Kind
          <select
            name="kind"
            @change=${(/** @type {Event} */ event) => (this.kind = /** @type {HTMLSelectElement} */ (event.target).value)}
          >
            ${Object.keys(KINDS).map((known) => html`<option ?selected=${known === kind}>${known}</option>`)}
          </select>
        </label>
        <label class="field">
          Action
          <select name="action">
            ${KINDS[kind].actions.map(
              (action) => html`<option value=${action} ?selected=${action === asked.action}>${words(action)}</option>`,
            )}
          </select>
        </label>
        <label class="field wide">
          Which (id)
          <input name="row" required .value=${asked.row} placeholder="id of the ${kind}" />
        </label>
        <button class="button primary" ?disabled=${this.isAsking}>Explain</button>
      </form>
    `;
  }

  /** @param {Explanation} answer */
  explanation(answer) {
    const canTry = KINDS[answer.kind]?.trials.includes(answer.action);
    return html`
      <section class="card">
        <header>
          <h2>
            <span class="badge ${answer.allowed ? "good" : "danger"}">${answer.allowed ? "allowed" : "refused"}</span>
            ${sentence(answer.because)}
          </h2>
        </header>
        <div class="body">
          <dl class="facts">
            <dt>Who</dt>
            <dd><a href=${link(["people", answer.user_id])}>${answer.user_email}</a> (${answer.role})</dd>
            <dt>Wants to</dt>
            <dd>${words(answer.action)} ${answer.kind} <span class="mono">${answer.row}</span></dd>
            <dt>Which needs</dt>
            <dd>${answer.needs}</dd>
            <dt>Who is</dt>
            <dd>${answer.standing}</dd>
            <dt>Decided by</dt>
            <dd>${words(answer.rule)}</dd>
            ${answer.current_state
              ? html`
                  <dt>State</dt>
                  <dd>${words(answer.current_state)}</dd>
                  <dt>May now</dt>
                  <dd>${answer.allowed_actions.map(words).join(", ") || "do nothing with it"}</dd>
                `
              : nothing}
          </dl>
        </div>
      </section>
      ${canTry
        ? html`
            <section class="card trial">
              <header>
                <h2>Dry run</h2>
                <button class="button" ?disabled=${this.isAsking} @click=${this.tryOut}>Try it out</button>
              </header>
              <div class="body">${this.outcome()}</div>
            </section>
          `
        : nothing}
    `;
  }

  outcome() {
    const { trial } = this;
    if (trial === null) {
      return html`<p class="muted">Does it as this person in a transaction that is rolled back, and tells what would change. Nobody notices.</p>`;
    }
    if (trial instanceof Error) return failure(trial);
    const { state, events, revocations } = /** @type {DryRun} */ (trial);
    return html`
      <p>It would be done${state ? html`: the state would be <strong>${words(state)}</strong>` : nothing}. Nothing was changed.</p>
      <ul class="needs">
        ${events.map(
          ({ kind, rooms }) => html`<li><span>${kind}</span><span class="long mono">${rooms.join(", ")}</span></li>`,
        )}
        ${revocations > 0 ? html`<li><span>Rights that would end</span><span class="number">${revocations}</span></li>` : nothing}
      </ul>
    `;
  }
}

/**
 * The id of the user that the text names.
 * @param {string} text
 */
async function userOf(text) {
  if (ID.test(text)) return text;
  const { items } = await get("/admin/users", { email: text, limit: 1 });
  if (items.length === 1) return items[0].id;
  throw new Problem(`No user's email begins with “${text}”.`, { status: 404, code: "not_found" });
}

/** @param {string} text */
function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

customElements.define("explain-screen", ExplainScreen);
