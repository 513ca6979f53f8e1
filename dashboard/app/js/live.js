// One WebSocket for everything live. Rooms are joined while somebody listens, and resumed by `since` after a break.

import { call } from "./api.js";
import { session } from "./session.js";

/** @typedef {import('./types.js').LiveEvent} LiveEvent */
/** @typedef {import('./types.js').Snapshot} Snapshot */
/** @typedef {'connecting' | 'live' | 'lost' | 'off'} LinkState */

/** Milliseconds between attempts to connect, growing up to the second. */
const PAUSE = { first: 500, longest: 15_000 };

/**
 * What a listener to a room may be told.
 * @typedef {object} Listener
 * @property {(event: LiveEvent) => void} [event]
 * @property {(snapshot: Snapshot) => void} [snapshot]
 * @property {(frames: import('./types.js').Frames) => void} [frames] Of a room `recorder:`.
 * @property {() => void} [joined] The room is heard (again).
 */

class Live extends EventTarget {
  /** @type {LinkState} */
  state = "off";

  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Map<string, {listeners: Set<Listener>, since: number | null}>} */
  #rooms = new Map();
  /** @type {Map<number, {resolve: (answer: any) => void, reject: (error: Error) => void}>} */
  #waiting = new Map();
  #lastId = 0;
  #pause = PAUSE.first;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  start() {
    if (this.state === "off") this.#open();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#become("off");
    this.#socket?.close(1000);
    this.#socket = null;
    this.#rooms.clear();
    this.#giveUpWaiting();
  }

  /**
   * Listens to a room; the answer stops it.
   * @param {string} name
   * @param {Listener} listener
   */
  listen(name, listener) {
    const room = this.#rooms.get(name) ?? { listeners: new Set(), since: null };
    this.#rooms.set(name, room);
    room.listeners.add(listener);
    if (room.listeners.size === 1) this.#join(name);
    else if (this.state === "live") listener.joined?.();
    return () => {
      room.listeners.delete(listener);
      if (room.listeners.size > 0 || this.#rooms.get(name) !== room) return;
      this.#rooms.delete(name);
      if (this.state === "live") this.ask({ type: "leave", room: name }).catch(() => {});
    };
  }

  /**
   * The newest events of a room that are kept.
   * @param {string} room
   * @param {number} limit
   * @returns {Promise<LiveEvent[]>}
   */
  async history(room, limit) {
    return (await this.ask({ type: "history", room, limit })).events;
  }

  /**
   * Sends a command and waits for its answer.
   * @param {Record<string, unknown>} command
   * @returns {Promise<any>}
   */
  ask(command) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return reject(new Error("not connected"));
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ ...command, id }));
    });
  }

  async #open() {
    this.#become("connecting");
    try {
      // Browsers cannot send a header with the handshake, and a token does not belong into an address.
      const { data } = await call("POST", "/auth/ticket");
      if (this.state !== "connecting") return;
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      const socket = new WebSocket(`${scheme}//${location.host}/ws?ticket=${encodeURIComponent(data.ticket)}`);
      this.#socket = socket;
      socket.onmessage = (message) => this.#hear(JSON.parse(message.data));
      socket.onclose = () => {
        if (this.#socket === socket) this.#lost();
      };
    } catch {
      this.#lost();
    }
  }

  #lost() {
    this.#socket = null;
    this.#giveUpWaiting();
    if (this.state === "off" || !session.user) return;
    this.#become("lost");
    clearTimeout(this.#timer);
    // Spread out: all dashboards come back after a restart.
    this.#timer = setTimeout(() => this.#open(), this.#pause * (0.5 + Math.random()));
    this.#pause = Math.min(this.#pause * 2, PAUSE.longest);
  }

  #giveUpWaiting() {
    for (const { reject } of this.#waiting.values()) reject(new Error("the connection was lost"));
    this.#waiting.clear();
  }

  /** @param {LinkState} state */
  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }

  /** @param {any} notice */
  #hear(notice) {
    switch (notice.type) {
      case "connection_established":
        this.#pause = PAUSE.first;
        this.#become("live");
        for (const name of this.#rooms.keys()) this.#join(name);
        break;
      case "event":
        this.#tell(notice);
        break;
      case "metrics":
        for (const listener of this.#rooms.get("metrics")?.listeners ?? []) listener.snapshot?.(notice);
        break;
      case "frames":
        for (const listener of this.#rooms.get(`recorder:${notice.connection_id}`)?.listeners ?? []) listener.frames?.(notice);
        break;
      case "token_expiring":
        this.#refresh();
        break;
      case "ack":
        this.#waiting.get(notice.id)?.resolve(notice);
        this.#waiting.delete(notice.id);
        break;
      case "error":
        this.#waiting.get(notice.id)?.reject(new Error(notice.message));
        this.#waiting.delete(notice.id);
        break;
    }
  }

  /** @param {LiveEvent} event */
  #tell(event) {
    const room = this.#rooms.get(event.room);
    if (!room || (room.since !== null && event.seq <= room.since)) return;
    room.since = event.seq;
    for (const listener of room.listeners) listener.event?.(event);
  }

  /** @param {string} name */
  async #join(name) {
    const room = this.#rooms.get(name);
    if (!room || this.state !== "live") return;
    const command = { type: "join", room: name, ...(room.since === null ? {} : { since: room.since }) };
    const answer = await this.ask(command).catch(() => null);
    if (!answer) return;
    for (const missed of answer.events ?? []) this.#tell(missed);
    room.since = Math.max(room.since ?? 0, answer.head);
    for (const listener of room.listeners) listener.joined?.();
  }

  async #refresh() {
    const token = await session.token();
    if (token) this.ask({ type: "refresh", token }).catch(() => {});
  }
}

export const live = new Live();
