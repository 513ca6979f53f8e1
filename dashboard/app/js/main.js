// The frame: who is logged in, where one can go, and the screen of the address.

import { html, nothing } from "../vendor/lit/index.js";
import { live } from "./live.js";
import { go, link, route } from "./router.js";
import { session } from "./session.js";
import { loading } from "./ui/states.js";
import { View } from "./ui/view.js";
import "./screens/account.js";
import "./screens/audit.js";
import "./screens/connection.js";
import "./screens/explain.js";
import "./screens/login.js";
import "./screens/marketplace.js";
import "./screens/overview.js";
import "./screens/people.js";
import "./screens/person.js";
import "./screens/rooms.js";
import "./screens/sessions.js";
import "./screens/settings.js";
import "./screens/viewing.js";

/** Each screen's name in the address, in the menu, and its element. */
/** @type {[string, string, () => unknown][]} */
const SCREENS = [
  ["overview", "Overview", () => html`<overview-screen></overview-screen>`],
  ["sessions", "Sessions", () => html`<sessions-screen></sessions-screen>`],
  ["rooms", "Rooms", () => html`<rooms-screen></rooms-screen>`],
  ["people", "People", () => html`<people-screen></people-screen>`],
  ["marketplace", "Marketplace", () => html`<marketplace-screen></marketplace-screen>`],
  ["audit", "Audit", () => html`<audit-screen></audit-screen>`],
  ["explain", "Explain", () => html`<explain-screen></explain-screen>`],
  ["settings", "Settings", () => html`<settings-screen></settings-screen>`],
];

const LINK_STATES = { off: "Offline", connecting: "Connecting…", live: "Live", lost: "Reconnecting…" };

class App extends View {
  static properties = { isReady: { state: true } };

  constructor() {
    super();
    this.isReady = false;
    this.screen = "";
    /** The menu's current entry. @type {Element | null} */
    this.current = null;
  }

  connectedCallback() {
    super.connectedCallback();
    this.follow(session, "change", () => this.changed());
    this.follow(live, "change", () => this.requestUpdate());
    this.follow(window, "hashchange", () => this.arrive());
    this.resume();
  }

  async resume() {
    try {
      await session.resume();
    } catch {
      // Not reached: the login says so when it is tried.
    }
    this.isReady = true;
  }

  changed() {
    if (session.user) live.start();
    else live.stop();
    this.requestUpdate();
  }

  async arrive() {
    const { parts } = route();
    const screen = parts.slice(0, 2).join("/");
    this.requestUpdate();
    if (screen === this.screen) return;
    this.screen = screen;
    await this.updateComplete;
    // Who uses a keyboard or a screen reader begins at the new screen's title.
    const title = this.querySelector("h1");
    title?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  updated() {
    // Where the menu is a bar that scrolls, the current screen is to be seen in it.
    const current = /** @type {HTMLElement | null} */ (this.querySelector("nav a[aria-current]"));
    if (current === this.current) return;
    this.current = current;
    const menu = current?.closest("nav");
    // Not `scrollIntoView`, which also moves where the tab key begins.
    if (current && menu) menu.scrollLeft = current.offsetLeft - menu.clientWidth / 2;
  }

  /** @param {Event} event */
  skip(event) {
    event.preventDefault();
    this.querySelector("main")?.focus();
  }

  async logOut() {
    await session.logOut().catch(() => {});
    go(link(["overview"]));
  }

  content() {
    const { name, parts } = route();
    if (name === "sessions" && parts[1] && parts[1] !== "ended") return html`<connection-screen></connection-screen>`;
    if (name === "rooms" && parts[1]) return html`<room-screen></room-screen>`;
    if (name === "people" && parts[1]) return html`<person-screen></person-screen>`;
    if (name === "viewing") return html`<viewing-screen></viewing-screen>`;
    if (name === "account") return html`<account-screen></account-screen>`;
    const known = SCREENS.find(([path]) => path === name);
    if (known) return known[2]();
    return html`
      <div class="state">
        <h1 tabindex="-1">There is no such page</h1>
        <p><a href=${link(["overview"])}>Back to the overview</a></p>
      </div>
    `;
  }

  render() {
    if (!this.isReady) return html`<main>${loading(3)}</main>`;
    if (!session.user) return html`<login-screen></login-screen>`;
    const { name } = route();
    document.title = `${SCREENS.find(([known]) => known === name)?.[1] ?? (name === "viewing" ? "Viewing" : "Account")} · Souk`;
    return html`
      <a class="button skip" href="#" @click=${this.skip}>Skip to content</a>
      <div class="frame">
        <header class="sidebar">
          <a class="brand" href=${link(["overview"])}>
            <img src=${new URL("../icon.svg", import.meta.url).href} alt="" />Souk
          </a>
          <nav aria-label="Screens">
            <ul>
              ${SCREENS.map(
                ([known, label]) => html`
                  <li><a href=${link([known])} aria-current=${known === name ? "page" : nothing}>${label}</a></li>
                `,
              )}
            </ul>
          </nav>
          <div class="foot">
            <span class="link-state ${live.state}" role="status">${LINK_STATES[live.state]}</span>
            <a class="who" href=${link(["account"])} title=${session.user.email}>${session.user.email}</a>
            <button class="button small" @click=${this.logOut}>Log out</button>
          </div>
        </header>
        <main id="main" tabindex="-1">
          <view-banner></view-banner>
          ${live.state === "lost"
            ? html`<p class="notice offline" role="alert">
                The live connection is lost; numbers stand still until it is back. Trying again by itself.
              </p>`
            : nothing}
          ${this.content()}
        </main>
      </div>
    `;
  }
}

customElements.define("souk-app", App);
