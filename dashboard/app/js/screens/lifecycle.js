// Where a request, an offer or a booking stands: drawn in its state machine, with who could do what next and how it came
// there.

import { html, nothing } from "../../vendor/lit/index.js";
import { get } from "../api.js";
import { short, time, words } from "../format.js";
import { link } from "../router.js";
import { drawing, who } from "../ui/machine.js";
import { Reading } from "../ui/reading.js";
import { empty } from "../ui/states.js";
import { View } from "../ui/view.js";

/** @typedef {import('../types.js').Machine} Machine */
/** @typedef {import('../types.js').States} States */

/** The tables, which are those of the server's version. @type {Promise<{items: Machine[]}> | null} */
let machines = null;

/** `<row-lifecycle>`: give it the kind, the row's id and its version; another version is read anew. */
class RowLifecycle extends View {
  static properties = { kind: {}, row: {}, version: {} };

  constructor() {
    super();
    this.kind = "";
    this.row = "";
    this.version = 0;
    /** The row's machine, and where the row stands in it. @type {Reading<{machine: Machine, states: States}>} */
    this.reading = new Reading(this, () => lifecycle(this.kind, this.row));
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("kind") || changed.has("row")) this.reading.readAnew();
    else if (changed.has("version")) this.reading.read();
  }

  render() {
    return this.reading.show(
      ({ machine, states }) => html`
        ${drawing(machine, states.current_state)}
        <div class="pair">
          <section class="card">
            <header><h2>What could happen next</h2></header>
            ${next(states)}
          </section>
          <section class="card">
            <header><h2>How it came here</h2></header>
            ${history(states)}
          </section>
        </div>
      `,
      3,
    );
  }
}

/**
 * @param {string} kind
 * @param {string} row
 */
async function lifecycle(kind, row) {
  machines ??= get("/admin/machines").catch((error) => {
    machines = null;
    throw error;
  });
  const [{ items }, states] = await Promise.all([machines, get("/admin/states", { kind, row })]);
  const machine = /** @type {Machine} */ (items.find((machine) => machine.kind === kind));
  return { machine, states };
}

/** @param {States} states */
function next({ next, current_state }) {
  if (next.length === 0) return empty("Nothing", `What is ${words(current_state)} stays so.`);
  return html`
    <ul class="steps">
      ${next.map(
        (step) => html`
          <li>
            <span>
              <strong>${words(step.action)}</strong>
              ${step.to === current_state ? nothing : html`→ ${words(step.to)}`}
              ${step.is_obstructed ? html`<span class="badge warn">prevented now</span>` : nothing}
            </span>
            <span class="second">
              ${step.by.length
                ? html`${step.by.map(({ user_id, display_name }, at) => html`${at ? ", " : ""}<a href=${link(["people", user_id])}>${display_name}</a>`)}
                    (${step.needs})${step.admins_pass ? ", or an admin" : ""}`
                : who(step)}
            </span>
          </li>
        `,
      )}
    </ul>
  `;
}

/** @param {States} states */
function history({ history, is_cut }) {
  if (history.length === 0) {
    return empty("Nothing is known", is_cut ? "Its events are no longer kept, or too far back." : "No event has told of it.");
  }
  return html`
    <ol class="timeline">
      ${is_cut && history.length < 2 ? html`<li class="muted">Older changes are not kept, or too far back.</li>` : nothing}
      ${history.map(
        ({ kind, state, by, at }) => html`
          <li>
            <span><strong>${words(kind.split(".").slice(1).join(" "))}</strong>${state ? html` <span class="second">${words(state)}</span>` : nothing}</span>
            <span class="second">
              ${time(at)} by
              ${by ? html`<a class="mono" href=${link(["people", by])} title=${by}>${short(by)}</a>` : "the system"}
            </span>
          </li>
        `,
      )}
    </ol>
  `;
}

customElements.define("row-lifecycle", RowLifecycle);
