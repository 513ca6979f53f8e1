// One connection: who it is, its frames as they come while somebody looks, and why it ended.

import { html, nothing } from "../../vendor/lit/index.js";
import { repeat } from "../../vendor/lit/directives/repeat.js";
import { get, Problem } from "../api.js";
import { ago, bytes, clock, duration, number, short, time, words } from "../format.js";
import { live } from "../live.js";
import { link } from "../router.js";
import { Reading } from "../ui/reading.js";
import { empty } from "../ui/states.js";
import { Screen } from "../ui/view.js";
import { closeConnection, endLoginOf } from "./sessions.js";

/** @typedef {import('../types.js').Connection} Connection */
/** @typedef {import('../types.js').EndedConnection} EndedConnection */
/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {{connection: Connection | null, ended: EndedConnection | null}} Found What is known: one of both. */

/** Frames that the page keeps, newest first. */
const SHOWN = 500;

/**
 * What only a live connection has.
 * @param {Connection} connection
 */
function factsOfLive({ last_seen_at, user_role, node_id, waiting_bytes }) {
  return html`
    <dt>Last heard</dt>
    <dd>${ago(last_seen_at)}</dd>
    ${user_role ? html`<dt>Role</dt><dd>${user_role}</dd>` : nothing}
    ${node_id ? html`<dt>Server</dt><dd class="mono">${node_id}</dd>` : nothing}
    ${waiting_bytes == null ? nothing : html`<dt>Waiting</dt><dd>${bytes(waiting_bytes)}</dd>`}
  `;
}

class ConnectionScreen extends Screen {
  static properties = {
    frames: { state: true },
    missing: { state: true },
    isHeard: { state: true },
    isPaused: { state: true },
  };

  constructor() {
    super();
    this.id = "";
    /** @type {Reading<Found>} */
    this.found = new Reading(this, () => this.find());
    /** @type {Frame[]} */
    this.frames = [];
    /** Frames that were dropped on the way here. */
    this.missing = 0;
    /** Whether the server that this page is connected to has the connection; `null` until it said so. */
    /** @type {boolean | null} */
    this.isHeard = null;
    this.isPaused = false;
    /** The number of the newest frame. */
    this.last = 0;
    /** @type {() => void} */
    this.stop = () => {};
  }

  /** @param {import('../router.js').Route} route */
  arrive({ parts }) {
    const id = parts[1] ?? "";
    if (id === this.id) return;
    this.id = id;
    this.frames = [];
    this.missing = 0;
    this.last = 0;
    this.isHeard = null;
    this.stop();
    this.found.readAnew();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.stop();
  }

  /**
   * The connection, or its end if it is over.
   * @returns {Promise<Found>}
   */
  async find() {
    const { id } = this;
    try {
      const connection = await get(`/admin/sessions/${encodeURIComponent(id)}`);
      if (id === this.id && this.isConnected) this.watch();
      return { connection, ended: null };
    } catch (error) {
      if (!(error instanceof Problem && error.status === 404)) throw error;
    }
    const ended = await this.findEnd();
    if (!ended) throw new Problem("There is no such connection, or it ended long ago.", { status: 404 });
    return { connection: null, ended };
  }

  /** @returns {Promise<EndedConnection | undefined>} */
  async findEnd() {
    return (await get("/admin/sessions/ended", { connection_id: this.id, limit: 1 })).items[0];
  }

  /**
   * A connection that was here is being closed: it is not over before its client has answered.
   * @param {number} attempts
   */
  async awaitEnd(attempts) {
    const { id } = this;
    const ended = await this.findEnd().catch(() => undefined);
    if (id !== this.id || !this.isConnected) return;
    if (ended) this.found.put({ connection: null, ended });
    else if (attempts > 0) setTimeout(() => id === this.id && this.isConnected && this.awaitEnd(attempts - 1), 1000);
    else this.found.read();
  }

  watch() {
    this.stop();
    this.stop = live.listen(`recorder:${this.id}`, { frames: (told) => this.told(told) });
  }

  /** @param {import('../types.js').Frames} told */
  told({ is_live, frames }) {
    const was = this.isHeard;
    this.isHeard = is_live;
    // A recording that began again counts from 1.
    if (frames.length > 0 && frames[0].number <= this.last) {
      this.frames = [];
      this.last = 0;
    }
    for (const frame of frames) {
      if (this.last > 0 && frame.number > this.last + 1) this.missing += frame.number - this.last - 1;
      this.last = frame.number;
    }
    if (frames.length > 0 && !this.isPaused) this.frames = [...frames.toReversed(), ...this.frames].slice(0, SHOWN);
    if (was && !is_live) {
      this.stop();
      this.awaitEnd(10);
    }
  }

  pause() {
    this.isPaused = !this.isPaused;
  }

  render() {
    const { value } = this.found;
    const known = value?.ended ?? value?.connection;
    const who = known?.user_email ?? (known ? `User ${short(known.user_id)}` : "Connection");
    const connection = value?.connection;
    return html`
      <div class="screen-head">
        <div>
          <a class="crumb" href=${link(value?.ended ? ["sessions", "ended"] : ["sessions"])}>Sessions</a>
          <h1 tabindex="-1">${who}</h1>
          <p>${value ? standing(value) : nothing}</p>
        </div>
        ${connection
          ? html`
              <div class="buttons">
                <button class="button" @click=${() => closeConnection(connection)}>Close</button>
                ${connection.login_id
                  ? html`<button class="button danger" @click=${() => endLoginOf(connection)}>End login</button>`
                  : nothing}
              </div>
            `
          : nothing}
      </div>
      ${this.found.show((found) => html`${facts(found)}${this.recording(found)}`)}
    `;
  }

  /** @param {Found} found */
  recording({ ended }) {
    if (ended && this.frames.length === 0) return nothing;
    const note = ended
      ? "The connection has ended; these were its last frames."
      : this.isHeard === false
        ? "The connection is on another server, or is ending: its frames are heard only by a page that is connected to its server."
        : "Recorded while this page is open: when, which way, what kind, how large. Never what is in them.";
    return html`
      <h2 class="section-title">Frames</h2>
      <div class="bar">
        <p class="muted">
          ${this.isHeard && !ended ? html`<span class="badge accent">${this.isPaused ? "paused" : "recording"}</span>` : nothing}
          ${note}${this.missing > 0 ? ` ${number(this.missing)} came too fast to be shown.` : ""}
        </p>
        ${ended
          ? nothing
          : html`<button class="button small" aria-pressed=${String(this.isPaused)} @click=${this.pause}>${this.isPaused ? "Go on" : "Pause"}</button>`}
      </div>
      ${this.frames.length === 0
        ? empty("No frames yet", "They appear as they come.")
        : html`
            <div class="table-box stacked frames" tabindex="0" role="region" aria-label="Frames, newest first">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Time</th><th scope="col">Way</th><th scope="col">Type</th><th scope="col">Room</th>
                    <th scope="col" class="number">Position</th><th scope="col" class="number">Size</th>
                    <th scope="col" class="number">Answered in</th>
                  </tr>
                </thead>
                <tbody>${repeat(this.frames, ({ number }) => number, (frame) => this.frame(frame))}</tbody>
              </table>
            </div>
          `}
    `;
  }

  /** @param {Frame} frame */
  frame({ at, direction, kind, room, seq, bytes: size, latency_us }) {
    return html`
      <tr>
        <td data-label="Time">${clock(at)}</td>
        <td data-label="Way"><span class="badge ${direction === "in" ? "accent" : ""}">${direction === "in" ? "→ in" : "← out"}</span></td>
        <td data-label="Type"><span class="mono">${kind}</span></td>
        <td data-label="Room">${room ? html`<span class="mono">${room}</span>` : html`<span class="muted">–</span>`}</td>
        <td class="number" data-label="Position">${seq === undefined ? html`<span class="muted">–</span>` : number(seq)}</td>
        <td class="number" data-label="Size">${bytes(size)}</td>
        <td class="number" data-label="Answered in">${latency_us === undefined ? html`<span class="muted">–</span>` : duration(latency_us / 1e6)}</td>
      </tr>
    `;
  }
}

/** @param {Found} found */
function standing({ connection, ended }) {
  if (ended) return html`<span class="badge warn">ended</span> ${words(ended.reason)}, ${ago(ended.ended_at)}`;
  return connection ? html`<span class="badge good">live</span> since ${ago(connection.since)}` : nothing;
}

/** @param {Found} found */
function facts({ connection, ended }) {
  const known = /** @type {Connection | EndedConnection} */ (ended ?? connection);
  const lived = ended ? (Date.parse(ended.ended_at) - Date.parse(ended.since)) / 1000 : 0;
  return html`
    <section class="card">
      <div class="body">
        <dl class="facts">
          <dt>User</dt>
          <dd><a href=${link(["people", known.user_id])}>${known.user_email ?? known.user_id}</a></dd>
          <dt>Endpoint</dt>
          <dd>${known.endpoint}${known.dialect && known.dialect !== known.endpoint ? `, ${known.dialect}` : ""}</dd>
          <dt>Address</dt>
          <dd class="mono">${known.address}</dd>
          <dt>Connected</dt>
          <dd>${time(known.since)}</dd>
          ${ended
            ? html`
                <dt>Ended</dt>
                <dd>${time(ended.ended_at)}, after ${duration(lived)}</dd>
                <dt>Why</dt>
                <dd>${words(ended.reason)}</dd>
                <dt>Not sent</dt>
                <dd>${bytes(ended.waiting_bytes)}</dd>
              `
            : factsOfLive(/** @type {Connection} */ (known))}
          <dt>Messages</dt>
          <dd>${number(known.messages)}</dd>
          <dt>Rooms</dt>
          <dd>${number(known.rooms)}</dd>
          <dt>Connection id</dt>
          <dd class="mono">${known.id}</dd>
        </dl>
      </div>
    </section>
    ${ended && ended.positions.length > 0
      ? html`
          <h2 class="section-title">How far it was sent its rooms</h2>
          <div class="table-box stacked" tabindex="0" role="region" aria-label="Positions in rooms">
            <table>
              <thead><tr><th scope="col">Room</th><th scope="col" class="number">Last position</th></tr></thead>
              <tbody>
                ${ended.positions.map(
                  ({ room, seq }) => html`
                    <tr><td data-label="Room"><span class="mono">${room}</span></td><td class="number" data-label="Last position">${number(seq)}</td></tr>
                  `,
                )}
              </tbody>
            </table>
          </div>
        `
      : nothing}
  `;
}

customElements.define("connection-screen", ConnectionScreen);
