// @ts-check
import { Api } from "./api.js";
import { Drafts } from "./drafts.js";
import { Emitter } from "./emitter.js";
import { Joins } from "./joins.js";
import { Login } from "./login.js";
import { Outbox } from "./outbox.js";
import { Presence } from "./presence.js";
import { Rooms } from "./rooms.js";
import { sendOver } from "./sending.js";
import { ChatSocket } from "./socket.js";
import { Timeline } from "./timeline.js";

/** Rooms whose messages stay in memory; the one opened longest ago goes first. */
const OPEN_ROOMS = 10;
/** How often the list of rooms is asked for: others make rooms, and not all may be joined. */
const RELOAD_MS = 60_000;

/**
 * Everything that a page knows, and how its parts hear of each other. Fires "arrived" with each new
 * message of any room.
 */
export class Chat extends Emitter {
  /** @type {import("./platform.js").Platform} */
  #platform;
  /** @type {import("./platform.js").Channel} */
  #channel;
  /** The one opened last stands last. @type {Map<string, Timeline>} */
  #timelines = new Map();
  /** @type {Joins} */
  #joins;
  #userId = "";
  /** @type {any} */
  #reloading = null;

  /** @param {import("./platform.js").Platform} platform */
  constructor(platform) {
    super();
    this.#platform = platform;
    this.#channel = platform.channel();
    const channel = this.#channel;
    this.api = new Api(platform);
    this.login = new Login(this.api, platform, channel);
    this.connection = new ChatSocket(platform, this.login);
    this.rooms = new Rooms(this.api, platform, channel);
    this.presence = new Presence(platform, this.api, () => this.#userId);
    this.drafts = new Drafts(platform, channel);
    this.#joins = new Joins(this.connection, platform, (roomId) => this.#cursor(roomId));
    this.outbox = new Outbox(platform, channel, sendOver(this.connection, this.#joins));
    this.#wire();
  }

  /** Finds out who is signed in, and connects. */
  async start() {
    await this.login.restore();
    if (this.login.state === "out") await this.rooms.wipe();
  }

  close() {
    this.connection.stop();
    this.#platform.cancel(this.#reloading);
    this.#channel.close();
  }

  /**
   * A room's messages; somebody looks at them.
   *
   * @param {string} roomId
   * @returns {Timeline}
   */
  open(roomId) {
    const timeline = this.#timelines.get(roomId) ?? this.#makeTimeline(roomId);
    this.#timelines.delete(roomId);
    this.#timelines.set(roomId, timeline);
    const [oldest] = this.#timelines.keys();
    if (this.#timelines.size > OPEN_ROOMS) this.#timelines.delete(oldest);
    timeline.enter();
    this.rooms.find(roomId);
    this.presence.ask(roomId);
    this.#wantRooms();
    return timeline;
  }

  /**
   * Puts a message into the outbox.
   *
   * @param {string} roomId
   * @param {string} content
   * @returns {Promise<import("./types.js").Outgoing>} once it is kept
   */
  send(roomId, content) {
    return this.outbox.add(roomId, content);
  }

  /**
   * A key was pressed. Told to the room, but not each time.
   *
   * @param {string} roomId
   */
  typing(roomId) {
    const live = this.connection.state.kind === "live";
    if (live && this.presence.tells(roomId)) {
      this.connection.send({ type: "typing", room_id: roomId });
    }
  }

  /** @param {string} roomId */
  #makeTimeline(roomId) {
    const timeline = new Timeline(roomId, {
      api: this.api,
      me: () => this.#userId,
      outgoing: (id) => this.outbox.of(id),
      known: (id) => this.rooms.get(id) ?? { head: 0, read: 0 },
    });
    timeline.loadNewest();
    return timeline;
  }

  #wire() {
    this.login.on("changed", () => this.#userChanged());
    this.connection.on("frame", (frame) => this.#heard(frame));
    this.connection.on("live", () => this.#live());
    this.connection.on("lost", () => {
      this.outbox.connected(false);
      this.presence.lost();
    });
    this.#joins.on("connected", (frame) => this.#joined(frame));
    this.#joins.on("gone", (roomId) => this.rooms.remove(roomId));
    let ready = false;
    this.rooms.on("changed", () => {
      this.#wantRooms();
      // Only now it is known what was read.
      const first = !ready && this.rooms.state === "ready";
      ready = this.rooms.state === "ready";
      if (first) for (const timeline of this.#timelines.values()) timeline.enter();
    });
    this.outbox.on("changed", () => {
      this.#wantRooms();
      for (const timeline of this.#timelines.values()) timeline.touch();
    });
    this.#channel.listen((note) => {
      this.login.heard(note);
      this.outbox.heard(note);
      this.drafts.heard(note);
      if (note.kind === "read") this.rooms.update(note.roomId, { read: note.seq });
    });
    this.#platform.onWake(() => this.#userId && this.rooms.reload());
  }

  async #userChanged() {
    const id = this.login.user?.id ?? "";
    if (id === this.#userId) return;
    const byChoice = !id && this.login.reason === null;
    if (this.#userId) this.rooms.wipe();
    this.#userId = id;
    this.connection.stop();
    this.#timelines.clear();
    this.rooms.clear();
    this.presence.clear();
    this.#platform.cancel(this.#reloading);
    if (!id) {
      // Who signs out leaves nothing behind on a machine that others use.
      if (byChoice) await Promise.all([this.outbox.wipe(), this.drafts.wipe()]);
      if (this.#userId) return;
      this.outbox.close();
      this.drafts.close();
      return;
    }
    this.outbox.open(id);
    this.drafts.open(id);
    this.connection.start();
    this.#reload();
  }

  async #reload() {
    const userId = this.#userId;
    await this.rooms.reload();
    if (userId !== this.#userId) return;
    this.#platform.cancel(this.#reloading);
    this.#reloading = this.#platform.after(() => this.#reload(), RELOAD_MS);
  }

  #live() {
    this.outbox.connected(true);
    this.rooms.tell();
    this.#reload();
    for (const timeline of this.#timelines.values()) timeline.retry();
  }

  /** @param {any} frame */
  #joined(frame) {
    const { room_id: roomId, head, online } = frame;
    this.rooms.update(roomId, { head, online });
    this.presence.connected(roomId, online);
    this.#timelines.get(roomId)?.connected(frame);
  }

  /** @param {any} frame */
  #heard(frame) {
    const roomId = frame.room_id;
    if (frame.type === "message") this.#message(frame);
    else if (frame.type === "read") this.rooms.update(roomId, { read: frame.seq });
    else if (["user_joined", "user_left", "presence", "typing"].includes(frame.type)) {
      this.presence.heard(frame);
      this.rooms.update(roomId, { online: this.presence.people(roomId).online });
      const what = { user_joined: /** @type {const} */ ("joined"), user_left: /** @type {const} */ ("left") }[
        /** @type {"user_joined"} */ (frame.type)
      ];
      if (!what || frame.user.id === this.#userId) return;
      const at = Date.parse(frame.created_at);
      this.#timelines.get(roomId)?.noticed({ what, user: frame.user, at });
    }
  }

  /** @param {import("./types.js").Message} message */
  #message(message) {
    const { room_id: roomId, seq, created_at: lastMessageAt, sender_id: sender } = message;
    const isNew = seq > (this.rooms.get(roomId)?.head ?? 0);
    const mine = sender === this.#userId;
    this.presence.spoke(roomId, sender);
    this.#timelines.get(roomId)?.heard(message);
    this.rooms.update(roomId, { head: seq, lastMessageAt });
    if (mine && message.client_message_id) this.outbox.seen(message.client_message_id);
    // Who answers has read what he answers to.
    if (mine) this.rooms.markRead(roomId, seq);
    if (isNew) this.emit("arrived", message);
  }

  /** @param {string} roomId */
  #cursor(roomId) {
    return this.#timelines.get(roomId)?.cursor ?? null;
  }

  /** The rooms to hear: those in use first, then those where somebody spoke last. */
  #wantRooms() {
    if (!this.#userId) return;
    const used = [...this.#timelines.keys()].reverse();
    const all = [...used, ...this.outbox.rooms, ...this.rooms.list.map((room) => room.id)];
    this.#joins.want([...new Set(all)]);
  }
}
