// Rooms: which have members, who they are, and what was said there, from one position to another.

import { html, nothing } from "../../vendor/lit/index.js";
import { repeat } from "../../vendor/lit/directives/repeat.js";
import { get } from "../api.js";
import { clock, number, short, time, words } from "../format.js";
import { link } from "../router.js";
import { ask } from "../ui/dialog.js";
import { reloadLists } from "../ui/list.js";
import { Reading } from "../ui/reading.js";
import { empty } from "../ui/states.js";
import { Screen } from "../ui/view.js";

/** @typedef {import('../types.js').RoomRow} RoomRow */
/** @typedef {import('../types.js').Rooms} Rooms */
/** @typedef {import('../types.js').RoomLog} RoomLog */
/** @typedef {import('../types.js').RoomEvent} RoomEvent */
/** @typedef {import('../types.js').RoomPresence} RoomPresence */

/** Events of a page of the log. */
const PAGE = 50;

const COLUMNS = [
  { label: "Room", cell: (/** @type {RoomRow} */ row) => html`<a class="mono" href=${link(["rooms", row.room])}>${row.room}</a>` },
  { label: "Connections", kind: "number", cell: (/** @type {RoomRow} */ row) => number(row.connections) },
  { label: "Users", kind: "number", cell: (/** @type {RoomRow} */ row) => number(row.users) },
  { label: "Events, last minute", kind: "number", cell: (/** @type {RoomRow} */ row) => number(row.events_last_minute) },
  {
    label: "Position",
    kind: "number",
    cell: (/** @type {RoomRow} */ row) => (row.head === null || row.head === undefined ? "–" : number(row.head)),
  },
];

class RoomsScreen extends Screen {
  static properties = { hub: { state: true }, order: { state: true } };

  constructor() {
    super();
    /** @type {Rooms | null} */
    this.hub = null;
    this.order = "largest";
  }

  /** @param {import('../router.js').Route} route */
  arrive({ query }) {
    this.order = query.get("order") === "busiest" ? "busiest" : "largest";
    this.requestUpdate();
  }

  render() {
    return html`
      <div class="screen-head">
        <div>
          <h1 tabindex="-1">Rooms</h1>
          <p>Rooms of this server that somebody is in. Of journals, conversations and simulations only the number is told.</p>
        </div>
        <div class="buttons"><button class="button" @click=${() => reloadLists(this)}>Refresh</button></div>
      </div>
      <nav class="tabs" aria-label="Which come first">
        ${["largest", "busiest"].map(
          (order) => html`
            <a href=${link(["rooms"], { order: order === "largest" ? undefined : order })} aria-current=${order === this.order ? "page" : nothing}>
              ${order === "largest" ? "Largest" : "Busiest"}
            </a>
          `,
        )}
      </nav>
      ${this.hub ? counts(this.hub) : nothing}
      <paged-list
        .path=${"/admin/rooms"}
        .query=${{ order: this.order }}
        .label=${"Rooms"}
        .columns=${COLUMNS}
        .key=${"room"}
        .none=${["No rooms", "A room is listed while somebody is in it."]}
        @page=${(/** @type {CustomEvent<Rooms>} */ event) => (this.hub = event.detail)}
      ></paged-list>
    `;
  }
}

/** @param {Rooms} hub */
function counts({ connections, users, private: hidden }) {
  /** @type {[string, string][]} */
  const tiles = [
    ["Connections", number(connections)],
    ["Users", number(users)],
    ...hidden.map(({ kind, rooms }) => /** @type {[string, string]} */ ([`Rooms of ${PLURALS[kind] ?? kind}`, number(rooms)])),
  ];
  return html`
    <dl class="tiles">${tiles.map(([label, value]) => html`<div class="tile"><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>
  `;
}

/** @type {Record<string, string>} */
const PLURALS = { entry: "journals", conversation: "conversations", simulation: "simulations" };

class RoomScreen extends Screen {
  static properties = { at: { state: true }, seen: { state: true } };

  constructor() {
    super();
    this.room = "";
    /** @type {Reading<{users: number, members?: string[] | null}>} */
    this.members = new Reading(this, () => get(this.path("/members")));
    /** @type {Reading<RoomLog>} */
    this.log = new Reading(this, () => this.logAfter(this.shownAfter, this.reason));
    /** @type {Reading<RoomPresence>} */
    this.presence = new Reading(this, () => get(this.path("/presence"), { at: this.seen }));
    /** What is read of the log: the events after this position, or the newest ones. @type {number | null} */
    this.shownAfter = null;
    /** Where the scrubber stands: the position before the first that is shown. */
    this.at = 0;
    /** Why texts are shown, once a reason was given. */
    this.reason = "";
    /** The position of which it is asked who was there. */
    this.seen = 0;
  }

  /** @param {import('../router.js').Route} route */
  arrive({ parts }) {
    const room = parts[1] ?? "";
    if (room === this.room) return;
    this.room = room;
    this.shownAfter = null;
    this.reason = "";
    this.seen = 0;
    this.presence.put(null);
    this.members.readAnew();
    this.log.readAnew();
  }

  path(rest = "") {
    return `/admin/rooms/${encodeURIComponent(this.room)}${rest}`;
  }

  /**
   * @param {number | null} after
   * @param {string} reason
   */
  async logAfter(after, reason) {
    const { room } = this;
    const log = await get(this.path("/events"), { after, limit: PAGE, reason });
    if (room === this.room) this.at = (log.items[0]?.seq ?? log.head + 1) - 1;
    return log;
  }

  /**
   * Reads the events after this position, or the newest ones.
   * @param {number | null} after
   */
  readLog(after) {
    this.shownAfter = after;
    return this.log.read();
  }

  /** @param {number} seq */
  look(seq) {
    this.seen = seq;
    return this.presence.readAnew();
  }

  showTexts() {
    return ask({
      title: "Show what was written?",
      body: `What people wrote in ${this.room} was meant for its members. That you read it, and why, is in the audit trail each time.`,
      action: "Show texts",
      reason: "required",
      done: "The texts are shown.",
      run: async ({ reason }) => {
        const { at } = this;
        // A refusal is told in the dialog.
        this.log.put(await this.logAfter(at, reason));
        this.shownAfter = at;
        this.reason = reason;
      },
    });
  }

  render() {
    return html`
      <div class="screen-head">
        <div>
          <a class="crumb" href=${link(["rooms"])}>Rooms</a>
          <h1 tabindex="-1">${this.room}</h1>
        </div>
        <div class="buttons">
          <button class="button" @click=${() => (this.members.read(), this.readLog(null))}>Refresh</button>
        </div>
      </div>
      <h2 class="section-title">Members</h2>
      ${this.members.show((members) => this.memberList(members), 2)}
      <h2 class="section-title">What was said</h2>
      ${this.log.show((log) => this.logOf(log))}
    `;
  }

  /** @param {{users: number, members?: string[] | null}} members */
  memberList({ users, members }) {
    if (users === 0) return empty("Nobody is in this room", "At this moment, on this server.");
    const counted = users === 1 ? "One user" : `${number(users)} users`;
    if (!members) return html`<p class="muted">${counted}; who they are is private.</p>`;
    return html`
      <p class="muted">${counted} on this server${members.length < users ? `, of whom ${number(members.length)} are listed` : ""}:</p>
      <ul class="chips">
        ${members.map((user) => html`<li><a class="mono" href=${link(["people", user])} title=${user}>${short(user)}</a></li>`)}
      </ul>
    `;
  }

  /** @param {RoomLog} log */
  logOf({ tail, head, items }) {
    if (head === tail) return empty("Nothing was said here", tail > 0 ? `The events up to ${number(tail)} are too old to be kept.` : "");
    const last = items.at(-1)?.seq ?? this.at;
    const hidden = items.some(({ is_text_hidden }) => is_text_hidden);
    return html`
      <div class="bar">
        <label class="scrubber">
          <span>After position ${number(this.at)}, of ${number(tail + 1)} to ${number(head)}</span>
          <input
            type="range"
            min=${tail}
            max=${Math.max(head - 1, tail)}
            .value=${String(this.at)}
            @input=${(/** @type {Event} */ event) => (this.at = Number(/** @type {HTMLInputElement} */ (event.target).value))}
            @change=${() => this.readLog(this.at)}
          />
        </label>
        <div class="buttons">
          <button class="button small" ?disabled=${this.log.isRunning || this.at <= tail} @click=${() => this.readLog(Math.max(this.at - PAGE, tail))}>Earlier</button>
          <button class="button small" ?disabled=${this.log.isRunning || last >= head} @click=${() => this.readLog(last)}>Later</button>
          ${items.length > 0
            ? html`<button class="button small" @click=${() => this.look(items[0].seq)}>Who was there at ${number(items[0].seq)}?</button>`
            : nothing}
          ${hidden ? html`<button class="button small" @click=${this.showTexts}>Show texts</button>` : nothing}
        </div>
      </div>
      ${this.seen ? this.presenceThen() : nothing}
      <div class="table-box stacked" tabindex="0" role="region" aria-label="Events of the room">
        <table>
          <thead>
            <tr><th scope="col" class="number">Position</th><th scope="col">When</th><th scope="col">What</th><th scope="col">By</th><th scope="col">Data</th></tr>
          </thead>
          <tbody>${repeat(items, ({ seq }) => seq, (event) => this.event(event))}</tbody>
        </table>
      </div>
    `;
  }

  /** Who was in the room when the event was sent that was picked. */
  presenceThen() {
    return html`
      <section class="card presence" aria-label="Who was there">
        <header>
          <h2>Who was there when ${number(this.seen)} was sent</h2>
          <button class="button small" @click=${() => (this.seen = 0)}>Hide</button>
        </header>
        <div class="body" aria-live="polite">${this.presence.show((presence) => this.were(presence), 1)}</div>
      </section>
    `;
  }

  /** @param {RoomPresence} presence */
  were({ at, known_since, users, connections, members }) {
    const known = known_since ?? Infinity;
    const isKnown = known <= (at ?? 0);
    /** @type {Map<string, {email?: string | null, count: number}>} */
    const people = new Map();
    for (const { user_id, user_email } of members ?? []) {
      const { count } = people.get(user_id) ?? { count: 0 };
      people.set(user_id, { email: user_email, count: count + 1 });
    }
    const counted = `${users === 1 ? "One user" : `${number(users)} users`} by ${connections === 1 ? "one connection" : `${number(connections)} connections`}`;
    return html`
      <p>
        ${users > 0 ? `${counted} of this server.` : isKnown ? "Nobody, on this server." : "Nobody that this server knows of."}
        ${members && members.length < connections ? ` Only ${number(members.length)} connections are listed.` : ""}
        ${users > 0 && !members ? " Who they were is private." : ""}
      </p>
      ${isKnown
        ? nothing
        : html`<p class="muted">
            ${known_since
              ? `It knows who was there from position ${number(known)} on; before, others may have been.`
              : "It remembers nothing of this room: memberships are kept for an hour, and not over a restart."}
          </p>`}
      ${people.size > 0
        ? html`
            <ul class="chips">
              ${[...people].map(
                ([user, { email, count }]) => html`
                  <li>
                    <a class=${email ? "" : "mono"} href=${link(["people", user])} title=${user}>${email ?? short(user)}</a>
                    ${count > 1 ? html`<span class="muted">${number(count)} connections</span>` : nothing}
                  </li>
                `,
              )}
            </ul>
          `
        : nothing}
    `;
  }

  /** @param {RoomEvent} event */
  event({ seq, at, kind, by, data, is_text_hidden }) {
    return html`
      <tr>
        <td class="number" data-label="Position">
          <button
            class="link"
            aria-pressed=${String(seq === this.seen)}
            aria-label="${number(seq)}: who was there?"
            title="Who was there?"
            @click=${() => this.look(seq)}
          >${number(seq)}</button>
        </td>
        <td data-label="When"><span>${time(at)}<span class="second">${clock(at)}</span></span></td>
        <td data-label="What">${words(kind)}</td>
        <td data-label="By">${by ? html`<a class="mono" href=${link(["people", by])} title=${by}>${short(by)}</a>` : html`<span class="muted">system</span>`}</td>
        <td class="long" data-label="Data">
          <details>
            <summary>${summary(data)}${is_text_hidden ? html` <span class="badge">text hidden</span>` : nothing}</summary>
            <pre>${JSON.stringify(data, null, 2)}</pre>
          </details>
        </td>
      </tr>
    `;
  }
}

/** @param {any} data */
function summary(data) {
  const told = data?.text ?? data?.title ?? data?.request?.title;
  return typeof told === "string" && told ? told : "show";
}

customElements.define("rooms-screen", RoomsScreen);
customElements.define("room-screen", RoomScreen);
