// The base of every element here: rendered into the page itself, so that one set of styles serves all.

import { LitElement } from "../../vendor/lit/index.js";
import { route } from "../router.js";

export class View extends LitElement {
  /** @type {(() => void)[]} */
  #endings = [];

  createRenderRoot() {
    return this;
  }

  /**
   * Runs `end` when the element leaves the page.
   * @param {() => void} end
   */
  until(end) {
    this.#endings.push(end);
  }

  /**
   * Listens until the element leaves the page.
   * @param {EventTarget} target
   * @param {string} name
   * @param {() => void} listener
   */
  follow(target, name, listener) {
    target.addEventListener(name, listener);
    this.until(() => target.removeEventListener(name, listener));
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    for (const end of this.#endings.splice(0)) end();
  }
}

/** A screen: told when only the address's query or its further parts change. */
export class Screen extends View {
  connectedCallback() {
    super.connectedCallback();
    const { name } = route();
    this.follow(window, "hashchange", () => {
      if (route().name === name) this.arrive(route());
    });
    this.arrive(route());
  }

  /**
   * The address is this one now.
   * @param {import('../router.js').Route} _
   */
  arrive(_) {
    this.requestUpdate();
  }
}
