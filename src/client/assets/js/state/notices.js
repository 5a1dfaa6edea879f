// @ts-check
/**
 * Somebody came or went.
 *
 * @typedef {object} Notice
 * @property {"joined" | "left"} what
 * @property {import("./types.js").Profile} user
 * @property {number} at ms since 1970
 * @property {number} [after] the message that it stands behind
 *
 * @typedef {object} Folded
 * @property {import("./types.js").Profile[]} joined
 * @property {import("./types.js").Profile[]} left
 * @property {import("./types.js").Profile[]} passed came and went
 */

/** The most that are kept: they are not stored anywhere else, and nobody scrolls back for them. */
const KEPT = 200;

/** The notices of one room, the latest of them. */
export class NoticeLog {
  /** @type {Notice[]} */
  #all = [];

  get all() {
    return this.#all;
  }

  /** @param {Notice} notice */
  add(notice) {
    this.#all = [...this.#all.slice(1 - KEPT), notice];
  }
}

/**
 * What a row of notices comes to. Who left and came back has done nothing.
 *
 * @param {Notice[]} notices in the order of time
 * @returns {Folded}
 */
export function fold(notices) {
  /** @type {Map<string, {first: string, last: string, user: import("./types.js").Profile}>} */
  const people = new Map();
  for (const { what, user } of notices) {
    const known = people.get(user.id);
    people.set(user.id, { first: known?.first ?? what, last: what, user });
  }
  /** @type {Folded} */
  const folded = { joined: [], left: [], passed: [] };
  for (const { first, last, user } of people.values()) {
    if (last === "joined" && first === "joined") folded.joined.push(user);
    else if (last === "left" && first === "left") folded.left.push(user);
    else if (last === "left") folded.passed.push(user);
  }
  return folded;
}
