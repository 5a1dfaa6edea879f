// @ts-check
import { Emitter } from "./emitter.js";

/** @typedef {{after: number, epoch: string}} Cursor */

/** How long after a refusal a join is tried again, if the server does not say. */
const AGAIN_MS = 2_000;

/**
 * Which rooms the socket hears. Fires "connected" with each `connected` frame, "gone" with the id of a
 * room that is not there.
 */
export class Joins extends Emitter {
  /** @type {import("./socket.js").ChatSocket} */
  #socket;
  /** @type {import("./platform.js").Platform} */
  #platform;
  /** @type {(roomId: string) => Cursor | null} */
  #cursor;
  /** Most wanted first. @type {string[]} */
  #wanted = [];
  #limit = 100;
  /** Joined or on the way, on the present socket. @type {Map<string, Promise<void>>} */
  #joined = new Map();

  /**
   * @param {import("./socket.js").ChatSocket} socket
   * @param {import("./platform.js").Platform} platform
   * @param {(roomId: string) => Cursor | null} cursor where to resume a room
   */
  constructor(socket, platform, cursor) {
    super();
    this.#socket = socket;
    this.#platform = platform;
    this.#cursor = cursor;
    socket.on("live", (frame) => {
      this.#limit = frame.limits.rooms;
      this.#joined.clear();
      this.#joinWanted();
    });
    socket.on("lost", () => this.#joined.clear());
  }

  /**
   * Says which rooms to hear; those beyond the limit are not.
   *
   * @param {string[]} roomIds the most wanted first
   */
  want(roomIds) {
    this.#wanted = roomIds;
    if (this.#socket.state.kind === "live") this.#joinWanted();
  }

  /**
   * Joins a room, unless it is.
   *
   * @param {string} roomId
   * @returns {Promise<void>} rejects with a `SocketProblem`
   */
  join(roomId) {
    const joining = this.#joined.get(roomId) ?? this.#connect(roomId);
    this.#joined.set(roomId, joining);
    return joining;
  }

  /**
   * The server says that this room is not joined.
   *
   * @param {string} roomId
   */
  forget(roomId) {
    this.#joined.delete(roomId);
  }

  #joinWanted() {
    const wanted = new Set(this.#wanted.slice(0, this.#limit));
    for (const roomId of [...this.#joined.keys()]) {
      if (wanted.has(roomId)) continue;
      // Room for the others.
      if (this.#joined.size + wanted.size <= this.#limit) break;
      this.#joined.delete(roomId);
      this.#socket.send({ type: "disconnect", room_id: roomId });
    }
    for (const roomId of wanted) this.join(roomId).catch(() => {});
  }

  /**
   * @param {string} roomId
   * @returns {Promise<void>}
   */
  async #connect(roomId) {
    const cursor = this.#cursor(roomId);
    try {
      const frame = await this.#socket.request({ type: "connect", room_id: roomId, ...cursor });
      this.emit("connected", frame);
    } catch (problem) {
      const { code, retryAfterMs } = /** @type {import("./socket.js").SocketProblem} */ (problem);
      if (code !== "connection_lost") this.#refused(roomId, code, retryAfterMs);
      throw problem;
    }
  }

  /**
   * @param {string} roomId
   * @param {string} code
   * @param {number} [retryAfterMs]
   */
  #refused(roomId, code, retryAfterMs = AGAIN_MS) {
    this.#joined.delete(roomId);
    if (code === "not_found") {
      this.#wanted = this.#wanted.filter((wanted) => wanted !== roomId);
      this.emit("gone", roomId);
    } else if (code !== "forbidden") {
      this.#platform.after(() => this.want(this.#wanted), retryAfterMs);
    }
  }
}
