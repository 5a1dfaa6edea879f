// @ts-check
import { Emitter } from "./emitter.js";

/**
 * @typedef {import("./types.js").RoomInfo} RoomInfo
 *
 * @typedef {object} Room
 * @property {string} id
 * @property {string} name
 * @property {string | null} topic
 * @property {number} head
 * @property {number} read
 * @property {number} unread
 * @property {string | null} lastMessageAt
 * @property {string} createdAt
 * @property {number} online
 */

/** How long read marks are gathered before the server is told. */
const GATHER_MS = 500;

/** The rooms, what is unread in them, and who is told that it was read. Fires "changed". */
export class Rooms extends Emitter {
  /** @type {import("./api.js").Api} */
  #api;
  /** @type {import("./platform.js").Platform} */
  #platform;
  /** @type {import("./platform.js").Channel} */
  #channel;
  /** @type {Map<string, Room>} */
  #rooms = new Map();
  /** @type {Room[] | null} */
  #list = null;
  /** @type {"loading" | "ready" | "failed"} */
  #state = "loading";
  /** Marks that the server does not know yet. @type {Map<string, number>} */
  #owed = new Map();
  /** @type {any} */
  #timer = null;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./platform.js").Platform} platform
   * @param {import("./platform.js").Channel} channel
   */
  constructor(api, platform, channel) {
    super();
    this.#api = api;
    this.#platform = platform;
    this.#channel = channel;
  }

  get state() {
    return this.#state;
  }

  /** The one where somebody spoke last comes first. */
  get list() {
    this.#list ??= [...this.#rooms.values()].sort((a, b) => {
      const [x, y] = [a, b].map((room) => room.lastMessageAt ?? room.createdAt);
      return x === y ? (a.id < b.id ? -1 : 1) : x < y ? 1 : -1;
    });
    return this.#list;
  }

  get totalUnread() {
    return this.list.reduce((sum, room) => sum + room.unread, 0);
  }

  /**
   * @param {string} id
   * @returns {Room | undefined}
   */
  get(id) {
    return this.#rooms.get(id);
  }

  /** Asks the server; without a network, what it said last. */
  async reload() {
    const keep = await this.#platform.keep();
    try {
      const { data } = await this.#api.get("/api/chat/rooms");
      this.#fill(data);
      keep.put("page", "rooms", data).catch(() => {});
    } catch {
      if (this.#state === "ready") return;
      const known = await keep.get("page", "rooms").catch(() => undefined);
      if (known) this.#fill(known);
      else {
        this.#state = "failed";
        this.#touch();
      }
    }
  }

  /** @param {RoomInfo[]} data */
  #fill(data) {
    this.#state = "ready";
    const before = this.#rooms;
    this.#rooms = new Map();
    for (const info of data) this.#put(info, before.get(info.id));
    this.#touch();
  }

  /**
   * @param {{name: string, topic?: string}} form
   * @returns {Promise<Room>}
   */
  async create(form) {
    const info = await this.#api.post("/api/chat/rooms", form);
    this.#put(info, undefined);
    this.#touch();
    return /** @type {Room} */ (this.#rooms.get(info.id));
  }

  /**
   * A room that the list does not have yet: somebody made it.
   *
   * @param {string} id
   * @returns {Promise<boolean>} false if there is none
   */
  async find(id) {
    if (this.#rooms.has(id)) return true;
    try {
      this.#put(await this.#api.get(`/api/chat/rooms/${encodeURIComponent(id)}`), undefined);
    } catch {
      return false;
    }
    this.#touch();
    return true;
  }

  /** @param {string} id */
  remove(id) {
    if (this.#rooms.delete(id)) this.#touch();
  }

  /** Shows nothing of anybody. What is kept for an offline start stays. */
  clear() {
    this.#rooms.clear();
    this.#owed.clear();
    this.#platform.cancel(this.#timer);
    this.#timer = null;
    this.#state = "loading";
    this.#touch();
  }

  /** The one who was here is gone: nothing stays for the next. */
  async wipe() {
    const keep = await this.#platform.keep();
    await keep.remove("page", "rooms").catch(() => {});
  }

  /**
   * What a frame tells of a room.
   *
   * @param {string} id
   * @param {{head?: number, online?: number, lastMessageAt?: string, read?: number}} news
   */
  update(id, news) {
    const room = this.#rooms.get(id);
    if (!room) return;
    const { head = 0, read = 0, online = room.online, lastMessageAt } = news;
    const at = lastMessageAt && lastMessageAt > (room.lastMessageAt ?? "") ? lastMessageAt : null;
    const changed = head > room.head || read > room.read || online !== room.online || at;
    if (!changed) return;
    this.#rooms.set(id, counted({
      ...room,
      online,
      head: Math.max(room.head, head),
      read: Math.max(room.read, read),
      lastMessageAt: at ?? room.lastMessageAt,
    }));
    this.#touch();
  }

  /**
   * Everything up to `seq` was read.
   *
   * @param {string} id
   * @param {number} seq
   */
  markRead(id, seq) {
    const room = this.#rooms.get(id);
    if (!room || seq <= room.read) return;
    this.update(id, { read: seq });
    this.#channel.post({ kind: "read", roomId: id, seq });
    this.#owed.set(id, seq);
    this.#timer ??= this.#platform.after(() => this.tell(), GATHER_MS);
  }

  /** Tells the server what was read; what it does not hear is told again. */
  async tell() {
    this.#platform.cancel(this.#timer);
    this.#timer = null;
    const owed = [...this.#owed];
    this.#owed.clear();
    for (const [id, seq] of owed) {
      try {
        await this.#api.put(`/api/chat/rooms/${encodeURIComponent(id)}/read`, { seq });
      } catch (problem) {
        const { passes } = /** @type {import("./api.js").ApiProblem} */ (problem);
        if (passes && (this.#owed.get(id) ?? 0) < seq) this.#owed.set(id, seq);
      }
    }
  }

  /**
   * @param {RoomInfo} info
   * @param {Room | undefined} before what frames told meanwhile may be newer
   */
  #put(info, before) {
    this.#rooms.set(info.id, counted({
      id: info.id,
      name: info.name,
      topic: info.topic,
      head: Math.max(info.head, before?.head ?? 0),
      read: Math.max(info.read, before?.read ?? 0, this.#owed.get(info.id) ?? 0),
      unread: 0,
      lastMessageAt: info.last_message_at,
      createdAt: info.created_at,
      online: info.online,
    }));
  }

  #touch() {
    this.#list = null;
    this.emit("changed");
  }
}

/**
 * @param {Room} room
 * @returns {Room}
 */
function counted(room) {
  return { ...room, unread: Math.max(0, room.head - room.read) };
}
