// Logging in: with an admin's email and password, or with an access token.

import { html, nothing } from "../../vendor/lit/index.js";
import { session } from "../session.js";
import { failure } from "../ui/states.js";
import { View } from "../ui/view.js";

class LoginScreen extends View {
  static properties = {
    byToken: { state: true },
    isRunning: { state: true },
    failed: { state: true },
  };

  constructor() {
    super();
    this.byToken = false;
    this.isRunning = false;
    /** @type {unknown} */
    this.failed = null;
  }

  connectedCallback() {
    super.connectedCallback();
    document.title = "Log in · Souk";
  }

  firstUpdated() {
    this.querySelector("input")?.focus();
  }

  /** @param {SubmitEvent} event */
  async submit(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const text = (/** @type {string} */ name) => String(form.get(name) ?? "").trim();
    this.isRunning = true;
    this.failed = null;
    try {
      if (this.byToken) await session.useToken(text("token"));
      else await session.logIn(text("email"), String(form.get("password") ?? ""));
    } catch (error) {
      this.failed = error;
    }
    this.isRunning = false;
  }

  change() {
    this.byToken = !this.byToken;
    this.failed = null;
  }

  render() {
    return html`
      <main class="login">
        <div class="card">
          <div class="brand"><img src=${new URL("../../icon.svg", import.meta.url).href} alt="" />Souk</div>
          <h1>Log in to the dashboard</h1>
          <form @submit=${this.submit}>
            ${this.byToken
              ? html`
                  <label class="field">
                    Access token of an admin
                    <textarea name="token" required autocomplete="off" spellcheck="false"></textarea>
                  </label>
                `
              : html`
                  <label class="field">
                    Email
                    <input name="email" type="email" required autocomplete="username" />
                  </label>
                  <label class="field">
                    Password
                    <input name="password" type="password" required autocomplete="current-password" />
                  </label>
                `}
            ${this.failed ? failure(this.failed) : nothing}
            <button class="button primary" ?disabled=${this.isRunning}>
              ${this.isRunning ? "Logging in…" : "Log in"}
            </button>
          </form>
          <p class="switch">
            <button class="link" type="button" @click=${this.change}>
              ${this.byToken ? "Use email and password" : "Use an access token"}
            </button>
          </p>
        </div>
      </main>
    `;
  }
}

customElements.define("login-screen", LoginScreen);
