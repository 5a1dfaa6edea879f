// @ts-check
import { Emitter } from "./emitter.js";

/**
 * @typedef {import("./types.js").Profile} Profile
 *
 * @typedef {object} Crowd
 * @property {number} online
 * @property {Profile[]} people by name; may be fewer than `online` while they are asked for
 *
 * @typedef {object} Known what is known of one room
 * @property {number} online
 * @property {Map<string, Profile> | null} people
 * @property {Profile[] | null} sorted
 * @property {number} askedAt
 * @property {boolean} watched somebody wants to see them: each connection asks anew
 * @property {Map<string, Profile | null> | null} news who came (or, `null`, went) while the answer was on its way
 */

/** How long somebody types without another sign of it. */
const TYPING_MS = 5_000;
/** How often one's own typing is told. */
const TELL_MS = 3_000;
/** How often a crowd too large for single notices is asked for. */
const ASK_MS = 10_000;

/** Who is here and who is typing, by room. Fires "changed" with a room's id. */
export class Presence extends Emitter {
  /** @type {import("./platform.js").Platform} */
  #platform;
  /** @type {import("./api.js").Api} */
  #api;
  /** @type {() => string} */
  #me;
  /** @type {Map<string, Known>} */
  #crowds = new Map();
  /** @type {Map<string, Map<string, {user: Profile, timer: any}>>} */
  #typing = new Map();
  /** @type {Map<string, number>} */
  #toldAt = new Map();

  /**
   * @param {import("./platform.js").Platform} platform
   * @param {import("./api.js").Api} api
   * @param {() => string} me
   */
  constructor(platform, api, me) {
    super();
    this.#platform = platform;
    this.#api = api;
    this.#me = me;
  }

  /**
   * @param {string} roomId
   * @returns {Crowd}
   */
  people(roomId) {
    const crowd = this.#crowds.get(roomId);
    if (!crowd) return { online: 0, people: [] };
    crowd.sorted ??= [...(crowd.people?.values() ?? [])].sort((a, b) =>
      a.full_name.localeCompare(b.full_name),
    );
    return { online: crowd.online, people: crowd.sorted };
  }

  /**
   * Who types there, oneself apart.
   *
   * @param {string} roomId
   * @returns {Profile[]}
   */
  typing(roomId) {
    return [...(this.#typing.get(roomId)?.values() ?? [])].map(({ user }) => user);
  }

  /**
   * Asks who is there, now and after each connection. Changes in between come by themselves.
   *
   * @param {string} roomId
   */
  async ask(roomId) {
    const crowd = this.#crowd(roomId);
    crowd.askedAt = this.#platform.now();
    crowd.watched = true;
    const news = (crowd.news = new Map());
    try {
      const { data } = await this.#api.get(`/api/chat/rooms/${encodeURIComponent(roomId)}/members`);
      // A later question has a later answer.
      if (this.#crowds.get(roomId) !== crowd || crowd.news !== news) return;
      crowd.people = new Map(data.map((/** @type {Profile} */ user) => [user.id, user]));
      for (const [id, user] of news) {
        if (user) crowd.people.set(id, user);
        else crowd.people.delete(id);
      }
      crowd.news = null;
      this.#changed(roomId, crowd.people.size);
    } catch {
      // The next connection asks again.
    }
  }

  /**
   * @param {string} roomId
   * @param {number} online
   */
  connected(roomId, online) {
    this.#changed(roomId, online);
    // Whether there was an answer before or not: it may have come before the join, or never.
    if (this.#crowd(roomId).watched) this.ask(roomId);
  }

  /**
   * A frame `user_joined`, `user_left`, `presence` or `typing`.
   *
   * @param {any} frame
   */
  heard(frame) {
    const crowd = this.#crowd(frame.room_id);
    if (frame.type === "typing") this.#typed(frame.room_id, frame.user);
    else if (frame.type === "presence") {
      this.#changed(frame.room_id, frame.online);
      const old = this.#platform.now() - crowd.askedAt > ASK_MS;
      if (crowd.people && old) this.ask(frame.room_id);
    } else if (frame.type === "user_joined") {
      crowd.news?.set(frame.user.id, frame.user);
      crowd.people?.set(frame.user.id, frame.user);
      this.#changed(frame.room_id, crowd.people?.size ?? crowd.online + 1);
    } else if (frame.type === "user_left") {
      crowd.news?.set(frame.user.id, null);
      crowd.people?.delete(frame.user.id);
      this.#silent(frame.room_id, frame.user.id);
      this.#changed(frame.room_id, crowd.people?.size ?? Math.max(0, crowd.online - 1));
    }
  }

  /**
   * Who has said it types no more.
   *
   * @param {string} roomId
   * @param {string} userId
   */
  spoke(roomId, userId) {
    if (this.#silent(roomId, userId)) this.emit("changed", roomId);
  }

  /**
   * Whether it is time to tell a room that one types.
   *
   * @param {string} roomId
   */
  tells(roomId) {
    const now = this.#platform.now();
    if (now - (this.#toldAt.get(roomId) ?? -Infinity) < TELL_MS) return false;
    this.#toldAt.set(roomId, now);
    return true;
  }

  /** The line was lost: nobody is known to type. Who was here is believed until it is back. */
  lost() {
    for (const [roomId, people] of this.#typing) {
      for (const { timer } of people.values()) this.#platform.cancel(timer);
      people.clear();
      this.emit("changed", roomId);
    }
    this.#toldAt.clear();
  }

  clear() {
    this.lost();
    this.#crowds.clear();
  }

  /** @param {string} roomId */
  #crowd(roomId) {
    const known = this.#crowds.get(roomId);
    if (known) return known;
    /** @type {Known} */
    const crowd = { online: 0, people: null, sorted: null, askedAt: 0, watched: false, news: null };
    this.#crowds.set(roomId, crowd);
    return crowd;
  }

  /**
   * @param {string} roomId
   * @param {number} online
   */
  #changed(roomId, online) {
    const crowd = this.#crowd(roomId);
    crowd.online = online;
    crowd.sorted = null;
    this.emit("changed", roomId);
  }

  /**
   * @param {string} roomId
   * @param {Profile} user
   */
  #typed(roomId, user) {
    if (user.id === this.#me()) return;
    this.#silent(roomId, user.id);
    const people = this.#typing.get(roomId) ?? new Map();
    this.#typing.set(roomId, people);
    const timer = this.#platform.after(() => this.spoke(roomId, user.id), TYPING_MS);
    people.set(user.id, { user, timer });
    this.emit("changed", roomId);
  }

  /**
   * @param {string} roomId
   * @param {string} userId
   */
  #silent(roomId, userId) {
    const people = this.#typing.get(roomId);
    this.#platform.cancel(people?.get(userId)?.timer);
    return people?.delete(userId) ?? false;
  }
}
