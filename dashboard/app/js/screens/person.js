// One person on one page: who they are, where they are logged in, what they and others did with the account.

import { html, nothing } from "../../vendor/lit/index.js";
import { call, get } from "../api.js";
import { ago, number, time, words } from "../format.js";
import { go, link } from "../router.js";
import { session } from "../session.js";
import { ask } from "../ui/dialog.js";
import { reloadLists } from "../ui/list.js";
import { Reading } from "../ui/reading.js";
import { Screen } from "../ui/view.js";
import { viewing } from "../viewing.js";
import { auditColumns } from "./audit.js";
import { dealColumns } from "./marketplace.js";
import { status } from "./people.js";
import { connectionColumns } from "./sessions.js";

/** @typedef {import('../types.js').UserDetails} UserDetails */
/** @typedef {import('../types.js').Login} Login */
/** @typedef {import('../types.js').UserLimits} UserLimits */
/** @typedef {import('../types.js').Provider} Provider */

/** Lists of what a person does in the marketplace, and their headings. @type {[string, string][]} */
const DEALS = [
  ["requests", "Requests"],
  ["offers", "Offers made and received"],
  ["bookings", "Bookings"],
];

const ROLES = ["consumer", "provider", "admin"];
const PLANS = ["free", "pro", "enterprise"];

class PersonScreen extends Screen {
  static properties = {
    limits: { state: true },
    provider: { state: true },
  };

  constructor() {
    super();
    this.who = "";
    /** The person, and the version that is shown. @type {Reading<{data: UserDetails, etag: string}>} */
    this.account = new Reading(this, async () => {
      const account = await call("GET", this.path());
      this.readMore(account.data);
      return account;
    });
    /** @type {UserLimits | null} */
    this.limits = null;
    /** @type {Provider | null} */
    this.provider = null;
  }

  get person() {
    return this.account.value?.data ?? null;
  }

  /** @param {import('../router.js').Route} route */
  arrive({ parts }) {
    const who = parts[1] ?? "";
    if (who === this.who) return;
    this.who = who;
    this.limits = null;
    this.provider = null;
    this.account.readAnew();
  }

  /** @param {UserDetails} person */
  async readMore({ id, provider_id }) {
    const [limits, provider] = await Promise.all([
      get(this.path("/limits")).catch(() => null),
      provider_id ? get(`/providers/${provider_id}`).catch(() => null) : null,
    ]);
    if (id !== this.who) return;
    this.limits = limits;
    this.provider = provider;
  }

  /** What was done shows everywhere on the page. */
  changed() {
    this.account.read();
    reloadLists(this);
  }

  /** @param {import('../ui/dialog.js').Question} question */
  async do(question) {
    if (await ask(question)) this.changed();
  }

  path(rest = "") {
    return `/admin/users/${encodeURIComponent(this.who)}${rest}`;
  }

  async viewAs() {
    const person = /** @type {UserDetails} */ (this.person);
    const isBegun = await ask({
      title: `View as ${person.display_name}?`,
      body: "For 15 minutes you see the marketplace as they do, and can change nothing. What is private to them stays so. The audit trail has it, with your reason.",
      action: "View as them",
      reason: "required",
      done: "The view is open.",
      run: ({ reason }) => viewing.begin(person, reason),
    });
    if (isBegun) go(link(["viewing"]));
  }

  suspend() {
    return this.do({
      title: `Suspend ${this.person?.display_name}?`,
      body: "Every login ends and every connection closes at once. Open requests are cancelled and live offers not selected; they stay so. Bookings stay as they are and may need you.",
      action: "Suspend",
      danger: true,
      reason: "required",
      done: "The account is suspended.",
      run: ({ reason }) => call("POST", this.path("/suspend"), { body: { reason }, once: true }),
    });
  }

  reinstate() {
    return this.do({
      title: `Reinstate ${this.person?.display_name}?`,
      body: "The account may log in again. Requests and offers that the suspension closed stay closed.",
      action: "Reinstate",
      done: "The account is reinstated.",
      run: () => call("POST", this.path("/reinstate"), { once: true }),
    });
  }

  changeRole() {
    return this.do({
      title: "Change the role?",
      body: "All logins end and all connections close, since their tokens name the old role.",
      action: "Change role",
      danger: true,
      choice: { label: "Role", value: this.person?.role ?? "", options: ROLES },
      done: "The role is changed.",
      run: ({ choice }) => call("PUT", this.path("/role"), { body: { role: choice }, etag: this.account.value?.etag, once: true }),
    });
  }

  changePlan() {
    return this.do({
      title: "Change the plan?",
      body: "Its limits apply from the next request, and in a live session from its next token.",
      action: "Change plan",
      choice: { label: "Plan", value: this.person?.plan ?? "", options: PLANS },
      done: "The plan is changed.",
      run: ({ choice }) => call("PUT", this.path("/plan"), { body: { plan: choice }, etag: this.account.value?.etag, once: true }),
    });
  }

  logOut() {
    return this.do({
      title: `Log ${this.person?.display_name} out everywhere?`,
      body: `All logins end: their tokens are revoked, and ${count(this.person?.connections ?? 0, "live connection")} close${this.person?.connections === 1 ? "s" : ""}.`,
      action: "Log out everywhere",
      danger: true,
      done: "All logins have ended.",
      run: () => call("POST", this.path("/log-out"), { once: true }),
    });
  }

  /** @param {Login} login */
  endLogin(login) {
    return this.do({
      title: "End this login?",
      body: `Its tokens are revoked, and ${count(login.connections, "live connection")} of it close${login.connections === 1 ? "s" : ""}.`,
      action: "End login",
      danger: true,
      reason: "optional",
      done: "The login has ended.",
      run: ({ reason }) => {
        const query = reason ? `?reason=${encodeURIComponent(reason)}` : "";
        return call("DELETE", `/admin/logins/${login.id}${query}`);
      },
    });
  }

  buttons() {
    const person = /** @type {UserDetails} */ (this.person);
    const isSelf = person.id === session.user?.id;
    return html`
      <div class="buttons">
        <button
          class="button"
          ?disabled=${isSelf || !person.is_active || person.role === "admin"}
          @click=${this.viewAs}
        >
          View as
        </button>
        <button class="button" @click=${this.changePlan}>Change plan</button>
        <button class="button" ?disabled=${isSelf} @click=${this.changeRole}>Change role</button>
        <button class="button danger" @click=${this.logOut}>Log out everywhere</button>
        ${person.is_active
          ? html`<button class="button danger" ?disabled=${isSelf} @click=${this.suspend}>Suspend</button>`
          : html`<button class="button primary" @click=${this.reinstate}>Reinstate</button>`}
      </div>
    `;
  }

  /** @param {string} id */
  audit(id) {
    const columns = auditColumns();
    return html`
      <h2 class="section-title">Done to this account</h2>
      <paged-list
        .path=${"/admin/audit"}
        .query=${{ kind: "user", row: id }}
        .label=${"Audit entries about this account"}
        .columns=${columns}
        .none=${["Nothing yet"]}
      ></paged-list>
      <h2 class="section-title">Done by this person</h2>
      <paged-list
        .path=${"/admin/audit"}
        .query=${{ actor: id }}
        .label=${"Audit entries by this person"}
        .columns=${columns}
        .none=${["Nothing yet", "What everybody may do anyway is not in the audit trail."]}
      ></paged-list>
    `;
  }

  render() {
    const { person } = this;
    return html`
      <div class="screen-head">
        <div>
          <a class="crumb" href=${link(["people"])}>People</a>
          <h1 tabindex="-1">${person?.display_name ?? "Person"}</h1>
          ${person ? html`<p>${person.email}</p>` : nothing}
        </div>
        ${person ? this.buttons() : nothing}
      </div>
      ${this.account.show(({ data }) => this.details(data))}
    `;
  }

  /** @param {UserDetails} person */
  details(person) {
    return html`
      <section class="card">
        <div class="body">
          <dl class="facts">
            <dt>Status</dt>
            <dd>${status(person)}</dd>
            <dt>Role</dt>
            <dd>${person.role}</dd>
            <dt>Plan</dt>
            <dd>${words(person.plan)}</dd>
            <dt>Connections</dt>
            <dd>${number(person.connections)}</dd>
            <dt>Joined</dt>
            <dd>${time(person.created_at)}</dd>
            <dt>Changed</dt>
            <dd>${ago(person.updated_at)}</dd>
            <dt>User id</dt>
            <dd class="mono">${person.id}</dd>
            ${person.provider_id ? html`<dt>Provider profile</dt><dd class="mono">${person.provider_id}</dd>` : nothing}
            ${person.consumer_id ? html`<dt>Consumer profile</dt><dd class="mono">${person.consumer_id}</dd>` : nothing}
            ${person.issuer ? html`<dt>Outside issuer</dt><dd>${person.issuer} (${person.clerk_id})</dd>` : nothing}
          </dl>
        </div>
      </section>
      <div class="pair">
        ${this.limits ? usage(this.limits) : nothing}
        ${this.provider ? shop(this.provider) : nothing}
      </div>
      ${DEALS.map(
        ([tab, label]) => html`
          <h2 class="section-title">${label}</h2>
          <paged-list
            .path=${`/${tab}`}
            .query=${{ user_id: person.id }}
            .label=${label}
            .columns=${dealColumns(tab)}
            .none=${[`No ${tab}`]}
          ></paged-list>
        `,
      )}
      <h2 class="section-title">Logins</h2>
      <paged-list
        .path=${`/admin/users/${person.id}/logins`}
        .label=${"Logins"}
        .columns=${loginColumns((login) => this.endLogin(login))}
        .none=${["No logins", "This person is logged in nowhere."]}
      ></paged-list>
      <h2 class="section-title">Live connections</h2>
      <paged-list
        .path=${"/admin/sessions"}
        .query=${{ user_id: person.id }}
        .label=${"Live connections"}
        .columns=${connectionColumns(() => this.changed())}
        .none=${["No live connections"]}
      ></paged-list>
      ${this.audit(person.id)}
    `;
  }
}

/**
 * What is used of the plan.
 * @param {UserLimits} limits
 */
function usage(limits) {
  /** @type {[string, {limit: number, used: number}][]} */
  const rows = [
    ["Connections", limits.connections],
    ["Messages to the assistant today", limits.messages_per_day],
    ["Masterplans today", limits.plans_per_day],
    ["Written characters today", limits.generated_characters_per_day],
    ["Simulations running", limits.simulations],
    ["Simulations today", limits.simulations_per_day],
  ];
  return html`
    <section class="card">
      <header><h2>Limits of the plan ${limits.plan}</h2></header>
      <div class="body">
        <ul class="meters">
          ${rows.map(
            ([label, { used, limit }]) => html`
              <li>
                <span>${label}</span><span>${number(used)} of ${number(limit)}</span>
                <meter min="0" max=${Math.max(limit, 1)} .value=${used} aria-label=${label}></meter>
              </li>
            `,
          )}
        </ul>
      </div>
    </section>
  `;
}

/**
 * The provider's shop.
 * @param {Provider} provider
 */
function shop({ display_name, bio, categories, rating }) {
  return html`
    <section class="card">
      <header><h2>Provider</h2></header>
      <div class="body">
        <dl class="facts">
          <dt>Name</dt>
          <dd>${display_name}</dd>
          <dt>About</dt>
          <dd>${bio || html`<span class="muted">–</span>`}</dd>
          <dt>Categories</dt>
          <dd>${categories.join(", ") || html`<span class="muted">none</span>`}</dd>
          <dt>Rating</dt>
          <dd>${rating.average ? `${number(rating.average)} of 5, by ${count(rating.count, "consumer")}` : html`<span class="muted">none yet</span>`}</dd>
        </dl>
      </div>
    </section>
  `;
}

/**
 * @param {number} number
 * @param {string} noun
 */
function count(number, noun) {
  if (number === 0) return `no ${noun}s`;
  return number === 1 ? `one ${noun}` : `${number} ${noun}s`;
}

/**
 * The columns of a list of logins.
 * @param {(login: Login) => void} end
 */
export function loginColumns(end) {
  return [
    {
      label: "Device",
      kind: "long",
      cell: (/** @type {Login} */ login) => html`
        <span>${login.user_agent ?? "unknown"} ${login.current ? html`<span class="badge accent">this one</span>` : nothing}</span>
      `,
    },
    { label: "Address", cell: (/** @type {Login} */ login) => html`<span class="mono">${login.address ?? "–"}</span>` },
    { label: "Logged in", cell: (/** @type {Login} */ login) => ago(login.created_at) },
    { label: "Last used", cell: (/** @type {Login} */ login) => ago(login.last_used_at) },
    { label: "Connections", kind: "number", cell: (/** @type {Login} */ login) => number(login.connections) },
    {
      label: "",
      kind: "actions",
      cell: (/** @type {Login} */ login) => html`
        <button class="button small danger" @click=${() => end(login)}>End login</button>
      `,
    },
  ];
}

customElements.define("person-screen", PersonScreen);
