// The marketplace as somebody else sees it: what the public API answers them, by a token that only reads.

import { html, nothing } from "../../vendor/lit/index.js";
import { ago, clock, money, short, time } from "../format.js";
import { go, link } from "../router.js";
import { empty } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { Screen, View } from "../ui/view.js";
import { viewing } from "../viewing.js";
import { badge, range } from "./marketplace.js";

/** @typedef {import('../types.js').Request} Request */
/** @typedef {import('../types.js').Offer} Offer */
/** @typedef {import('../types.js').Booking} Booking */
/** @typedef {import('../types.js').Project} Project */
/** @typedef {import('../types.js').Chat} Chat */

/** Lists read by the view, not by the admin. @type {typeof import('../api.js').get} */
const reader = (path, query, signal) => viewing.get(path, query, signal);

const STATE = { label: "State", cell: (/** @type {{state: string}} */ row) => badge(row.state) };
const CREATED = { label: "Created", cell: (/** @type {{created_at: string}} */ row) => ago(row.created_at) };

/** @param {string} id */
const name = (id) => html`<span class="mono" title=${id}>${short(id)}</span>`;

/** @param {Chat['consumer']} party */
const party = ({ user_id, display_name }) => display_name ?? name(user_id);

/** Their role in it. @param {Project} project */
const role = ({ members }) => members.find(({ user_id }) => user_id === viewing.user?.id)?.role ?? "";

/** Each list: its address, heading, what is said when it is empty, and its columns. */
/** @type {[string, string, string, import('../ui/list.js').Column<any>[]][]} */
const LISTS = [
  [
    "/requests",
    "Requests",
    "They see no requests.",
    [
      { label: "Request", kind: "long", cell: (/** @type {Request} */ row) => row.title },
      STATE,
      { label: "Category", cell: (/** @type {Request} */ row) => row.category },
      { label: "Budget", kind: "number", cell: (/** @type {Request} */ row) => range(row.budget) },
      CREATED,
    ],
  ],
  [
    "/offers",
    "Offers",
    "They have made and received none.",
    [
      { label: "Offer", cell: (/** @type {Offer} */ row) => name(row.id) },
      STATE,
      { label: "Price", kind: "number", cell: (/** @type {Offer} */ row) => money(row.price) },
      { label: "When", cell: (/** @type {Offer} */ row) => time(row.slot.start) },
      { label: "On request", cell: (/** @type {Offer} */ row) => name(row.request_id) },
      CREATED,
    ],
  ],
  [
    "/bookings",
    "Bookings",
    "They have none.",
    [
      { label: "Booking", kind: "long", cell: (/** @type {Booking} */ row) => row.title },
      STATE,
      { label: "Price", kind: "number", cell: (/** @type {Booking} */ row) => money(row.price) },
      { label: "When", cell: (/** @type {Booking} */ row) => time(row.slot.start) },
      CREATED,
    ],
  ],
  [
    "/projects",
    "Projects",
    "They are a member of none.",
    [
      { label: "Project", kind: "long", cell: (/** @type {Project} */ row) => row.title },
      { label: "Members", kind: "number", cell: (/** @type {Project} */ row) => row.members.length },
      { label: "Role", cell: (/** @type {Project} */ row) => role(row) },
      CREATED,
    ],
  ],
  [
    "/sessions",
    "Chats",
    "They are in none.",
    [
      { label: "Chat", cell: (/** @type {Chat} */ row) => name(row.id) },
      { label: "On request", cell: (/** @type {Chat} */ row) => name(row.request_id) },
      { label: "Consumer", cell: (/** @type {Chat} */ row) => party(row.consumer) },
      { label: "Provider", cell: (/** @type {Chat} */ row) => party(row.provider) },
      CREATED,
    ],
  ],
];

class ViewingScreen extends Screen {
  connectedCallback() {
    super.connectedCallback();
    this.follow(viewing, "change", () => this.requestUpdate());
  }

  render() {
    const { user } = viewing;
    if (!user) return none();
    return html`
      <div class="screen-head">
        <div>
          <a class="crumb" href=${link(["people", user.id])}>${user.display_name}</a>
          <h1 tabindex="-1">The marketplace of ${user.display_name}</h1>
          <p>As the API answers ${user.email}. Journals, conversations, simulations and logins stay private.</p>
        </div>
      </div>
      ${LISTS.map(
        ([path, label, hint, columns]) => html`
          <h2 class="section-title">${label}</h2>
          <paged-list
            .path=${path}
            .reader=${reader}
            .label=${label}
            .columns=${columns}
            .none=${[`No ${label.toLowerCase()}`, hint]}
          ></paged-list>
        `,
      )}
    `;
  }
}

function none() {
  return html`
    <div class="screen-head">
      <div>
        <h1 tabindex="-1">No view is open</h1>
      </div>
    </div>
    ${empty(viewing.ending || "You see nothing as somebody else", "A view is opened on a person's page. It ends when this page is left or reloaded.")}
    <p class="more"><a class="button" href=${link(["people"])}>People</a></p>
  `;
}

/** On every screen while a view is open: whom, until when, and how to end it. */
class ViewBanner extends View {
  connectedCallback() {
    super.connectedCallback();
    this.follow(viewing, "change", () => this.requestUpdate());
  }

  async end() {
    const id = viewing.user?.id ?? "";
    go(link(["people", id]));
    await viewing.end().then(
      () => toast("The view has ended."),
      () => toast("The view is closed here; the server was not reached, and ends it in time.", "danger"),
    );
  }

  render() {
    const { user } = viewing;
    if (!user) return nothing;
    return html`
      <aside class="view-banner" aria-label="View as somebody else">
        <p>
          <strong>Viewing as ${user.display_name}</strong> (${user.email}), read-only, until ${clock(viewing.expiresAt)}
        </p>
        <span class="buttons">
          <a class="button small" href=${link(["viewing"])}>Their marketplace</a>
          <button class="button small danger" @click=${this.end}>End now</button>
        </span>
      </aside>
    `;
  }
}

customElements.define("viewing-screen", ViewingScreen);
customElements.define("view-banner", ViewBanner);
