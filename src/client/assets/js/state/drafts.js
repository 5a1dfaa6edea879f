// @ts-check
import { Emitter } from "./emitter.js";

/** What is being written in each room. Fires "changed" with a room's id when another tab wrote there. */
export class Drafts extends Emitter {
  /** @type {import("./platform.js").Platform} */
  #platform;
  /** @type {import("./platform.js").Channel} */
  #channel;
  #userId = "";
  /** @type {Map<string, string>} */
  #texts = new Map();
  /** Rooms whose text is on its way to the disk. @type {Map<string, Promise<void>>} */
  #writing = new Map();

  /**
   * @param {import("./platform.js").Platform} platform
   * @param {import("./platform.js").Channel} channel
   */
  constructor(platform, channel) {
    super();
    this.#platform = platform;
    this.#channel = channel;
  }

  /** @param {string} userId */
  async open(userId) {
    this.#userId = userId;
    this.#texts.clear();
    const keep = await this.#platform.keep();
    for (const { roomId, text } of await keep.list("drafts", `${userId}/`)) {
      if (!this.#texts.has(roomId)) this.#texts.set(roomId, text);
      this.emit("changed", roomId);
    }
  }

  /** Shows nothing of anybody. What is kept stays. */
  close() {
    this.#userId = "";
    this.#texts.clear();
  }

  /** Throws everything of the user away. */
  async wipe() {
    for (const roomId of [...this.#texts.keys()]) await this.set(roomId, "");
  }

  /** @param {string} roomId */
  get(roomId) {
    return this.#texts.get(roomId) ?? "";
  }

  /**
   * Keeps a text, an empty one not.
   *
   * @param {string} roomId
   * @param {string} text
   * @returns {Promise<void>} once it is kept
   */
  set(roomId, text) {
    if (this.get(roomId) === text) return this.#writing.get(roomId) ?? Promise.resolve();
    this.#texts.set(roomId, text);
    // One write at a time: the next takes what is there by then, so no key waits for the disk.
    const before = this.#writing.get(roomId);
    const writing = before ?? this.#write(roomId).finally(() => this.#writing.delete(roomId));
    this.#writing.set(roomId, writing);
    return writing;
  }

  /** @param {string} roomId */
  async #write(roomId) {
    const userId = this.#userId;
    const keep = await this.#platform.keep();
    for (let written; written !== this.get(roomId) && userId === this.#userId; ) {
      written = this.get(roomId);
      const key = `${userId}/${roomId}`;
      if (written) await keep.put("drafts", key, { roomId, text: written });
      else await keep.remove("drafts", key);
      this.#channel.post({ kind: "draft", userId, roomId, text: written });
    }
  }

  /**
   * Another tab wrote.
   *
   * @param {any} note
   */
  heard(note) {
    if (note.kind !== "draft" || note.userId !== this.#userId) return;
    if (this.#writing.has(note.roomId) || this.get(note.roomId) === note.text) return;
    this.#texts.set(note.roomId, note.text);
    this.emit("changed", note.roomId);
  }
}
