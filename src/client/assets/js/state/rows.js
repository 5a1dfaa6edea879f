// @ts-check
import { fold } from "./notices.js";

/**
 * @typedef {import("./types.js").Message} Message
 * @typedef {import("./types.js").Outgoing} Outgoing
 * @typedef {import("./notices.js").Notice} Notice
 *
 * @typedef {object} MessageRow
 * @property {"message"} kind
 * @property {string} key
 * @property {Message} message
 * @property {number} at ms since 1970
 * @property {boolean} mine
 * @property {boolean} first of its author's group
 * @property {import("./types.js").SendState | null} send `null`: it is on the server
 * @property {import("./types.js").Problem | null} problem
 * @property {string | null} outgoingId
 *
 * @typedef {{kind: "day", key: string, date: Date}} DayRow
 * @typedef {{kind: "unread", key: string, count: number}} UnreadRow
 * @typedef {{kind: "notices", key: string} & import("./notices.js").Folded} NoticesRow
 * @typedef {MessageRow | DayRow | UnreadRow | NoticesRow} Row
 *
 * @typedef {object} Source
 * @property {string} me
 * @property {Message[]} messages
 * @property {Notice[]} notices
 * @property {Outgoing[]} outgoing
 * @property {Unread | null} unread
 *
 * @typedef {{after: number, count: number}} Unread the messages behind `after`
 */

/** A longer silence begins a new group. */
const GROUP_MS = 5 * 60_000;

/**
 * What a timeline shows, from what is known. Rows that did not change keep their identity.
 *
 * @param {Source} source
 * @param {Map<string, Row>} before the rows of the last time, by key
 * @returns {{rows: Row[], byKey: Map<string, Row>}}
 */
export function buildRows(source, before) {
  const builder = new Builder(source.me, before);
  const { messages } = source;
  let notice = 0;
  const oldest = messages[0]?.seq ?? 0;
  // Where they begin must be in sight.
  let unread = source.unread && oldest <= source.unread.after + 1 ? source.unread : null;
  while (notice < source.notices.length && (source.notices[notice].after ?? 0) < oldest) notice += 1;
  for (const message of messages) {
    const begin = notice;
    while (notice < source.notices.length && (source.notices[notice].after ?? 0) < message.seq) {
      notice += 1;
    }
    builder.notices(source.notices.slice(begin, notice), message.seq);
    // One's own are not unread.
    if (unread && message.seq > unread.after && message.sender_id !== source.me) {
      // What comes while somebody looks was never unread.
      const inTime = message.seq <= unread.after + unread.count;
      if (inTime) builder.unread(unread.count, Date.parse(message.created_at));
      unread = null;
    }
    builder.message(message);
  }
  builder.notices(source.notices.slice(notice), Infinity);
  builder.outgoing(source.outgoing);
  return { rows: builder.rows, byKey: builder.byKey };
}

class Builder {
  /** @type {Row[]} */
  rows = [];
  /** @type {Map<string, Row>} */
  byKey = new Map();
  #me;
  #before;
  #day = "";
  /** @type {MessageRow | null} */
  #last = null;
  /** What of the own messages is on the server. */
  #sent = new Set();

  /**
   * @param {string} me
   * @param {Map<string, Row>} before
   */
  constructor(me, before) {
    this.#me = me;
    this.#before = before;
  }

  /** @param {Message} message */
  message(message) {
    const mine = message.sender_id === this.#me;
    const named = mine && message.client_message_id;
    if (named) this.#sent.add(message.client_message_id);
    // The same as while it was on its way, so that it stays where it is on the page.
    const key = named ? `c:${message.client_message_id}` : `m:${message.id}`;
    const at = Date.parse(message.created_at);
    this.#show(key, message, at, mine, null);
  }

  /** @param {Outgoing[]} outgoing */
  outgoing(outgoing) {
    for (const entry of outgoing) {
      if (this.#sent.has(entry.id)) continue;
      const message = /** @type {any} */ ({
        id: entry.id,
        room_id: entry.roomId,
        seq: 0,
        rev: 0,
        sender_id: this.#me,
        content: entry.content,
        created_at: entry.createdAt,
        client_message_id: entry.id,
      });
      this.#show(`c:${entry.id}`, message, Date.parse(entry.createdAt), true, entry);
    }
  }

  /**
   * @param {number} count
   * @param {number} at when the first of them was sent: its day stands above
   */
  unread(count, at) {
    this.#dayOf(at);
    this.#last = null;
    this.#put({ kind: "unread", key: "unread", count });
  }

  /**
   * @param {Notice[]} notices
   * @param {number} above the message that they stand above
   */
  notices(notices, above) {
    if (notices.length === 0) return;
    const folded = fold(notices);
    if (folded.joined.length + folded.left.length + folded.passed.length === 0) return;
    this.#last = null;
    this.#put({ kind: "notices", key: `n:${above}`, ...folded });
  }

  /**
   * @param {string} key
   * @param {Message} message
   * @param {number} at
   * @param {boolean} mine
   * @param {Outgoing | null} outgoing
   */
  #show(key, message, at, mine, outgoing) {
    this.#dayOf(at);
    const last = this.#last;
    const same = last?.message.sender_id === message.sender_id;
    const first = !last || !same || at - last.at > GROUP_MS;
    const send = outgoing && !outgoing.sent ? outgoing.state : null;
    const row = this.#put({
      kind: "message",
      key,
      message,
      at,
      mine,
      first,
      send,
      problem: outgoing?.problem ?? null,
      outgoingId: outgoing?.id ?? null,
    });
    this.#last = /** @type {MessageRow} */ (row);
  }

  /**
   * Begins a new day, if it is one.
   *
   * @param {number} at
   */
  #dayOf(at) {
    const moment = new Date(at);
    const date = new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());
    const day = `d:${date.getTime()}`;
    if (day === this.#day) return;
    this.#day = day;
    this.#last = null;
    // A clock that was put back may bring a day twice.
    if (!this.byKey.has(day)) this.#put({ kind: "day", key: day, date });
  }

  /**
   * @param {Row} row
   * @returns {Row}
   */
  #put(row) {
    const before = this.#before.get(row.key);
    const kept = before && equal(before, row) ? before : row;
    this.rows.push(kept);
    this.byKey.set(row.key, kept);
    return kept;
  }
}

/**
 * @param {any} a
 * @param {any} b
 * @returns {boolean}
 */
function equal(a, b) {
  if (a.kind !== b.kind) return false;
  if (a.kind === "message") {
    const { message } = b;
    // A pending message is written anew each time, of an entry that stays.
    const sameMessage = a.message === message || (message.seq === 0 && a.message.seq === 0);
    return sameMessage && a.first === b.first && a.send === b.send && a.problem === b.problem;
  }
  return JSON.stringify(a) === JSON.stringify(b);
}
