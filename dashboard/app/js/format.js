// Times, numbers and names as people read them.

import { html } from "../vendor/lit/index.js";

const NUMBER = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "narrow" });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

/** @param {number} value */
export function number(value) {
  return NUMBER.format(value);
}

/** @param {number} value */
export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = value < 1 ? 0 : Math.min(Math.floor(Math.log2(value) / 10), units.length - 1);
  return `${NUMBER.format(value / 1024 ** step)} ${units[step]}`;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 1) return `${NUMBER.format(seconds * 1000)} ms`;
  if (seconds < 90) return `${NUMBER.format(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/**
 * A time in the viewer's zone, with UTC on hover.
 * @param {string | null | undefined} at
 */
export function time(at) {
  if (!at) return html`<span class="muted">–</span>`;
  return html`<time datetime=${at} title=${utc(at)}>${DAY.format(new Date(at))}</time>`;
}

/**
 * How long ago, with both clocks on hover.
 * @param {string | null | undefined} at
 */
export function ago(at) {
  if (!at) return html`<span class="muted">–</span>`;
  const seconds = (Date.parse(at) - Date.now()) / 1000;
  return html`<time datetime=${at} title=${`${DAY.format(new Date(at))} · ${utc(at)}`}>${relative(seconds)}</time>`;
}

/** @param {string} at */
export function clock(at) {
  return html`<time datetime=${at} title=${utc(at)}>${CLOCK.format(new Date(at))}</time>`;
}

/** @param {string} at */
function utc(at) {
  return `${at.replace("T", " ").replace(/\.\d+Z$|Z$/, "")} UTC`;
}

/** @param {number} seconds */
function relative(seconds) {
  const past = Math.abs(seconds);
  if (past < 45) return "just now";
  if (past < 3600) return RELATIVE.format(Math.round(seconds / 60), "minute");
  if (past < 86_400) return RELATIVE.format(Math.round(seconds / 3600), "hour");
  if (past < 2_592_000) return RELATIVE.format(Math.round(seconds / 86_400), "day");
  return RELATIVE.format(Math.round(seconds / 2_592_000), "month");
}

/** @param {{amount: number, currency: string}} price Minor units. */
export function money(price) {
  try {
    const format = new Intl.NumberFormat(undefined, { style: "currency", currency: price.currency });
    const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
    return format.format(price.amount / 10 ** digits);
  } catch {
    return `${price.amount} ${price.currency}`;
  }
}

/**
 * The end of an id: its beginning is the time, which neighbours share.
 * @param {string} id
 */
export function short(id) {
  return id.length > 12 ? `…${id.slice(-8)}` : id;
}

/**
 * `in_progress` as people write it.
 * @param {string} word
 */
export function words(word) {
  return word.replaceAll("_", " ");
}
