// @ts-check
import { avatar } from "../avatar.js";
import { h } from "../element.js";
import { icon } from "../icons.js";
import { day, exactTime, list, time } from "../text/times.js";
import { problemText, t } from "../text/text.js";
import { markdownView } from "./markdown-view.js";

/**
 * @typedef {import("../state/rows.js").Row} Row
 * @typedef {import("../state/rows.js").MessageRow} MessageRow
 * @typedef {import("../state/types.js").Profile} Profile
 *
 * Above all others: what there is before the first message.
 * @typedef {{kind: "start", key: string, what: "beginning" | "loading", room: string}} StartRow
 *
 * @typedef {object} Actions
 * @property {() => Profile | null} me
 * @property {(id: string) => void} retry
 * @property {(id: string) => void} discard
 */

/** So many names are told before the rest is counted. */
const NAMES = 3;

/**
 * @param {Row | StartRow} row
 * @param {Actions} actions
 * @returns {HTMLElement}
 */
export function rowView(row, actions) {
  if (row.kind === "message") return messageView(row, actions);
  if (row.kind === "day") return separator("day", day(row.date));
  if (row.kind === "unread") return separator("unread", t().room.unread(row.count));
  if (row.kind === "notices") return h("div", { class: "row notices" }, noticesText(row));
  if (row.what === "loading") return h("div", { class: "row start loading" }, t().common.loading);
  return h(
    "div",
    { class: "row start" },
    h("p", { class: "big" }, row.room),
    h("p", { class: "soft" }, t().room.beginning),
  );
}

/**
 * Its height before it is drawn: near enough that the scroll bar does not jump.
 *
 * @param {Row | StartRow} row
 * @param {number} width of the view, in px
 */
export function rowHeight(row, width) {
  if (row.kind !== "message") return row.kind === "start" ? 120 : 44;
  const perLine = Math.max(20, (Math.min(width, 800) - 90) / 7.2);
  let lines = 0;
  for (const line of row.message.content.split("\n")) lines += Math.max(1, Math.ceil(line.length / perLine));
  return lines * 22 + (row.first ? 40 : 4);
}

/**
 * @param {string} kind
 * @param {string} text
 */
function separator(kind, text) {
  return h("div", { class: `row separator ${kind}`, role: "separator", "aria-label": text }, h("span", {}, text));
}

/**
 * @param {MessageRow} row
 * @param {Actions} actions
 */
function messageView(row, actions) {
  const { message, mine, first, send } = row;
  const author = message.user ?? (mine ? actions.me() : null);
  const name = message.sender_name || author?.full_name || "";
  const picture = author ?? { id: message.sender_id, full_name: name };
  const classes = ["row", "message", first && "first", mine && "mine", send].filter(Boolean).join(" ");
  const at = timeView(row);
  return h(
    "div",
    // What one has written oneself is no news.
    { class: classes, "aria-live": mine ? "off" : null },
    h("div", { class: "gutter" }, first ? avatar(picture) : at),
    h(
      "div",
      { class: "body" },
      first
        ? h("p", { class: "by" }, h("strong", { title: author && `@${author.username}` }, name), at)
        : h("span", { class: "unseen" }, name),
      markdownView(message.content),
      send === "failed" && failureView(row, actions),
    ),
    send && send !== "failed" && h("span", { class: "sending", title: t().room.sending }, icon("clock"), h("span", { class: "unseen" }, t().room.sending)),
  );
}

/**
 * The time, which is also the message's own address.
 *
 * @param {MessageRow} row
 */
function timeView({ at, message }) {
  const shown = h("time", { datetime: new Date(at).toISOString(), title: exactTime(at) }, time(at));
  if (message.seq === 0) return h("span", { class: "at" }, shown);
  // Not a stop for the Tab key at each of a thousand messages.
  return h("a", { class: "at", href: `/rooms/${message.room_id}/${message.seq}`, tabindex: "-1" }, shown);
}

/**
 * @param {MessageRow} row
 * @param {Actions} actions
 */
function failureView({ problem, outgoingId }, { retry, discard }) {
  const button = (/** @type {string} */ text, /** @type {(id: string) => void} */ act) =>
    h("button", { class: "button slim", type: "button", onclick: () => outgoingId && act(outgoingId) }, text);
  return h(
    "div",
    { class: "failure", role: "alert" },
    icon("alert"),
    h("span", {}, t().room.failed, " ", problemText(problem)),
    h("span", { class: "actions" }, button(t().common.retry, retry), button(t().room.discard, discard)),
  );
}

/** @param {import("../state/notices.js").Folded} folded */
function noticesText({ joined, left, passed }) {
  const { joined: cameText, left: leftText, passed: passedText } = t().room.notices;
  return [
    joined.length > 0 && cameText(names(joined), joined.length),
    passed.length > 0 && passedText(names(passed), passed.length),
    left.length > 0 && leftText(names(left), left.length),
  ]
    .filter(Boolean)
    .join(" · ");
}

/**
 * `Ana, Rui and 5 others`.
 *
 * @param {Profile[]} people
 */
export function names(people) {
  const told = people.slice(0, NAMES).map((person) => person.full_name);
  const others = people.length - told.length;
  return list(others > 0 ? [...told, t().room.others(others)] : told);
}
