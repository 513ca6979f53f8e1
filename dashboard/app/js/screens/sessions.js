// Sessions: every live connection, on all servers of the database; close one, or end the login behind it.

import { html, nothing } from "../../vendor/lit/index.js";
import { call, get, Problem, withQuery } from "../api.js";
import { ago, number, short } from "../format.js";
import { go, link } from "../router.js";
import { session } from "../session.js";
import { ask } from "../ui/dialog.js";
import { reloadLists } from "../ui/list.js";
import { failure } from "../ui/states.js";
import { Screen } from "../ui/view.js";

/** @typedef {import('../types.js').Connection} Connection */

const ADDRESS = /^[0-9a-f.:]+$/i;
const ID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i;

/**
 * The columns of a list of connections.
 * @param {() => void} changed
 */
export function connectionColumns(changed) {
  return [
    {
      label: "User",
      cell: (/** @type {Connection} */ row) => html`
        <span>
          <a href=${link(["people", row.user_id])}>${row.user_email ?? short(row.user_id)}</a>
          ${row.issuer ? html`<span class="second">${row.issuer}</span>` : nothing}
        </span>
      `,
    },
    { label: "Endpoint", cell: (/** @type {Connection} */ row) => row.endpoint },
    {
      label: "Address",
      cell: (/** @type {Connection} */ row) => html`<a class="mono" href=${link(["sessions"], { who: row.address })}>${row.address}</a>`,
    },
    { label: "Connected", cell: (/** @type {Connection} */ row) => ago(row.since) },
    { label: "Last heard", cell: (/** @type {Connection} */ row) => ago(row.last_seen_at) },
    { label: "Rooms", kind: "number", cell: (/** @type {Connection} */ row) => number(row.rooms) },
    { label: "Messages", kind: "number", cell: (/** @type {Connection} */ row) => number(row.messages) },
    {
      label: "",
      kind: "actions",
      cell: (/** @type {Connection} */ row) => html`
        <button class="button small" @click=${() => close(row).then((done) => done && changed())}>Close</button>
        ${row.login_id
          ? html`<button class="button small danger" @click=${() => endLogin(row).then((done) => done && changed())}>
              End login
            </button>`
          : nothing}
      `,
    },
  ];
}

/** @param {Connection} row */
function close(row) {
  return ask({
    title: "Close this connection?",
    body: `One connection of ${who(row)} is told that an admin closed it, and ends. The client may connect again; to prevent that, end its login or suspend the user.`,
    action: "Close connection",
    danger: true,
    reason: "optional",
    done: "The connection is closed.",
    run: ({ reason }) => call("DELETE", withQuery(`/admin/sessions/${row.id}`, { reason })),
  });
}

/** @param {Connection} row */
function endLogin(row) {
  return ask({
    title: "End this login?",
    body: `All tokens of this login of ${who(row)} are revoked, and all its connections close, everywhere. The user must log in again on that device.`,
    action: "End login",
    danger: true,
    reason: "optional",
    done: "The login has ended.",
    run: ({ reason }) => call("DELETE", withQuery(`/admin/logins/${row.login_id}`, { reason })),
  });
}

/** @param {Connection} row */
function who(row) {
  return row.user_email ?? `user ${short(row.user_id)}`;
}

class SessionsScreen extends Screen {
  static properties = { filter: { state: true }, failed: { state: true } };

  constructor() {
    super();
    /** @type {Record<string, string | undefined> | null} */
    this.filter = {};
    this.who = "";
    /** @type {unknown} */
    this.failed = null;
  }

  /** @param {import('../router.js').Route} route */
  async arrive({ query }) {
    this.who = query.get("who") ?? "";
    this.failed = null;
    this.filter = null;
    this.requestUpdate();
    const asked = this.who;
    try {
      const filter = await understood(asked);
      if (asked === this.who) this.filter = filter;
    } catch (error) {
      if (asked === this.who) this.failed = error;
    }
  }

  /** @param {SubmitEvent} event */
  search(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    go(link(["sessions"], { who: String(form.get("who")).trim() }));
  }

  render() {
    const again = () => reloadLists(this);
    return html`
      <div class="screen-head">
        <div>
          <h1 tabindex="-1">Sessions</h1>
          <p>Live connections, newest first. Each look at this list is in the audit trail, so it is read when you ask.</p>
        </div>
        <div class="buttons"><button class="button" @click=${again}>Refresh</button></div>
      </div>
      <form class="filters" role="search" @submit=${this.search}>
        <label class="field wide">
          User or address
          <input name="who" type="search" .value=${this.who} placeholder="email, user id or IP address" />
        </label>
        <button class="button">Filter</button>
        ${this.who ? html`<a class="button plain" href=${link(["sessions"])}>Clear</a>` : nothing}
      </form>
      ${this.failed
        ? failure(this.failed)
        : this.filter
          ? html`
              <paged-list
                .path=${"/admin/sessions"}
                .query=${this.filter}
                .label=${"Live connections"}
                .columns=${connectionColumns(again)}
                .none=${["No live connections", this.who ? "Nobody matches this filter." : "Clients appear here when they connect."]}
              ></paged-list>
            `
          : nothing}
    `;
  }
}

/**
 * The filter that the text means.
 * @param {string} text
 * @returns {Promise<Record<string, string>>}
 */
async function understood(text) {
  if (!text) return {};
  if (ID.test(text)) return { user_id: text };
  if (ADDRESS.test(text)) return { address: text };
  if (text === session.user?.email) return { user_id: session.user.id };
  const { items } = await get("/admin/users", { email: text, limit: 2 });
  const exact = items.find((/** @type {{email: string}} */ user) => user.email === text.toLowerCase());
  const found = exact ?? (items.length === 1 ? items[0] : null);
  if (found) return { user_id: found.id };
  const why = items.length === 0 ? "No user's email begins with" : "Several users' emails begin with";
  throw new Problem(`${why} “${text}”.`, { status: 404, code: "not_found" });
}

customElements.define("sessions-screen", SessionsScreen);
