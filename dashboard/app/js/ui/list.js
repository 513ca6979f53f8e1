// A list that the server pages by cursor: loaded a page at a time, with its loading, empty and error states.

import { html, nothing } from "../../vendor/lit/index.js";
import { repeat } from "../../vendor/lit/directives/repeat.js";
import { get } from "../api.js";
import { View } from "./view.js";
import { empty, failure, loading } from "./states.js";

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} label
 * @property {(row: Row) => unknown} cell
 * @property {string} [kind] A class of its cells: `number`, `actions`, `long`.
 */

const PAGE = 50;

/** `<paged-list>`: give it `source`, `columns`, and what to say when there is nothing. */
class PagedList extends View {
  static properties = {
    path: {},
    query: {},
    columns: {},
    label: {},
    none: {},
    key: {},
    reader: {},
    rows: { state: true },
    next: { state: true },
    failed: { state: true },
    isLoading: { state: true },
    readAt: { state: true },
  };

  constructor() {
    super();
    this.path = "";
    /** @type {Record<string, string | undefined>} */
    this.query = {};
    /** @type {Column<any>[]} */
    this.columns = [];
    this.label = "";
    /** @type {[string, string?]} */
    this.none = ["Nothing here"];
    /** The field that tells rows apart. */
    this.key = "id";
    /** What reads a page: the API as the admin, unless the list is of somebody else's. */
    this.reader = get;
    /** @type {any[]} */
    this.rows = [];
    /** @type {string | null} */
    this.next = null;
    /** @type {unknown} */
    this.failed = null;
    this.isLoading = true;
    /** @type {Date | null} */
    this.readAt = null;
    this.asked = "";
    /** @type {AbortController | null} */
    this.running = null;
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    const asked = JSON.stringify([this.path, this.query]);
    if ((changed.has("path") || changed.has("query")) && asked !== this.asked) {
      this.asked = asked;
      this.rows = [];
      this.reload();
    }
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.running?.abort();
  }

  /** Reads the first page again; the rows that are shown stay until it is there. */
  reload() {
    return this.load(null);
  }

  /** @param {string | null} cursor */
  async load(cursor) {
    this.running?.abort();
    const running = (this.running = new AbortController());
    this.isLoading = true;
    this.failed = null;
    try {
      const page = await this.reader(this.path, { ...this.query, limit: PAGE, cursor }, running.signal);
      this.rows = cursor ? [...this.rows, ...page.items] : page.items;
      this.next = page.next_cursor;
      this.readAt = new Date();
      this.dispatchEvent(new CustomEvent("page", { detail: page }));
    } catch (error) {
      if (running.signal.aborted) return;
      this.failed = error;
    }
    this.isLoading = false;
  }

  render() {
    if (this.failed && this.rows.length === 0) return failure(this.failed, () => this.reload());
    if (this.isLoading && this.rows.length === 0) return loading();
    if (this.rows.length === 0) return empty(...this.none);
    return html`
      <div class="table-box stacked" tabindex="0" role="region" aria-label=${this.label}>
        <table>
          <thead>
            <tr>
              ${this.columns.map(
                (column) => html`
                  <th scope="col" class=${column.kind ?? ""}>
                    ${column.label || html`<span class="visually-hidden">Actions</span>`}
                  </th>
                `,
              )}
            </tr>
          </thead>
          <tbody>
            ${repeat(this.rows, (row) => row[this.key], (row) => this.row(row))}
          </tbody>
        </table>
      </div>
      ${this.next
        ? html`
            <div class="more">
              <span>The newest ${this.rows.length}</span>
              <button class="button small" ?disabled=${this.isLoading} @click=${() => this.load(this.next)}>
                ${this.isLoading ? "Loading…" : "Load more"}
              </button>
            </div>
          `
        : nothing}
      ${this.failed ? failure(this.failed, () => this.load(this.next)) : nothing}
    `;
  }

  /** @param {any} row */
  row(row) {
    return html`
      <tr>
        ${this.columns.map(
          (column) => html`<td class=${column.kind ?? ""} data-label=${column.label}>${column.cell(row)}</td>`,
        )}
      </tr>
    `;
  }
}

customElements.define("paged-list", PagedList);

/**
 * Reads the list anew that is in this element.
 * @param {Element} element
 */
export function reloadLists(element) {
  for (const list of element.querySelectorAll("paged-list")) /** @type {PagedList} */ (list).reload();
}
