// Overview: what the server is doing now and in the last minutes, whether it is well, and what needs a person.

import { html, nothing } from "../../vendor/lit/index.js";
import { get } from "../api.js";
import { bytes, clock, duration, number, short, words } from "../format.js";
import { live } from "../live.js";
import { History, SPAN, sum } from "../metrics.js";
import { link } from "../router.js";
import { session } from "../session.js";
import { BINARY, WHOLE } from "../ui/chart.js";
import { empty } from "../ui/states.js";
import { Screen } from "../ui/view.js";
import "./health.js";

/** @typedef {import('../types.js').LiveEvent} LiveEvent */

/** Kept while somebody is logged in, so that coming back to this screen does not begin anew. */
let history = new History();
session.addEventListener("change", () => {
  history = new History();
});

/** Events that are shown. */
const EVENTS = 50;

const seconds = (/** @type {number} */ value) => duration(value);
const perSecond = (/** @type {number} */ value) => `${number(value)}/s`;
const percent = (/** @type {number} */ value) => `${number(value)} %`;

/** @type {{heading: string, names: string[], series: import("../ui/chart.js").Series[], format: (value: number) => string, steps?: number[]}[]} */
const CHARTS = [
  {
    heading: "Connections",
    names: ["connections"],
    series: [{ label: "live", color: 1 }],
    format: number,
    steps: WHOLE,
  },
  {
    heading: "Messages",
    names: ["deliveries", "acks"],
    series: [
      { label: "delivered", color: 1 },
      { label: "acknowledged", color: 2 },
    ],
    format: perSecond,
  },
  {
    heading: "HTTP requests",
    names: ["http2xx", "http4xx", "http5xx"],
    series: [
      { label: "done", color: 2 },
      { label: "4xx", color: 3 },
      { label: "5xx", color: 4 },
    ],
    format: perSecond,
  },
  {
    heading: "HTTP latency",
    names: ["p50", "p99"],
    series: [
      { label: "p50", color: 2 },
      { label: "p99", color: 3 },
    ],
    format: seconds,
  },
  {
    heading: "Acknowledgements",
    names: ["ackP50", "ackP99"],
    series: [
      { label: "p50", color: 2 },
      { label: "p99", color: 3 },
    ],
    format: seconds,
  },
  {
    heading: "Waiting for the database",
    names: ["connectionWaiting", "commitWaiting"],
    series: [
      { label: "connection", color: 1 },
      { label: "commit", color: 3 },
    ],
    format: number,
    steps: WHOLE,
  },
  {
    heading: "Writes of a commit",
    names: ["group"],
    series: [{ label: "on average", color: 1 }],
    format: number,
  },
  {
    heading: "Waiting for clients",
    names: ["outboxes"],
    series: [{ label: "in outboxes", color: 1 }],
    format: bytes,
    steps: BINARY,
  },
  {
    heading: "Processor",
    names: ["cpu"],
    series: [{ label: "of a core", color: 1 }],
    format: percent,
  },
  {
    heading: "Memory",
    names: ["memory"],
    series: [{ label: "resident", color: 1 }],
    format: bytes,
    steps: BINARY,
  },
];

/** Reasons of refusals that are drawn; there are four colours. */
const REASONS = 4;

/** @type {typeof CHARTS[number]} */
let refused = { heading: "Refusals", names: ["refusals"], series: [{ label: "all", color: 1 }], format: perSecond };

/** The chart of refusals by reason: those that were most frequent since the page was opened. */
function refusals() {
  const { newest, first } = history;
  if (!newest || !first) return refused;
  const since = (/** @type {string} */ reason) => newest.refusals[reason] - (first.refusals[reason] ?? 0);
  const reasons = Object.keys(newest.refusals).filter((reason) => since(reason) > 0);
  const shown = reasons.sort((a, b) => since(b) - since(a)).slice(0, REASONS).sort();
  const names = shown.map((reason) => `refusal ${reason}`);
  // The same one as long as it shows the same: another would be built anew each second.
  if (shown.length > 0 && names.join() !== refused.names.join()) {
    refused = { ...refused, names, series: shown.map((reason, index) => ({ label: words(reason), color: index + 1 })) };
  }
  return refused;
}

class OverviewScreen extends Screen {
  static properties = {
    events: { state: true },
    suspended: { state: true },
    tick: { state: true },
  };

  constructor() {
    super();
    /** @type {LiveEvent[] | null} */
    this.events = null;
    /** Bookings with a suspended party. */
    this.suspended = 0;
    this.tick = 0;
  }

  connectedCallback() {
    super.connectedCallback();
    this.until(
      live.listen("metrics", {
        snapshot: (snapshot) => {
          history.add(snapshot);
          this.tick += 1;
        },
      }),
    );
    this.until(
      live.listen("admin", {
        event: (event) => this.show([event]),
        joined: () => this.readEvents(),
      }),
    );
    this.readNeeds();
  }

  async readEvents() {
    const newest = await live.history("admin", EVENTS).catch(() => null);
    if (newest) this.show(newest);
  }

  /** @param {LiveEvent[]} more */
  show(more) {
    const known = new Set(more.map(({ seq }) => seq));
    const all = [...more, ...(this.events ?? []).filter(({ seq }) => !known.has(seq))];
    this.events = all.sort((a, b) => b.seq - a.seq).slice(0, EVENTS);
  }

  async readNeeds() {
    const page = await get("/admin/bookings", { limit: 100, state: "confirmed" }).catch(() => null);
    this.suspended = page?.items.length ?? 0;
  }

  render() {
    return html`
      <div class="screen-head">
        <div>
          <h1 tabindex="-1">Overview</h1>
          <p>${this.summary()}</p>
        </div>
      </div>
      ${this.tiles()}
      <div class="charts">
        ${[...CHARTS, refusals()].map(
          ({ heading, names, series, format, steps }) => html`
            <live-chart
              .heading=${heading}
              .series=${series}
              .format=${format}
              .steps=${steps}
              .span=${SPAN}
              .data=${history.columns(names)}
            ></live-chart>
          `,
        )}
      </div>
      <div class="columns">
        <section class="card">
          <header><h2>Newest events</h2></header>
          ${this.eventList()}
        </section>
        <div class="stack">
          <section class="card">
            <header><h2>Needs a person</h2></header>
            <div class="body">${this.needs()}</div>
          </section>
          <section class="card">
            <header><h2>Health</h2></header>
            <div class="body"><server-health></server-health></div>
          </section>
          <section class="card">
            <header><h2>Load</h2></header>
            <div class="body">${this.checks()}</div>
          </section>
        </div>
      </div>
    `;
  }

  summary() {
    const { newest } = history;
    if (!newest) return "Waiting for the first numbers of this server…";
    return `This server, up for ${duration(newest.uptime)}. The charts begin when this page is opened and span 15 minutes.`;
  }

  tiles() {
    const { newest } = history;
    const rate = (/** @type {string} */ name) => history.last(name);
    /** @type {[string, string, string?][]} */
    const tiles = [
      ["Connections", newest ? number(newest.connections) : "–"],
      ["Rooms", newest ? number(newest.rooms) : "–"],
      ["Delivered", shown(rate("deliveries"), number), "/s"],
      ["Commands", shown(rate("commands"), number), "/s"],
      ["Processor", shown(rate("cpu"), number), "%"],
      ["Memory", newest ? bytes(newest.memory_bytes) : "–"],
    ];
    return html`
      <dl class="tiles">
        ${tiles.map(
          ([label, value, unit]) => html`
            <div class="tile"><dt>${label}</dt><dd>${value}${unit ? html`<small>${unit}</small>` : nothing}</dd></div>
          `,
        )}
      </dl>
    `;
  }

  eventList() {
    if (!this.events) return html`<div class="body muted">Waiting for the live connection…</div>`;
    if (this.events.length === 0) return empty("Nothing has happened yet", "What happens in the marketplace appears here.");
    return html`
      <div class="events" tabindex="0" role="log" aria-label="Newest events"><ul>
        ${this.events.map(
          (event) => html`
            <li>
              <span>${words(event.kind.replace(".", " "))}</span>
              <span class="muted">${clock(event.at)}</span>
              <span class="about">${about(event)}</span>
              <span>${event.by ? html`<a href=${link(["people", event.by])}>${short(event.by)}</a>` : html`<span class="muted">system</span>`}</span>
            </li>
          `,
        )}
      </ul></div>
    `;
  }

  needs() {
    const { newest } = history;
    /** @type {unknown[]} */
    const needs = [];
    if (this.suspended > 0) {
      needs.push(html`
        <li>
          <span>Confirmed bookings with a suspended party</span>
          <a class="badge warn" href=${link(["marketplace", "suspended"])}>${this.suspended}</a>
        </li>
      `);
    }
    if (newest && newest.sweep_failures > 0) {
      needs.push(html`
        <li><span>Due work that the sweeper could not do; the log says why</span><span class="badge danger">${newest.sweep_failures}</span></li>
      `);
    }
    if (newest && newest.refusal_bursts > 0) {
      needs.push(html`
        <li>
          <span>Bursts of refused logins or tokens since the start</span>
          <a class="badge warn" href=${link(["audit"], { outcome: "refused" })}>${newest.refusal_bursts}</a>
        </li>
      `);
    }
    if (needs.length === 0) return html`<p class="muted">Nothing, as far as this server knows.</p>`;
    return html`<ul class="needs">${needs}</ul>`;
  }

  checks() {
    const { newest, first } = history;
    const since = (/** @type {number} */ now, /** @type {number} */ then) => Math.max(now - then, 0);
    const slow = newest && first ? since(newest.slow_consumers, first.slow_consumers) : 0;
    const busy = newest && first ? since(newest.busy, first.busy) : 0;
    const refused = newest && first ? since(sum(newest.refusals), sum(first.refusals)) : 0;
    return html`
      <ul class="checks">
        ${watched("Commands answered busy", newest ? busy : null, "since you watch")}
        ${watched("Slow clients", newest ? slow : null, "closed since you watch")}
        ${watched("Refused tokens and logins", newest ? refused : null, "since you watch", "warn")}
        <li><span>Texts being written</span><span class="number">${newest ? `${newest.generations_running} (${newest.generations_waiting} wait)` : "–"}</span></li>
        ${newest && newest.wal_bytes > 0
          ? html`<li><span>Write-ahead log</span><span class="number">${bytes(newest.wal_bytes)}</span></li>`
          : nothing}
        <li><span>Open files</span><span class="number">${newest ? number(newest.open_files) : "–"}</span></li>
      </ul>
    `;
  }
}

/**
 * @param {string} label
 * @param {number | null} count
 * @param {string} unit
 * @param {'warn' | 'danger'} [kind]
 */
function watched(label, count, unit, kind = "danger") {
  const badge =
    count === null
      ? html`<span class="badge">–</span>`
      : count === 0
        ? html`<span class="badge good">well</span>`
        : html`<span class="badge ${kind}">${number(count)} ${unit}</span>`;
  return html`<li><span>${label}</span>${badge}</li>`;
}

/**
 * @param {number | null} value
 * @param {(value: number) => string} format
 */
function shown(value, format) {
  return value === null ? "–" : format(value);
}

/** @param {LiveEvent} event */
function about({ data }) {
  const title = data?.title ?? data?.request?.title ?? data?.booking?.title;
  if (typeof title === "string") return title;
  const id = data?.id ?? Object.values(data ?? {}).find((value) => typeof value === "string");
  return typeof id === "string" ? short(id) : "";
}

customElements.define("overview-screen", OverviewScreen);
