// @ts-check
import { localeTag } from "./text.js";

/** @type {Map<string, any>} */
const made = new Map();

/**
 * Making one takes much longer than using it.
 *
 * @template T
 * @param {string} name
 * @param {(tag: string) => T} make
 * @returns {T}
 */
function kept(name, make) {
  const tag = localeTag();
  const key = `${tag} ${name}`;
  if (!made.has(key)) made.set(key, make(tag));
  return made.get(key);
}

/** @typedef {Date | number | string} Moment a date, ms since 1970, or RFC 3339 */

/**
 * `10:32`, as people here write it.
 *
 * @param {Moment} moment
 */
export function time(moment) {
  const style = /** @type {const} */ ({ hour: "numeric", minute: "2-digit" });
  return kept("time", (tag) => new Intl.DateTimeFormat(tag, style)).format(new Date(moment));
}

/**
 * Everything down to the second.
 *
 * @param {Moment} moment
 */
export function exactTime(moment) {
  const style = /** @type {const} */ ({ dateStyle: "full", timeStyle: "medium" });
  return kept("exact", (tag) => new Intl.DateTimeFormat(tag, style)).format(new Date(moment));
}

/**
 * `21 November 2026`, or shorter.
 *
 * @param {Moment} moment
 * @param {"long" | "medium" | "short"} [length]
 */
export function date(moment, length = "medium") {
  const make = (/** @type {string} */ tag) => new Intl.DateTimeFormat(tag, { dateStyle: length });
  return kept(`date ${length}`, make).format(new Date(moment));
}

/**
 * Today, yesterday, a day of this week by its name, or its date.
 *
 * @param {Moment} moment
 * @param {Moment} [now]
 */
export function day(moment, now = Date.now()) {
  const then = new Date(moment);
  const days = daysBetween(then, new Date(now));
  if (days === 0 || days === 1) {
    const near = kept("near", (tag) => new Intl.RelativeTimeFormat(tag, { numeric: "auto" }));
    return capitalized(near.format(-days, "day"));
  }
  const sameYear = then.getFullYear() === new Date(now).getFullYear();
  /** @type {Intl.DateTimeFormatOptions} */
  const style = { weekday: "long", day: "numeric", month: "long" };
  if (!sameYear) style.year = "numeric";
  const format = kept(`day ${sameYear}`, (tag) => new Intl.DateTimeFormat(tag, style));
  return capitalized(format.format(then));
}

/**
 * When something was, in the least words: the time today, the day of the week, or the date.
 *
 * @param {Moment} moment
 * @param {Moment} [now]
 */
export function shortTime(moment, now = Date.now()) {
  const then = new Date(moment);
  const days = daysBetween(then, new Date(now));
  if (days <= 0) return time(then);
  /** @type {Intl.DateTimeFormatOptions} */
  const style = days < 7 ? { weekday: "short" } : { day: "numeric", month: "short" };
  return kept(`short ${days < 7}`, (tag) => new Intl.DateTimeFormat(tag, style)).format(then);
}

/**
 * `12,345`.
 *
 * @param {number} value
 */
export function number(value) {
  return kept("number", (tag) => new Intl.NumberFormat(tag)).format(value);
}

/**
 * `Ana, Rui and Zoe`.
 *
 * @param {string[]} names
 */
export function list(names) {
  return kept("list", (tag) => new Intl.ListFormat(tag, { type: "conjunction" })).format(names);
}

/**
 * Midnights between two moments, by the clock of this machine.
 *
 * @param {Date} from
 * @param {Date} to
 */
function daysBetween(from, to) {
  const [a, b] = [from, to].map((at) => Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()));
  return Math.round((b - a) / 86_400_000);
}

/** @param {string} text */
function capitalized(text) {
  return text.charAt(0).toLocaleUpperCase(localeTag()) + text.slice(1);
}
