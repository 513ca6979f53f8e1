// People: find somebody by email.

import { html, nothing } from "../../vendor/lit/index.js";
import { ago, words } from "../format.js";
import { go, link } from "../router.js";
import "../ui/list.js";
import { Screen } from "../ui/view.js";

/** @typedef {import('../types.js').User} User */

const COLUMNS = [
  {
    label: "Person",
    cell: (/** @type {User} */ user) => html`
      <span><a href=${link(["people", user.id])}>${user.display_name}</a><span class="second">${user.email}</span></span>
    `,
  },
  { label: "Role", cell: (/** @type {User} */ user) => html`<span class="badge ${user.role === "admin" ? "accent" : ""}">${user.role}</span>` },
  { label: "Plan", cell: (/** @type {User} */ user) => words(user.plan) },
  { label: "Status", cell: (/** @type {User} */ user) => status(user) },
  { label: "Joined", cell: (/** @type {User} */ user) => ago(user.created_at) },
];

/** @param {{is_active: boolean}} user */
export function status(user) {
  return user.is_active
    ? html`<span class="badge good">active</span>`
    : html`<span class="badge danger">suspended</span>`;
}

class PeopleScreen extends Screen {
  constructor() {
    super();
    this.email = "";
  }

  /** @param {import('../router.js').Route} route */
  arrive({ query }) {
    this.email = query.get("email") ?? "";
    this.requestUpdate();
  }

  /** @param {SubmitEvent} event */
  search(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    go(link(["people"], { email: String(form.get("email")).trim() }));
  }

  render() {
    return html`
      <div class="screen-head">
        <div>
          <h1 tabindex="-1">People</h1>
          <p>Everybody with an account, newest first.</p>
        </div>
      </div>
      <form class="filters" role="search" @submit=${this.search}>
        <label class="field wide">
          Email
          <input name="email" type="search" .value=${this.email} placeholder="beginning of the address" />
        </label>
        <button class="button">Search</button>
        ${this.email ? html`<a class="button plain" href=${link(["people"])}>Clear</a>` : nothing}
      </form>
      <paged-list
        .path=${"/admin/users"}
        .query=${{ email: this.email || undefined }}
        .label=${"People"}
        .columns=${COLUMNS}
        .none=${["Nobody found", this.email ? "No address begins with this." : "There are no accounts yet."]}
      ></paged-list>
    `;
  }
}

customElements.define("people-screen", PeopleScreen);
