// Settings: what this server runs with, and where each value came from; its schema, and when it was last backed up.

import { html, nothing } from "../../vendor/lit/index.js";
import { get } from "../api.js";
import { ago, bytes, time } from "../format.js";
import { Reading } from "../ui/reading.js";
import { empty } from "../ui/states.js";
import { Screen } from "../ui/view.js";

/** @typedef {import('../types.js').Settings} Settings */
/** @typedef {import('../types.js').Setting} Setting */
/** @typedef {import('../types.js').Migration} Migration */
/** @typedef {import('../types.js').LastBackup} LastBackup */

class SettingsScreen extends Screen {
  static properties = {
    wanted: { state: true },
    isChangedOnly: { state: true },
  };

  constructor() {
    super();
    /** @type {Reading<Settings>} */
    this.settings = new Reading(this, () => get("/admin/settings"));
    this.wanted = "";
    this.isChangedOnly = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.settings.read();
  }

  /** @param {Setting} setting */
  isShown({ name, value, source }) {
    const wanted = this.wanted.toLowerCase();
    const isChanged = source === "flag" || source === "variable";
    return (isChanged || !this.isChangedOnly) && `${name} ${value}`.toLowerCase().includes(wanted);
  }

  render() {
    const settings = this.settings.value;
    return html`
      <div class="screen-head">
        <div>
          <h1 tabindex="-1">Settings</h1>
          <p>
            ${settings
              ? `Souk ${settings.version} on ${settings.database === "sqlite" ? "SQLite" : "PostgreSQL"}. Settings are read at start; to change one, restart the server with another flag or variable.`
              : "What this server runs with."}
          </p>
        </div>
      </div>
      ${this.settings.show((settings) => html`${state(settings)}${this.list(settings)}`, 10)}
    `;
  }

  /** @param {Settings} settings */
  list({ settings }) {
    const shown = settings.filter((setting) => this.isShown(setting));
    const sections = [...new Set(shown.map(({ section }) => section))];
    return html`
      <form class="filters" role="search" @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <label class="field wide">
          Search
          <input
            type="search"
            placeholder="name or value"
            @input=${(/** @type {InputEvent} */ event) => (this.wanted = /** @type {HTMLInputElement} */ (event.target).value)}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            @change=${(/** @type {Event} */ event) => (this.isChangedOnly = /** @type {HTMLInputElement} */ (event.target).checked)}
          />
          Only what was given
        </label>
      </form>
      ${shown.length === 0 ? empty("No such setting") : nothing}
      ${sections.map(
        (section) => html`
          <h2 class="section-title">${section}</h2>
          <div class="table-box stacked" tabindex="0" role="region" aria-label="${section} settings">
            <table>
              <thead><tr><th scope="col">Setting</th><th scope="col">Value</th><th scope="col">Given by</th></tr></thead>
              <tbody>
                ${shown.filter((setting) => setting.section === section).map((setting) => row(setting))}
              </tbody>
            </table>
          </div>
        `,
      )}
    `;
  }
}

/** @param {Settings} settings */
function state({ migrations, backup }) {
  return html`
    <div class="pair state-of">
      <section class="card">
        <header><h2>Last backup</h2></header>
        <div class="body">${lastBackup(backup)}</div>
      </section>
      <section class="card">
        <header><h2>Schema</h2></header>
        <div class="body">${schema(migrations)}</div>
      </section>
    </div>
  `;
}

/** @param {LastBackup} backup */
function lastBackup({ state, at, bytes: size }) {
  switch (state) {
    case "made":
      return html`
        <dl class="facts">
          <dt>Age</dt>
          <dd>${ago(at)}</dd>
          <dt>Began</dt>
          <dd>${time(at)}</dd>
          <dt>Size</dt>
          <dd>${bytes(size ?? 0)}</dd>
        </dl>
      `;
    case "none":
      return html`
        <p>None yet.</p>
        <p class="muted"><code>souk backup PATH</code> copies the database while the server runs. Copies made by other means are not known here.</p>
      `;
    case "outside":
      return html`
        <p>Not known here.</p>
        <p class="muted">PostgreSQL is backed up outside of Souk: by <code>pg_dump</code>, or by who runs it for you.</p>
      `;
    default:
      return html`
        <p><span class="badge warn">unknown</span></p>
        <p class="muted">The record beside the database cannot be read; the server's log says why. The next <code>souk backup</code> writes a new one.</p>
      `;
  }
}

/** @param {Migration[]} migrations */
function schema(migrations) {
  const count = (/** @type {Migration["state"]} */ wanted) => migrations.filter(({ state }) => state === wanted).length;
  const newest = migrations.findLast(({ state }) => state !== "pending");
  const { pending, unknown } = { pending: count("pending"), unknown: count("unknown") };
  return html`
    <dl class="facts">
      <dt>Version</dt>
      <dd>
        <span class="mono">${newest?.version ?? "–"}</span>
        ${pending > 0 ? html`<span class="badge danger">${pending} pending</span>` : nothing}
        ${unknown > 0 ? html`<span class="badge danger">${unknown} of a newer Souk</span>` : nothing}
        ${pending + unknown === 0 ? html`<span class="badge good">current</span>` : nothing}
      </dd>
      <dt>Applied</dt>
      <dd>${time(newest?.applied_at)}</dd>
    </dl>
    <details>
      <summary>All ${migrations.length} migrations</summary>
      <ol class="migrations">
        ${migrations.toReversed().map(
          ({ version, name, state, applied_at }) => html`
            <li>
              <span class="mono">${name ?? version}</span>
              ${state === "applied" ? time(applied_at) : html`<span class="badge danger">${state === "pending" ? state : "of a newer Souk"}</span>`}
            </li>
          `,
        )}
      </ol>
    </details>
  `;
}

/** @param {Setting} setting */
function row({ name, value, source }) {
  const isGiven = source === "flag" || source === "variable";
  return html`
    <tr>
      <td class="mono" data-label="Setting">${name}</td>
      <td class="mono long" data-label="Value">${value}</td>
      <td data-label="Given by">${isGiven ? html`<span class="badge accent">${source}</span>` : html`<span class="muted">${source}</span>`}</td>
    </tr>
  `;
}

customElements.define("settings-screen", SettingsScreen);
