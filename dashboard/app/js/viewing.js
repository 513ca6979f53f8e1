// The view as somebody else that is open, if one is. Its token is in memory alone; it only reads, and is no login.

import { call, withQuery } from "./api.js";
import { session } from "./session.js";

/** @typedef {import('./types.js').ViewToken} ViewToken */
/** @typedef {import('./types.js').UserDetails} UserDetails */

class Viewing extends EventTarget {
  /** Who is viewed. @type {UserDetails | null} */
  user = null;
  /** Until when. */
  expiresAt = "";
  /** Why the last view is over, where nobody ended it here. */
  ending = "";

  /** @type {string | null} */
  #token = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  constructor() {
    super();
    session.addEventListener("change", () => {
      if (!session.user) this.#close("");
    });
    // The page that is loaded next knows nothing of the view, and could not end it.
    addEventListener("pagehide", () => this.end().catch(() => {}));
  }

  /**
   * Begins a view; one that is open ends.
   * @param {UserDetails} user
   * @param {string} reason
   */
  async begin(user, reason) {
    await this.end();
    const { data } = await call("POST", `/admin/users/${user.id}/view-as`, { body: { reason } });
    this.#open(user, data);
  }

  /** Ends the view here and on the server. */
  async end() {
    const token = this.#token;
    this.#close("");
    if (token) await call("POST", "/auth/revoke", { body: { token }, token: null, survives: true });
  }

  /**
   * Reads what the user reads there.
   * @param {string} path
   * @param {Record<string, string | number | undefined | null>} [query]
   * @param {AbortSignal} [signal]
   */
  async get(path, query = {}, signal) {
    try {
      return (await call("GET", withQuery(path, query), { signal, token: this.#token })).data;
    } catch (error) {
      if (/** @type {{status?: number}} */ (error).status === 401) {
        this.#close("The server has ended the view: it was revoked, or its right has ended.");
      }
      throw error;
    }
  }

  /**
   * @param {UserDetails} user
   * @param {ViewToken} token
   */
  #open(user, token) {
    this.user = user;
    this.expiresAt = token.expires_at;
    this.ending = "";
    this.#token = token.access_token;
    this.#timer = setTimeout(() => this.#close("The time of the view is over."), token.expires_in * 1000);
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} ending */
  #close(ending) {
    if (!this.#token) return;
    clearTimeout(this.#timer);
    this.#token = null;
    this.user = null;
    this.ending = ending;
    this.dispatchEvent(new Event("change"));
  }
}

export const viewing = new Viewing();
