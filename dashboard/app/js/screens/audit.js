// Audit: who did, was refused, or was let in as an admin; filtered by the server, exported in pages.

import { html, nothing } from "../../vendor/lit/index.js";
import { get } from "../api.js";
import { short, time, words } from "../format.js";
import { go, link } from "../router.js";
import "../ui/list.js";
import { failure } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { Screen } from "../ui/view.js";

/** @typedef {import('../types.js').AuditEntry} AuditEntry */

const OUTCOMES = { done: "good", refused: "danger", admin: "accent" };

const KINDS = [
  "user", "login", "token", "connection", "room", "provider", "service", "template", "photo", "consumer", "request",
  "offer", "booking", "session", "project", "member", "task", "column", "comment", "invitation", "conversation",
  "message", "masterplan", "entry", "reflection", "simulation", "setting", "audit trail",
];

/** Fields of the filter, as the API names them. */
const FIELDS = ["actor", "action", "kind", "row", "outcome", "from", "until"];

/** Entries that an export has at most; it says so when there are more. */
const EXPORTED = 10_000;

/** The columns of a list of audit entries. */
export function auditColumns() {
  return [
    { label: "Time", cell: (/** @type {AuditEntry} */ entry) => time(entry.at) },
    { label: "Who", cell: who },
    { label: "Action", cell: (/** @type {AuditEntry} */ entry) => words(entry.action) },
    {
      label: "What",
      cell: (/** @type {AuditEntry} */ entry) => html`
        <span>
          ${entry.kind}
          ${entry.row
            ? html`<a
                class="mono"
                title=${entry.row}
                href=${link(["audit"], { kind: entry.kind, row: entry.row })}
                >${short(entry.row)}</a
              >`
            : nothing}
        </span>
      `,
    },
    {
      label: "Outcome",
      cell: (/** @type {AuditEntry} */ entry) => html`
        <span>
          <span class="badge ${OUTCOMES[entry.outcome]}">${entry.outcome}</span>
          ${isExplained(entry)
            ? html`<a href=${link(["explain"], { who: entry.actor ?? "", kind: entry.kind, action: entry.action, row: entry.row ?? "" })}>why?</a>`
            : nothing}
        </span>
      `,
    },
    { label: "Detail", kind: "long", cell: (/** @type {AuditEntry} */ entry) => entry.detail ?? "" },
    {
      label: "Request",
      cell: (/** @type {AuditEntry} */ entry) =>
        entry.request_id ? html`<span class="mono" title=${entry.request_id}>${short(entry.request_id)}</span>` : "",
    },
  ];
}

/**
 * Whether `GET /admin/explain` has an answer.
 * @param {AuditEntry} entry
 */
function isExplained({ outcome, actor, kind, row }) {
  return outcome === "refused" && actor && row && ["request", "offer", "booking", "project", "session", "user"].includes(kind);
}

/** @param {AuditEntry} entry */
function who(entry) {
  if (!entry.actor) return html`<span class="muted">${entry.detail?.startsWith("command line") ? "command line" : "nobody"}</span>`;
  return html`
    <span>
      <a href=${link(["people", entry.actor])}>${entry.actor_email ?? short(entry.actor)}</a>
      ${entry.impersonator ? html`<span class="second">by ${entry.impersonator}</span>` : nothing}
    </span>
  `;
}

class AuditScreen extends Screen {
  static properties = { exporting: { state: true }, failed: { state: true } };

  constructor() {
    super();
    /** @type {Record<string, string | undefined>} */
    this.filter = {};
    /** Entries read so far, while an export runs. @type {number | null} */
    this.exporting = null;
    /** @type {unknown} */
    this.failed = null;
  }

  /** @param {import('../router.js').Route} route */
  arrive({ query }) {
    this.filter = Object.fromEntries(FIELDS.map((name) => [name, query.get(name) || undefined]));
    this.requestUpdate();
  }

  /** @param {SubmitEvent} event */
  search(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const given = (/** @type {string} */ name) => String(form.get(name) ?? "").trim() || undefined;
    const times = Object.fromEntries(["from", "until"].map((name) => [name, instant(given(name))]));
    go(link(["audit"], { ...Object.fromEntries(FIELDS.map((name) => [name, given(name)])), ...times }));
  }

  /** @param {'csv' | 'jsonl'} format */
  async export(format) {
    this.exporting = 0;
    this.failed = null;
    /** @type {AuditEntry[]} */
    const entries = [];
    try {
      /** @type {string | null} */
      let cursor = null;
      do {
        const page = await get("/admin/audit", { ...this.filter, limit: 100, cursor });
        entries.push(...page.items);
        cursor = page.next_cursor;
        this.exporting = entries.length;
      } while (cursor && entries.length < EXPORTED);
      const text = format === "csv" ? csv(entries) : entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
      save(text, `souk-audit.${format}`, format === "csv" ? "text/csv" : "application/jsonl");
      toast(
        cursor
          ? `The newest ${entries.length} entries are exported; there are more. Narrow the filter by time for the others.`
          : `${entries.length} entries are exported.`,
      );
    } catch (error) {
      this.failed = error;
    }
    this.exporting = null;
  }

  render() {
    const { filter } = this;
    const isFiltered = FIELDS.some((name) => filter[name]);
    const isBusy = this.exporting !== null;
    return html`
      <div class="screen-head">
        <div>
          <h1 tabindex="-1">Audit</h1>
          <p>What was done, what was refused, and what only an admin may do. Newest first; nothing in it can be changed.</p>
        </div>
        <div class="buttons">
          ${isBusy ? html`<span class="muted number" role="status">${this.exporting} read…</span>` : nothing}
          <button class="button" ?disabled=${isBusy} @click=${() => this.export("csv")}>Export CSV</button>
          <button class="button" ?disabled=${isBusy} @click=${() => this.export("jsonl")}>Export JSON lines</button>
        </div>
      </div>
      ${this.form(filter, isFiltered)}
      ${this.failed ? failure(this.failed) : nothing}
      <paged-list
        .path=${"/admin/audit"}
        .query=${filter}
        .label=${"Audit entries"}
        .columns=${auditColumns()}
        .none=${["No entries", isFiltered ? "Nothing matches this filter." : ""]}
      ></paged-list>
    `;
  }

  /**
   * @param {Record<string, string | undefined>} filter
   * @param {boolean} isFiltered
   */
  form(filter, isFiltered) {
    return html`
      <form class="filters" role="search" @submit=${this.search}>
        <label class="field wide">Who (user id)<input name="actor" .value=${filter.actor ?? ""} /></label>
        <label class="field">Action<input name="action" .value=${filter.action ?? ""} placeholder="suspend" /></label>
        <label class="field">
          Kind
          <select name="kind">
            <option value="">any</option>
            ${KINDS.map((kind) => html`<option ?selected=${kind === filter.kind}>${kind}</option>`)}
          </select>
        </label>
        <label class="field wide">Row (needs a kind)<input name="row" .value=${filter.row ?? ""} /></label>
        <label class="field">
          Outcome
          <select name="outcome">
            <option value="">any</option>
            ${Object.keys(OUTCOMES).map((outcome) => html`<option ?selected=${outcome === filter.outcome}>${outcome}</option>`)}
          </select>
        </label>
        <label class="field">From<input name="from" type="datetime-local" .value=${local(filter.from)} /></label>
        <label class="field">Until<input name="until" type="datetime-local" .value=${local(filter.until)} /></label>
        <button class="button">Filter</button>
        ${isFiltered ? html`<a class="button plain" href=${link(["audit"])}>Clear</a>` : nothing}
      </form>
    `;
  }
}

/**
 * The viewer's local time as the API takes it.
 * @param {string | undefined} text
 */
function instant(text) {
  return text ? new Date(text).toISOString() : undefined;
}

/**
 * A time as `datetime-local` takes it.
 * @param {string | undefined} at
 */
function local(at) {
  if (!at) return "";
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** @param {AuditEntry[]} entries */
function csv(entries) {
  const names = /** @type {(keyof AuditEntry)[]} */ ([
    "id", "at", "actor", "actor_email", "impersonator", "outcome", "action", "kind", "row", "detail", "request_id",
  ]);
  const lines = entries.map((entry) => names.map((name) => cell(entry[name])).join(","));
  return `${[names.join(","), ...lines].join("\r\n")}\r\n`;
}

/**
 * Quoted (RFC 4180); what a spreadsheet would take for a formula becomes text.
 * @param {unknown} value
 */
function cell(value) {
  const text = String(value ?? "").replace(/^(?=[=+\-@\t\r])/, "'");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * @param {string} text
 * @param {string} name
 * @param {string} type
 */
function save(text, name, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

customElements.define("audit-screen", AuditScreen);
