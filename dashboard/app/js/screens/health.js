// The overview's health: each part of the server, and each server of the database, with its state and why.

import { html, nothing } from "../../vendor/lit/index.js";
import { get } from "../api.js";
import { ago, short, words } from "../format.js";
import { link } from "../router.js";
import { View } from "../ui/view.js";

/** @typedef {import('../types.js').ServerHealth} ServerHealth */
/** @typedef {import('../types.js').PartHealth} PartHealth */
/** @typedef {import('../types.js').NodeHealth} NodeHealth */

/** How often it is asked for, in milliseconds. */
const EVERY = 5_000;

/** @type {Record<string, string>} */
const BADGES = { ok: "good", degraded: "warn", down: "danger" };

/** What the parts do now and then, of which the last time is told. @type {Record<string, string>} */
const LAST = { writer: "Last commit", sweeper: "Last round", nodes: "Others heard" };

class ServerHealthList extends View {
  static properties = { health: { state: true }, failed: { state: true } };

  constructor() {
    super();
    /** @type {ServerHealth | null} */
    this.health = null;
    /** Why the parts are not known, and what the server's own probe says. @type {string} */
    this.failed = "";
    this.isReading = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.read();
    const timer = setInterval(() => this.read(), EVERY);
    this.until(() => clearInterval(timer));
  }

  async read() {
    // An answer may take longer than it is asked for again.
    if (this.isReading) return;
    this.isReading = true;
    try {
      this.health = await get("/admin/health");
      this.failed = "";
    } catch {
      // Without the database no token can be checked; the probe asks for none.
      this.failed = await probed();
    }
    this.isReading = false;
  }

  render() {
    const { health, failed } = this;
    if (failed) {
      return html`
        <ul class="checks">
          <li>
            <span>Server <small class="second">Its parts are not known until it can check who asks.</small></span>
            <span class="badge danger">${failed}</span>
          </li>
        </ul>
      `;
    }
    if (!health) return html`<p class="muted">Asking…</p>`;
    return html`
      <ul class="checks parts">
        ${health.parts.map((part) => line(part))}
        ${health.nodes.map((node) => server(node))}
      </ul>
    `;
  }
}

/** What the server's own probe says. */
async function probed() {
  try {
    const { status, because } = await (await fetch("/readyz", { cache: "no-store" })).json();
    return status === "ready" ? "ready, but does not tell" : `not ready: ${words(because ?? status)}`;
  } catch {
    return "unreachable";
  }
}

/** @param {string} state */
function badge(state) {
  return html`<span class="badge ${BADGES[state] ?? ""}">${words(state)}</span>`;
}

/** @param {PartHealth} part */
function line({ part, state, because, since, last_at }) {
  const name = part === "nodes" ? "Servers" : upper(words(part));
  return html`
    <li data-part=${part}>
      <span>
        ${name}
        <small class="second">
          ${because}
          ${since ? html`Since ${ago(since)}.` : nothing}
          ${last_at ? html`${LAST[part] ?? "Last"}: ${ago(last_at)}.` : nothing}
        </small>
      </span>
      ${badge(state)}
    </li>
  `;
}

/** @param {NodeHealth} node */
function server({ id, current, state, because, since, last_seen_at }) {
  return html`
    <li class="node" data-node=${id}>
      <span>
        Server <a class="mono" href=${link(["sessions"], { node: last_seen_at ? id : "" })}>${short(id)}</a>${current ? ", this one" : nothing}
        <small class="second">
          ${because}
          ${since ? html`Started ${ago(since)}.` : nothing}
          ${last_seen_at && !current ? html`Last heartbeat: ${ago(last_seen_at)}.` : nothing}
        </small>
      </span>
      ${badge(state)}
    </li>
  `;
}

/** @param {string} text */
function upper(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

customElements.define("server-health", ServerHealthList);
