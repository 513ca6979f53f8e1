// Something that an element reads from the API, with what it shows meanwhile: loading, an error, or what was read.

import { html, nothing } from "../../vendor/lit/index.js";
import { failure, loading } from "./states.js";

/**
 * Several may be under way, of which the newest counts: what is asked for may change before the answer is there.
 * @template T
 */
export class Reading {
  /** What was read last. @type {T | null} */
  value = null;
  /** Why the newest one failed. @type {unknown} */
  failed = null;
  /** Whether one is under way. */
  isRunning = false;

  #turn = 0;
  #element;
  #source;

  /**
   * @param {{requestUpdate(): void}} element Told of each change.
   * @param {() => Promise<T>} source
   */
  constructor(element, source) {
    this.#element = element;
    this.#source = source;
  }

  /** Reads; what was read before stays until it is there. */
  async read() {
    const turn = ++this.#turn;
    this.failed = null;
    this.isRunning = true;
    this.#element.requestUpdate();
    try {
      const value = await this.#source();
      if (turn === this.#turn) this.value = value;
    } catch (error) {
      if (turn === this.#turn) this.failed = error;
    }
    if (turn === this.#turn) this.isRunning = false;
    this.#element.requestUpdate();
  }

  /** Reads something else: what was read before is not to be seen meanwhile. */
  readAnew() {
    this.value = null;
    return this.read();
  }

  /**
   * Shows this from now on, whatever is under way; `null`: nothing was read.
   * @param {T | null} value
   */
  put(value) {
    this.#turn += 1;
    this.value = value;
    this.failed = null;
    this.isRunning = false;
    this.#element.requestUpdate();
  }

  /**
   * The content, or what is shown instead. An error stands above what was read before.
   * @param {(value: T) => unknown} content
   * @param {number} [lines] Of the placeholder.
   */
  show(content, lines) {
    const { value, failed } = this;
    if (value === null) return failed ? this.#problem() : loading(lines);
    return html`${failed ? this.#problem() : nothing}${content(value)}`;
  }

  #problem() {
    return failure(this.failed, () => this.read());
  }
}
