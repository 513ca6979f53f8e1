// Settings: what this server runs with, and where each value came from.

import { html, nothing } from "../../vendor/lit/index.js";
import { get } from "../api.js";
import { Reading } from "../ui/reading.js";
import { empty } from "../ui/states.js";
import { Screen } from "../ui/view.js";

/** @typedef {import('../types.js').Settings} Settings */
/** @typedef {import('../types.js').Setting} Setting */

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
      ${this.settings.show((settings) => this.list(settings), 10)}
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
