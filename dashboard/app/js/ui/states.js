// What a screen shows instead of its content: loading, nothing, an error.

import { html, nothing } from "../../vendor/lit/index.js";
import { Problem } from "../api.js";

export function loading(lines = 5) {
  return html`
    <div class="skeleton" role="status">
      <span class="visually-hidden">Loading</span>
      ${Array.from({ length: lines }, () => html`<i></i>`)}
    </div>
  `;
}

/**
 * @param {string} title
 * @param {string} [hint]
 */
export function empty(title, hint = "") {
  return html`<div class="state"><h2>${title}</h2>${hint ? html`<p>${hint}</p>` : nothing}</div>`;
}

/**
 * The server's sentence, and by which id it is found in the log.
 * @param {unknown} error
 * @param {() => void} [again]
 */
export function failure(error, again) {
  const problem = error instanceof Problem ? error : new Problem(String(error), { status: 500, code: "internal" });
  return html`
    <div class="problem" role="alert">
      <strong>${problem.message}</strong>
      ${problem.errors.map((wrong) => html`<small>${wrong.field}: ${wrong.message}</small>`)}
      ${problem.requestId ? html`<small>Request <code>${problem.requestId}</code></small>` : nothing}
      ${again ? html`<button class="button small" @click=${again}>Try again</button>` : nothing}
    </div>
  `;
}
