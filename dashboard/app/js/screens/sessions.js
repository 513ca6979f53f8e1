// Sessions: every live connection, on all servers of the database; close one, or end the login behind it. And those that
// ended lately on this server, with the reason.

import { html, nothing } from "../../vendor/lit/index.js";
import { call, get, Problem, withQuery } from "../api.js";
import { ago, bytes, duration, number, short, words } from "../format.js";
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
          ${row.user_role ? html`<span class="second">${row.user_role}</span>` : nothing}
          ${row.issuer ? html`<span class="second">${row.issuer}</span>` : nothing}
        </span>
      `,
    },
    {
      label: "Endpoint",
      cell: (/** @type {Connection} */ row) => html`
        <span>
          ${row.endpoint}
          ${row.dialect && row.dialect !== row.endpoint ? html`<span class="second">${row.dialect}</span>` : nothing}
          ${row.node_id
            ? html`<a class="second mono" href=${link(["sessions"], { node: row.node_id })}>on ${short(row.node_id)}</a>`
            : nothing}
        </span>
      `,
    },
    {
      label: "Address",
      cell: (/** @type {Connection} */ row) => html`<a class="mono" href=${link(["sessions"], { who: row.address })}>${row.address}</a>`,
    },
    {
      label: "Connected",
      cell: (/** @type {Connection} */ row) => html`<a href=${link(["sessions", row.id])}>${ago(row.since)}</a>`,
    },
    { label: "Last heard", cell: (/** @type {Connection} */ row) => ago(row.last_seen_at) },
    { label: "Rooms", kind: "number", cell: (/** @type {Connection} */ row) => number(row.rooms) },
    {
      label: "Messages",
      kind: "number",
      cell: (/** @type {Connection} */ row) => html`
        <span>${number(row.messages)} <span class="second">${perSecond(row)}/s</span></span>
      `,
    },
    {
      label: "Waiting",
      kind: "number",
      cell: (/** @type {Connection} */ row) => (row.waiting_bytes == null ? "–" : bytes(row.waiting_bytes)),
    },
    {
      label: "",
      kind: "actions",
      cell: (/** @type {Connection} */ row) => html`
        <button class="button small" @click=${() => closeConnection(row).then((done) => done && changed())}>Close</button>
        ${row.login_id
          ? html`<button class="button small danger" @click=${() => endLoginOf(row).then((done) => done && changed())}>
              End login
            </button>`
          : nothing}
      `,
    },
  ];
}

/**
 * Messages a second that its client has sent on average since it was opened.
 * @param {Connection} row
 */
function perSecond(row) {
  const seconds = Math.max(1, (Date.now() - Date.parse(row.since)) / 1000);
  const rate = row.messages / seconds;
  return number(Math.round(rate * 10) / 10);
}

/** @param {Connection} row */
export function closeConnection(row) {
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
export function endLoginOf(row) {
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

/** @typedef {import('../types.js').EndedConnection} EndedConnection */

const ENDED_COLUMNS = [
  {
    label: "User",
    cell: (/** @type {EndedConnection} */ row) =>
      html`<a href=${link(["people", row.user_id])}>${row.user_email ?? short(row.user_id)}</a>`,
  },
  { label: "Why", cell: (/** @type {EndedConnection} */ row) => html`<span class="badge ${GENTLE.has(row.reason) ? "" : "warn"}">${words(row.reason)}</span>` },
  { label: "Ended", cell: (/** @type {EndedConnection} */ row) => html`<a href=${link(["sessions", row.id])}>${ago(row.ended_at)}</a>` },
  { label: "Lived", kind: "number", cell: (/** @type {EndedConnection} */ row) => duration((Date.parse(row.ended_at) - Date.parse(row.since)) / 1000) },
  { label: "Endpoint", cell: (/** @type {EndedConnection} */ row) => row.endpoint },
  { label: "Address", cell: (/** @type {EndedConnection} */ row) => html`<span class="mono">${row.address}</span>` },
  { label: "Messages", kind: "number", cell: (/** @type {EndedConnection} */ row) => number(row.messages) },
  { label: "Not sent", kind: "number", cell: (/** @type {EndedConnection} */ row) => bytes(row.waiting_bytes) },
];

/** Reasons that are nobody's fault. */
const GENTLE = new Set(["client", "server_restarting", "token_expired", "replaced"]);

/** By which the list of ended connections is filtered most. */
const REASONS = [
  "client",
  "closed_by_admin",
  "internal",
  "rate_limited",
  "replaced",
  "server_restarting",
  "silent",
  "slow_consumer",
  "token_expired",
  "token_revoked",
  "too_many_mistakes",
];

class SessionsScreen extends Screen {
  static properties = { filter: { state: true }, failed: { state: true } };

  constructor() {
    super();
    /** @type {Record<string, string | undefined> | null} */
    this.filter = {};
    this.who = "";
    this.node = "";
    this.reason = "";
    this.isEnded = false;
    /** @type {unknown} */
    this.failed = null;
  }

  /** @param {import('../router.js').Route} route */
  async arrive({ parts, query }) {
    this.isEnded = parts[1] === "ended";
    this.who = query.get("who") ?? "";
    this.node = query.get("node") ?? "";
    this.reason = query.get("reason") ?? "";
    this.failed = null;
    this.filter = null;
    this.requestUpdate();
    const asked = this.who;
    try {
      const filter = await understood(asked);
      if (this.isEnded && filter.address) throw new Problem("Ended connections are not found by address.", { status: 422 });
      if (asked === this.who) this.filter = filter;
    } catch (error) {
      if (asked === this.who) this.failed = error;
    }
  }

  /** @param {SubmitEvent} event */
  search(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const who = String(form.get("who")).trim();
    go(this.isEnded ? link(["sessions", "ended"], { who, reason: String(form.get("reason")) }) : link(["sessions"], { who, node: this.node }));
  }

  render() {
    const { isEnded } = this;
    const path = isEnded ? ["sessions", "ended"] : ["sessions"];
    return html`
      <div class="screen-head">
        <div>
          <h1 tabindex="-1">Sessions</h1>
          <p>
            ${isEnded
              ? "Connections of this server that ended within the last hour, the last one first."
              : "Live connections, newest first. Each look at this list is in the audit trail, so it is read when you ask."}
          </p>
        </div>
        <div class="buttons"><button class="button" @click=${() => reloadLists(this)}>Refresh</button></div>
      </div>
      <nav class="tabs" aria-label="Which connections">
        <a href=${link(["sessions"])} aria-current=${isEnded ? nothing : "page"}>Live</a>
        <a href=${link(["sessions", "ended"])} aria-current=${isEnded ? "page" : nothing}>Ended</a>
      </nav>
      <form class="filters" role="search" @submit=${this.search}>
        <label class="field wide">
          ${isEnded ? "User" : "User or address"}
          <input name="who" type="search" .value=${this.who} placeholder=${isEnded ? "email or user id" : "email, user id or IP address"} />
        </label>
        ${isEnded
          ? html`
              <label class="field">
                Why
                <select name="reason" .value=${this.reason}>
                  <option value="">any</option>
                  ${REASONS.map((reason) => html`<option value=${reason} ?selected=${reason === this.reason}>${words(reason)}</option>`)}
                </select>
              </label>
            `
          : nothing}
        <button class="button">Filter</button>
        ${this.node && !isEnded ? html`<span class="badge">on server ${short(this.node)}</span>` : nothing}
        ${this.who || this.reason || this.node ? html`<a class="button plain" href=${link(path)}>Clear</a>` : nothing}
      </form>
      ${this.failed ? failure(this.failed) : this.filter ? this.list(this.filter) : nothing}
    `;
  }

  /** @param {Record<string, string | undefined>} filter */
  list(filter) {
    if (this.isEnded) {
      return html`
        <paged-list
          .path=${"/admin/sessions/ended"}
          .query=${{ ...filter, reason: this.reason || undefined }}
          .label=${"Ended connections"}
          .columns=${ENDED_COLUMNS}
          .none=${["No ended connections", "What ended before the server started, or over an hour ago, is not kept."]}
        ></paged-list>
      `;
    }
    return html`
      <paged-list
        .path=${"/admin/sessions"}
        .query=${{ ...filter, node_id: this.node || undefined }}
        .label=${"Live connections"}
        .columns=${connectionColumns(() => reloadLists(this))}
        .none=${["No live connections", this.who || this.node ? "Nobody matches this filter." : "Clients appear here when they connect."]}
      ></paged-list>
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
