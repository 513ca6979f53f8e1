// A line chart over time: `<live-chart>` draws columns of numbers that its owner appends to.

import uPlot from "../../vendor/uplot/uplot.js";
import { html } from "../../vendor/lit/index.js";
import { View } from "./view.js";

/**
 * @typedef {object} Series
 * @property {string} label
 * @property {number} color 1 to 4: `--series-N`.
 */

/** The columns of a chart: seconds since the epoch, then one of values for each series. */
/** @typedef {(number | null)[][]} Columns */

/** Steps of an axis that counts, and of one of bytes. */
export const WHOLE = [1, 2, 5].flatMap((step) => Array.from({ length: 10 }, (_, power) => step * 10 ** power)).sort((a, b) => a - b);
export const BINARY = Array.from({ length: 41 }, (_, power) => 2 ** power);

/** Seconds that a chart spans at least: it begins with its first value, and grows. */
const SHORTEST = 60;

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const EXACT = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const DARK = matchMedia("(prefers-color-scheme: dark)");

class LiveChart extends View {
  static properties = { heading: {}, series: {}, data: {}, format: {}, steps: {}, span: {} };

  constructor() {
    super();
    this.heading = "";
    /** @type {Series[]} */
    this.series = [];
    /** @type {Columns} */
    this.data = [[]];
    /** @type {(value: number) => string} */
    this.format = String;
    /** Steps of the axis; by default whatever fits. @type {number[] | undefined} */
    this.steps = undefined;
    /** Seconds that the chart spans at most. */
    this.span = 900;
    /** @type {uPlot | null} */
    this.plot = null;
  }

  firstUpdated() {
    const observer = new ResizeObserver(() => {
      const box = this.box();
      if (this.plot && box.clientWidth > 0) this.plot.setSize({ width: box.clientWidth, height: box.clientHeight });
    });
    observer.observe(this.box());
    this.until(() => observer.disconnect());
    this.follow(DARK, "change", () => this.draw());
    this.until(() => this.plot?.destroy());
    this.draw();
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.get("series") && this.plot) this.draw();
    this.plot?.setData(/** @type {uPlot.AlignedData} */ (this.data));
  }

  box() {
    return /** @type {HTMLElement} */ (this.querySelector(".plot"));
  }

  /** Builds the plot with the colours of the theme. */
  draw() {
    this.plot?.destroy();
    const box = this.box();
    const style = getComputedStyle(this);
    const color = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: color("--text-3"),
      font: "11px system-ui, sans-serif",
      grid: { stroke: color("--line"), width: 1 },
      ticks: { show: false },
    };
    this.plot = new uPlot(
      {
        width: box.clientWidth || 320,
        height: box.clientHeight || 160,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { size: 6 } },
        scales: {
          x: { range: () => this.window() },
          y: { range: (_, _low, high) => [0, high > 0 ? high * 1.15 : 1] },
        },
        axes: [
          {
            ...axis,
            size: 26,
            space: 80,
            grid: { show: false },
            values: (_, times, _axis, _space, step) =>
              times.map((at) => (step < 60 ? EXACT : CLOCK).format(new Date(at * 1000))),
          },
          {
            ...axis,
            size: 62,
            space: 34,
            values: (_, values) => values.map((value) => this.format(value)),
            ...(this.steps ? { incrs: this.steps } : {}),
          },
        ],
        series: [
          {},
          ...this.series.map(({ label, color: index }) => ({
            label,
            stroke: color(`--series-${index}`),
            width: 1.6,
            points: { show: false },
          })),
        ],
      },
      /** @type {uPlot.AlignedData} */ (this.data),
      box,
    );
  }

  /** From when to when the chart is, in seconds since the epoch. */
  window() {
    const times = this.data[0];
    const newest = times?.at(-1) ?? Date.now() / 1000;
    const first = times?.[0] ?? newest;
    return /** @type {[number, number]} */ ([newest - Math.min(Math.max(newest - first, SHORTEST), this.span), newest]);
  }

  /**
   * The newest value of a series.
   * @param {number} index
   */
  newest(index) {
    const value = this.data[index + 1]?.at(-1);
    return value === null || value === undefined ? "–" : this.format(value);
  }

  render() {
    const values = this.series.map(({ label }, index) => `${label} ${this.newest(index)}`);
    return html`
      <figure class="chart">
        <figcaption>
          <h3>${this.heading}</h3>
          <span class="keys number">
            ${this.series.map(
              ({ label, color }, index) => html`<span class="key series-${color}">${label} ${this.newest(index)}</span>`,
            )}
          </span>
        </figcaption>
        <div class="plot" role="img" aria-label="${this.heading} in the last minutes; now ${values.join(", ")}"></div>
      </figure>
    `;
  }
}

customElements.define("live-chart", LiveChart);
