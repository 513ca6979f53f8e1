// A state machine drawn from the server's own tables: states in columns by how far they are from the first one, and
// transitions as curves between them. Positions are attributes, so that no style is needed in the page.

import { html, nothing, svg } from "../../vendor/lit/index.js";
import { words } from "../format.js";

/** @typedef {import('../types.js').Machine} Machine */
/** @typedef {import('../types.js').Transition} Transition */
/** @typedef {{from: string, to: string, actions: Transition[]}} Arrow */

const WIDTH = 132;
const HEIGHT = 44;
const GAP = 148;
const PITCH = 82;
const MARGIN = 14;

/**
 * The column and row of each state that a transition leads to or from. A transition to a state that was declared
 * earlier leads back, and does not count.
 * @param {Machine} machine
 */
function layout({ states, transitions }) {
  const isUsed = (/** @type {string} */ state) => transitions.some(({ from, to }) => from === state || to === state);
  const order = (/** @type {string} */ state) => states.indexOf(state);
  /** @type {Map<string, {column: number, row: number}>} */
  const places = new Map();
  /** @type {number[]} */
  const rows = [];
  for (const state of states.filter(isUsed)) {
    const before = transitions.filter(({ from, to }) => to === state && order(from) < order(state));
    const column = Math.max(0, ...before.map(({ from }) => (places.get(from)?.column ?? 0) + 1));
    rows[column] = (rows[column] ?? -1) + 1;
    places.set(state, { column, row: rows[column] });
  }
  return { places, columns: rows.length, rows: Math.max(...rows) + 1 };
}

/**
 * Transitions between the same two states, as one arrow.
 * @param {Machine} machine
 */
function arrows({ transitions }) {
  /** @type {Map<string, Arrow>} */
  const grouped = new Map();
  for (const transition of transitions) {
    const { from, to } = transition;
    if (from === to) continue;
    const key = `${from} ${to}`;
    const arrow = grouped.get(key) ?? { from, to, actions: [] };
    arrow.actions.push(transition);
    grouped.set(key, arrow);
  }
  return [...grouped.values()];
}

/** @param {{column: number, row: number}} place */
const corner = ({ column, row }) => ({ x: MARGIN + column * (WIDTH + GAP), y: MARGIN + row * PITCH });

/**
 * The curve of an arrow, and where its label stands.
 * @param {{column: number, row: number}} source
 * @param {{column: number, row: number}} target
 */
function curve(source, target) {
  const [from, to] = [corner(source), corner(target)];
  const isForward = target.column > source.column;
  // Two that lead to and fro between the same states pass beside each other.
  const beside = isForward ? -7 : 9;
  const start = { x: from.x + (isForward ? WIDTH : 0), y: from.y + HEIGHT / 2 + beside };
  const end = { x: to.x + (isForward ? -5 : WIDTH + 5), y: to.y + HEIGHT / 2 + beside };
  const middle = (start.x + end.x) / 2;
  // Where the curve is level: on what leads forward before its end, on what leads back after its start.
  const label = isForward ? { x: end.x - 10, y: end.y - 6 } : { x: start.x - 10, y: start.y + 15 };
  return { path: `M${start.x} ${start.y} C${middle} ${start.y} ${middle} ${end.y} ${end.x} ${end.y}`, ...label };
}

/** @param {Transition[]} actions */
const labelOf = (actions) => actions.map(({ action }) => words(action)).join(", ");

/** @param {Transition} transition */
const kind = ({ is_systems, needs }) => (is_systems ? "system" : needs === "an admin" ? "admin" : "person");

/**
 * The drawing, with a table of the same beside it for whoever does not see it.
 * @param {Machine} machine
 * @param {string} current Where the row stands.
 */
export function drawing(machine, current) {
  const { places, columns, rows } = layout(machine);
  const width = MARGIN * 2 + columns * WIDTH + (columns - 1) * GAP;
  const height = MARGIN * 2 + (rows - 1) * PITCH + HEIGHT;
  const name = `States of a ${machine.kind}`;
  return html`
    <figure class="machine">
      <div class="canvas" tabindex="0" role="region" aria-label=${`${name}, drawn`}>
        <svg viewBox="0 0 ${width} ${height}" width=${width} height=${height} role="img" aria-label=${`${name}; it is ${words(current)}. The table below says the same.`}>
          <defs>
            ${["", "next"].map(
              (mark) => svg`
                <marker id="arrow-${mark}" class=${mark} viewBox="0 0 8 8" refX="3" refY="4" markerWidth="8" markerHeight="8" orient="auto">
                  <path d="M0 0 L8 4 L0 8 z"></path>
                </marker>
              `,
            )}
          </defs>
          ${drawnArrows(machine, places, current)}
          ${[...places].map(([state, place]) => drawnState(machine, state, place, current))}
        </svg>
      </div>
      <figcaption>
        <span class="key person">by its parties</span>
        <span class="key admin">by admins alone</span>
        <span class="key system">by itself</span>
      </figcaption>
      ${table(machine, current)}
    </figure>
  `;
}

/**
 * @param {Machine} machine
 * @param {Map<string, {column: number, row: number}>} places
 * @param {string} current
 */
function drawnArrows(machine, places, current) {
  const isNext = (/** @type {Arrow} */ { from }) => Number(from === current);
  const all = arrows(machine).sort((one, other) => isNext(other) - isNext(one));
  // Those from the current state have their label first, and lie above the others.
  return all.map((arrow, at) => drawnArrow(arrow, all.slice(0, at), places, current)).reverse();
}

/**
 * @param {Arrow} arrow
 * @param {Arrow[]} before Labelled already: where several end, their labels stand one below the other.
 * @param {Map<string, {column: number, row: number}>} places
 * @param {string} current
 */
function drawnArrow({ from, to, actions }, before, places, current) {
  const [source, target] = [places.get(from), places.get(to)];
  if (!source || !target) return nothing;
  const { path, x, y } = curve(source, target);
  const label = labelOf(actions);
  const isForward = target.column > source.column;
  const there = before.filter((other) => isForward && other.to === to).map((other) => labelOf(other.actions));
  const isNext = from === current;
  const classes = `arrow ${kind(actions[0])} ${isNext ? "next" : ""}`;
  return svg`
    <g class=${classes}>
      <path d=${path} marker-end=${isNext ? "url(#arrow-next)" : "url(#arrow-)"}></path>
      ${there.includes(label)
        ? nothing
        : svg`<text x=${x} y=${y + (there.length ? 6 + 15 * there.length : 0)} text-anchor="end">${label}</text>`}
    </g>
  `;
}

/**
 * @param {Machine} machine
 * @param {string} state
 * @param {{column: number, row: number}} place
 * @param {string} current
 */
function drawnState({ transitions }, state, place, current) {
  const { x, y } = corner(place);
  const staying = transitions.filter(({ from, to }) => from === state && to === state);
  const middle = x + WIDTH / 2;
  return svg`
    <g class="state-box ${state === current ? "current" : ""}">
      <rect x=${x} y=${y} width=${WIDTH} height=${HEIGHT} rx="8"></rect>
      <text x=${middle} y=${y + (staying.length ? 19 : 27)} text-anchor="middle">${words(state)}</text>
      ${staying.length
        ? svg`<text class="staying" x=${middle} y=${y + 34} text-anchor="middle">↻ ${staying.map(({ action }) => words(action)).join(", ")}</text>`
        : nothing}
    </g>
  `;
}

/**
 * @param {Machine} machine
 * @param {string} current
 */
function table({ kind, transitions }, current) {
  return html`
    <details>
      <summary>All transitions as a table</summary>
      <div class="table-box stacked" tabindex="0" role="region" aria-label=${`Transitions of a ${kind}`}>
        <table>
          <thead>
            <tr><th scope="col">From</th><th scope="col">Action</th><th scope="col">To</th><th scope="col">Who may</th></tr>
          </thead>
          <tbody>
            ${transitions.map(
              (transition) => html`
                <tr>
                  <td data-label="From">
                    <span>${words(transition.from)}${transition.from === current ? " (now)" : ""}</span>
                  </td>
                  <td data-label="Action">${words(transition.action)}</td>
                  <td data-label="To">${words(transition.to)}</td>
                  <td data-label="Who may">${who(transition)}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    </details>
  `;
}

/**
 * Who may take a transition, in words.
 * @param {Transition} transition
 */
export function who({ needs, is_systems, admins_pass }) {
  if (is_systems) return "nobody: it comes by itself, or with another action";
  return admins_pass && needs !== "an admin" ? `${needs}, or an admin` : needs;
}
