// Who is logged in. The access token is in memory alone; the refresh token is in a cookie that no script can read.

import { authenticateBy, call, Problem } from "./api.js";

/** @typedef {import('./types.js').Account} Account */

/** Renewed when this part of its life is over. */
const RENEW_AFTER = 0.8;

class Session extends EventTarget {
  /** @type {Account | null} */
  user = null;

  /** @type {string | null} */
  #token = null;
  #renewAt = 0;
  #isOfCookie = false;
  /** @type {Promise<string | null> | null} */
  #renewing = null;

  /** Goes on with the login of an earlier visit, if there is one. */
  async resume() {
    return (await this.#renew()) !== null;
  }

  /**
   * @param {string} email
   * @param {string} password
   */
  async logIn(email, password) {
    const { data } = await call("POST", "/admin/login", { body: { email, password }, cookie: true });
    this.#accept(data);
  }

  /**
   * Uses a token of an outside issuer (or of `souk token`) until it expires.
   * @param {string} token
   */
  async useToken(token) {
    this.#hold(token, Infinity, false);
    try {
      const { data } = await call("GET", "/auth/me");
      if (data.role !== "admin") {
        throw new Problem("Only admins may use the dashboard; this account is not one.", { status: 403 });
      }
      this.#enter(data);
    } catch (error) {
      this.#drop();
      throw error;
    }
  }

  /** Ends this login, with its live sessions. */
  async logOut() {
    try {
      if (this.#isOfCookie) await call("DELETE", "/admin/login", { cookie: true });
    } finally {
      this.end();
    }
  }

  /** Forgets who was logged in: the server has ended it, or the caller has. */
  end() {
    const wasIn = this.user !== null;
    this.user = null;
    this.#drop();
    if (wasIn) this.dispatchEvent(new Event("change"));
  }

  /** A token that is good for a while. */
  async token() {
    if (this.#isOfCookie && Date.now() > this.#renewAt) {
      return (await this.#renew().catch(() => this.#token)) ?? this.#token;
    }
    return this.#token;
  }

  /**
   * The token after one that was refused; `null` ends the session.
   * @param {string} refused
   */
  async renew(refused) {
    if (this.#token && this.#token !== refused) return this.#token;
    const next = this.#isOfCookie ? await this.#renew() : null;
    if (!next) this.end();
    return next;
  }

  #renew() {
    // One at a time, in all tabs of this browser: each use of the cookie replaces it.
    this.#renewing ??= exclusively(async () => {
      try {
        const { data } = await call("POST", "/admin/login/refresh", { cookie: true });
        this.#accept(data);
        return this.#token;
      } catch (error) {
        if (error instanceof Problem && (error.status === 401 || error.status === 403)) return null;
        throw error;
      }
    }).finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  /** @param {{access_token: string, expires_in: number, user: Account}} answer */
  #accept(answer) {
    this.#hold(answer.access_token, answer.expires_in, true);
    this.#enter(answer.user);
  }

  /**
   * @param {string} token
   * @param {number} seconds
   * @param {boolean} isOfCookie
   */
  #hold(token, seconds, isOfCookie) {
    this.#token = token;
    this.#renewAt = Date.now() + seconds * 1000 * RENEW_AFTER;
    this.#isOfCookie = isOfCookie;
  }

  #drop() {
    this.#token = null;
  }

  /** @param {Account} user */
  #enter(user) {
    const isNew = this.user?.id !== user.id;
    this.user = user;
    if (isNew) this.dispatchEvent(new Event("change"));
  }
}

/**
 * @template T
 * @param {() => Promise<T>} task
 * @returns {Promise<T>}
 */
function exclusively(task) {
  // Not there on plain HTTP other than localhost.
  const { locks } = navigator;
  return locks ? Promise.resolve(locks.request("souk-admin-refresh", task)) : task();
}

export const session = new Session();
authenticateBy(session);
