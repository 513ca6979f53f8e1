// Marketplace: requests, offers and bookings; one of them with its history, and what an admin may do with it.

import { html, nothing } from "../../vendor/lit/index.js";
import { call, get } from "../api.js";
import { ago, money, number, short, time, words } from "../format.js";
import { go, link } from "../router.js";
import { ask } from "../ui/dialog.js";
import { reloadLists } from "../ui/list.js";
import { Reading } from "../ui/reading.js";
import { Screen } from "../ui/view.js";
import { auditColumns } from "./audit.js";
import "./lifecycle.js";

/** @typedef {import('../types.js').Request} Request */
/** @typedef {import('../types.js').Offer} Offer */
/** @typedef {import('../types.js').Booking} Booking */

/** How each state is coloured. */
/** @type {Record<string, string>} */
const COLORS = {
  open: "accent",
  pending: "accent",
  countered: "accent",
  confirmed: "accent",
  in_progress: "accent",
  booked: "good",
  accepted: "good",
  completed: "good",
  fulfilled: "good",
  removed: "danger",
  cancelled: "warn",
};

/** @param {string} state */
export function badge(state) {
  return html`<span class="badge ${COLORS[state] ?? ""}">${words(state)}</span>`;
}

/** @param {string} id */
function person(id) {
  return html`<a class="mono" href=${link(["people", id])} title=${id}>${short(id)}</a>`;
}

/**
 * A link to a row of the marketplace.
 * @param {string} tab
 * @param {string} id
 * @param {string} [text]
 */
function deal(tab, id, text) {
  return html`<a href=${link(["marketplace", tab, id])} class=${text ? "" : "mono"} title=${id}>${text ?? short(id)}</a>`;
}

/** @param {{start: string, end: string}} slot */
function slot({ start, end }) {
  return html`${time(start)} – ${time(end)}`;
}

/** @param {{min?: number | null, max?: number | null, currency: string}} budget */
export function range({ min = null, max = null, currency }) {
  const part = (/** @type {number} */ amount) => money({ amount, currency });
  if (min === null) return max === null ? html`<span class="muted">open</span>` : `up to ${part(max)}`;
  return max === null ? `from ${part(min)}` : `${part(min)} – ${part(max)}`;
}

/**
 * @typedef {object} Action
 * @property {string} name As the API names it in `allowed_actions`.
 * @property {string} label
 * @property {string} body What will happen.
 * @property {string} done
 * @property {boolean} [danger]
 */

/**
 * @typedef {object} Tab
 * @property {string} label
 * @property {string} path
 * @property {string} one What one of them is called.
 * @property {string[]} states
 * @property {import('../ui/list.js').Column<any>[]} columns
 * @property {Action[]} actions Those of admins.
 * @property {(row: any) => [string, unknown][]} facts
 */

const OPENED = { label: "Created", cell: (/** @type {{created_at: string}} */ row) => ago(row.created_at) };
const STATE = { label: "State", cell: (/** @type {{state: string}} */ row) => badge(row.state) };

const BOOKING_COLUMNS = [
  { label: "Booking", cell: (/** @type {Booking} */ row) => deal("bookings", row.id, row.title) },
  STATE,
  { label: "Price", kind: "number", cell: (/** @type {Booking} */ row) => money(row.price) },
  { label: "When", cell: (/** @type {Booking} */ row) => time(row.slot.start) },
  { label: "Consumer", cell: (/** @type {Booking} */ row) => person(row.consumer_user_id) },
  { label: "Provider", cell: (/** @type {Booking} */ row) => person(row.provider_user_id) },
  OPENED,
];

const BOOKING_STATES = ["confirmed", "in_progress", "completed", "cancelled"];

/** @type {Record<string, Tab>} */
const TABS = {
  requests: {
    label: "Requests",
    path: "/requests",
    one: "request",
    states: ["draft", "open", "booked", "fulfilled", "expired", "cancelled", "removed"],
    columns: [
      { label: "Request", cell: (/** @type {Request} */ row) => deal("requests", row.id, row.title) },
      STATE,
      { label: "Category", cell: (/** @type {Request} */ row) => row.category },
      { label: "Budget", kind: "number", cell: (/** @type {Request} */ row) => range(row.budget) },
      { label: "By", cell: (/** @type {Request} */ row) => person(row.user_id) },
      OPENED,
    ],
    actions: [
      {
        name: "remove",
        label: "Remove",
        body: "It disappears from the market at once, and its live offers are not selected. The owner is told. It can be restored.",
        done: "The request is removed.",
        danger: true,
      },
      {
        name: "restore",
        label: "Restore",
        body: "It is open again. Offers that were closed stay closed.",
        done: "The request is restored.",
      },
    ],
    facts: (/** @type {Request} */ row) => [
      ["Category", row.category],
      ["Description", html`<span class="detail-text">${row.description}</span>`],
      ["Budget", range(row.budget)],
      ["Address", row.address ?? html`<span class="muted">none</span>`],
      ["Wanted at", time(row.wanted_at)],
      ["Expires", time(row.expires_at)],
      ["By", person(row.user_id)],
      ["Revision", number(row.revision)],
    ],
  },
  offers: {
    label: "Offers",
    path: "/offers",
    one: "offer",
    states: ["pending", "accepted", "declined", "withdrawn", "expired", "not_selected", "voided", "removed"],
    columns: [
      { label: "Offer", cell: (/** @type {Offer} */ row) => deal("offers", row.id) },
      STATE,
      { label: "Price", kind: "number", cell: (/** @type {Offer} */ row) => money(row.price) },
      { label: "When", cell: (/** @type {Offer} */ row) => time(row.slot.start) },
      { label: "On request", cell: (/** @type {Offer} */ row) => deal("requests", row.request_id) },
      { label: "By", cell: (/** @type {Offer} */ row) => person(row.user_id) },
      OPENED,
    ],
    actions: [
      {
        name: "remove",
        label: "Remove",
        body: "It can no longer be accepted. Both sides are told. It cannot be restored.",
        done: "The offer is removed.",
        danger: true,
      },
    ],
    facts: (/** @type {Offer} */ row) => [
      ["Price", money(row.price)],
      ["When", slot(row.slot)],
      ["Message", html`<span class="detail-text">${row.message}</span>`],
      ["Valid until", time(row.valid_until)],
      ["On request", deal("requests", row.request_id)],
      ["Became booking", row.booking_id ? deal("bookings", row.booking_id) : html`<span class="muted">none</span>`],
      ["By", person(row.user_id)],
      ["Outdated", row.is_outdated ? "yes: the request was edited since" : "no"],
    ],
  },
  bookings: {
    label: "Bookings",
    path: "/bookings",
    one: "booking",
    states: BOOKING_STATES,
    columns: BOOKING_COLUMNS,
    actions: [
      {
        name: "force_cancel",
        label: "Cancel for both",
        body: "The booking is cancelled for both sides, who are told the reason. If the work had not started, its request is open again.",
        done: "The booking is cancelled.",
        danger: true,
      },
    ],
    facts: (/** @type {Booking} */ row) => [
      ["Price", money(row.price)],
      ["When", slot(row.slot)],
      ["Address", row.address ?? html`<span class="muted">none</span>`],
      ["Consumer", person(row.consumer_user_id)],
      ["Provider", person(row.provider_user_id)],
      ["Request", deal("requests", row.request_id)],
      ["Offer", deal("offers", row.offer_id)],
      ...(row.cancelled_by
        ? /** @type {[string, unknown][]} */ ([
            ["Cancelled by", person(row.cancelled_by)],
            ["Reason", row.cancel_reason ?? html`<span class="muted">none given</span>`],
          ])
        : []),
      ...(row.completed_by ? /** @type {[string, unknown][]} */ ([["Completed by", person(row.completed_by)]]) : []),
    ],
  },
  suspended: {
    label: "Of suspended",
    path: "/admin/bookings",
    one: "booking",
    states: BOOKING_STATES,
    columns: BOOKING_COLUMNS,
    actions: [],
    facts: () => [],
  },
};

/**
 * The columns of a list of requests, offers or bookings.
 * @param {string} tab
 */
export function dealColumns(tab) {
  return TABS[tab].columns;
}

class MarketplaceScreen extends Screen {
  constructor() {
    super();
    this.tab = "requests";
    this.id = "";
    this.state = "";
    /** @type {Reading<any>} */
    this.row = new Reading(this, () => get(`${TABS[this.tab].path}/${encodeURIComponent(this.id)}`));
  }

  /** @param {import('../router.js').Route} route */
  arrive({ parts, query }) {
    this.tab = parts[1] && parts[1] in TABS ? parts[1] : "requests";
    this.id = parts[2] ?? "";
    this.state = query.get("state") ?? "";
    this.requestUpdate();
    if (this.id) this.row.readAnew();
  }

  /** @param {Action} action */
  async act(action) {
    const { path, one } = TABS[this.tab];
    const isDone = await ask({
      title: `${action.label} this ${one}?`,
      body: action.body,
      action: action.label,
      danger: action.danger,
      reason: "required",
      done: action.done,
      run: ({ reason }) => call("POST", `${path}/${this.id}/${action.name}`, { body: { reason }, once: true }),
    });
    // Also after a refusal: it is another one now than what was shown.
    this.row.read();
    if (isDone) reloadLists(this);
  }

  /** @param {Event} event */
  choose(event) {
    go(link(["marketplace", this.tab], { state: /** @type {HTMLSelectElement} */ (event.target).value }));
  }

  render() {
    return this.id ? this.one(TABS[this.tab]) : this.list(TABS[this.tab]);
  }

  /** @param {Tab} tab */
  list(tab) {
    return html`
      <div class="screen-head">
        <div>
          <h1 tabindex="-1">Marketplace</h1>
          <p>Everything that is asked, offered and booked.</p>
        </div>
      </div>
      <nav class="tabs" aria-label="What to list">
        ${Object.entries(TABS).map(
          ([name, { label }]) => html`
            <a href=${link(["marketplace", name])} aria-current=${name === this.tab ? "page" : nothing}>${label}</a>
          `,
        )}
      </nav>
      <div class="filters">
        <label class="field">
          State
          <select @change=${this.choose} .value=${this.state}>
            <option value="">any</option>
            ${tab.states.map((state) => html`<option value=${state} ?selected=${state === this.state}>${words(state)}</option>`)}
          </select>
        </label>
      </div>
      <paged-list
        .path=${tab.path}
        .query=${{ state: this.state || undefined }}
        .label=${tab.label}
        .columns=${tab.columns}
        .none=${[`No ${tab.one}s`, this.state ? "None is in this state." : this.tab === "suspended" ? "No booking has a suspended party." : ""]}
      ></paged-list>
    `;
  }

  /** @param {Tab} tab */
  one(tab) {
    const back = html`<a class="crumb" href=${link(["marketplace", this.tab])}>${tab.label}</a>`;
    const row = this.row.value;
    const title = row?.title ?? `${tab.one[0].toUpperCase()}${tab.one.slice(1)} ${short(this.id)}`;
    const allowed = tab.actions.filter(({ name }) => row?.allowed_actions.includes(name));
    return html`
      <div class="screen-head">
        <div>
          ${back}
          <h1 tabindex="-1">${title}</h1>
          ${row ? html`<p>${badge(row.state)} since ${ago(row.updated_at)}</p>` : nothing}
        </div>
        <div class="buttons">
          ${allowed.map(
            (action) => html`
              <button class="button ${action.danger ? "danger" : "primary"}" @click=${() => this.act(action)}>
                ${action.label}
              </button>
            `,
          )}
        </div>
      </div>
      ${this.row.show((row) => this.details(tab, row))}
    `;
  }

  /**
   * @param {Tab} tab
   * @param {any} row
   */
  details(tab, row) {
    return html`
      <section class="card">
        <div class="body">
          <dl class="facts">
            ${tab.facts(row).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
            <dt>Created</dt><dd>${time(row.created_at)}</dd>
            <dt>Version</dt><dd>${number(row.version)}</dd>
            <dt>Id</dt><dd class="mono">${row.id}</dd>
          </dl>
        </div>
      </section>
      <h2 class="section-title">Where it stands</h2>
      <row-lifecycle .kind=${tab.one} .row=${row.id} .version=${row.version}></row-lifecycle>
      ${this.tab === "requests"
        ? html`
            <h2 class="section-title">Offers on it</h2>
            <paged-list
              .path=${`/requests/${row.id}/offers`}
              .label=${"Offers on this request"}
              .columns=${TABS.offers.columns.filter(({ label }) => label !== "On request")}
              .none=${["No offers"]}
            ></paged-list>
          `
        : nothing}
      <h2 class="section-title">Audit</h2>
      <paged-list
        .path=${"/admin/audit"}
        .query=${{ kind: tab.one, row: row.id }}
        .label=${"Audit entries about it"}
        .columns=${auditColumns()}
        .none=${["No entries", "Nothing was refused here, and no admin has acted."]}
      ></paged-list>
    `;
  }
}

customElements.define("marketplace-screen", MarketplaceScreen);
