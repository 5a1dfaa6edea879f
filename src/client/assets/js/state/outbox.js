// @ts-check
import { Emitter } from "./emitter.js";
import { uuidv7 } from "./uuid.js";

/**
 * @typedef {import("./types.js").Outgoing} Outgoing
 * @typedef {import("./types.js").Problem} Problem
 *
 * What became of an attempt: `again` stays the first in line, after a wait.
 * @typedef {{kind: "sent"} | {kind: "again", ms?: number} | {kind: "wait"} | {kind: "refused", problem: Problem}} Attempt
 */

/** How long a sent message waits for its broadcast before it is forgotten. */
const SEEN_MS = 60_000;
/** The first wait after a refusal without a time of its own; each further one is twice as long. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * What was written and is not on the server yet. Fires "changed".
 *
 * It is kept before it is sent, and sent by one tab at a time, one after the other in the order of
 * writing. Its id is the `client_message_id`, so that the server stores it once however often it is
 * sent.
 */
export class Outbox extends Emitter {
  /** @type {import("./platform.js").Platform} */
  #platform;
  /** @type {import("./platform.js").Channel} */
  #channel;
  /** @type {(entry: Outgoing) => Promise<Attempt>} */
  #attempt;
  /** @type {import("./keep.js").Keep | null} */
  #keep = null;
  #userId = "";
  /** By id, in the order of writing. @type {Map<string, Outgoing>} */
  #entries = new Map();
  /** On their way to the disk: nothing is sent before it is there. @type {Set<string>} */
  #unkept = new Set();
  /** Waits for its turn among the tabs. */
  #queued = false;
  #live = false;
  /** Ends a wait early. @type {(() => void) | null} */
  #hurry = null;

  /**
   * @param {import("./platform.js").Platform} platform
   * @param {import("./platform.js").Channel} channel
   * @param {(entry: Outgoing) => Promise<Attempt>} attempt sends one
   */
  constructor(platform, channel, attempt) {
    super();
    this.#platform = platform;
    this.#channel = channel;
    this.#attempt = attempt;
  }

  /** False where the browser keeps nothing: a closed tab loses what was not sent. */
  get durable() {
    return this.#keep?.durable ?? false;
  }

  /** How many are not on the server yet. */
  get count() {
    return [...this.#entries.values()].filter((entry) => !entry.sent).length;
  }

  /** The rooms of what is still to be sent. */
  get rooms() {
    const waiting = [...this.#entries.values()].filter((entry) => !entry.sent);
    return [...new Set(waiting.map((entry) => entry.roomId))];
  }

  /**
   * @param {string} roomId
   * @returns {Outgoing[]}
   */
  of(roomId) {
    return [...this.#entries.values()].filter((entry) => entry.roomId === roomId);
  }

  /**
   * Opens the outbox of a user.
   *
   * @param {string} userId
   */
  async open(userId) {
    this.#keep = await this.#platform.keep();
    this.#userId = userId;
    this.#entries.clear();
    await this.#read();
    this.drain();
  }

  /** Shows nothing of anybody. What is kept stays. */
  close() {
    this.#userId = "";
    this.#entries.clear();
    this.emit("changed");
  }

  /** Throws away what a user has not sent. */
  async wipe() {
    for (const entry of [...this.#entries.values()]) await this.discard(entry.id);
  }

  /**
   * The socket is live, or is no more.
   *
   * @param {boolean} live
   */
  connected(live) {
    this.#live = live;
    this.#hurry?.();
    if (live) this.drain();
  }

  /**
   * Keeps a message and sends it when its turn comes.
   *
   * @param {string} roomId
   * @param {string} content
   * @returns {Promise<Outgoing>} once it is kept
   */
  async add(roomId, content) {
    const now = this.#platform.now();
    /** @type {Outgoing} */
    const entry = {
      id: uuidv7(now, this.#platform.randomBytes),
      userId: this.#userId,
      roomId,
      content,
      createdAt: new Date(now).toISOString(),
      state: "pending",
    };
    // On the page before it is on the disk, or the line would be empty for a moment.
    this.#show(entry);
    await this.#store(entry);
    this.drain();
    return entry;
  }

  /**
   * Sends a refused message once more.
   *
   * @param {string} id
   */
  async retry(id) {
    const entry = this.#entries.get(id);
    if (entry?.state !== "failed") return;
    const { problem, ...rest } = entry;
    // The id belongs to another message: this one needs one of its own.
    if (problem?.code === "client_message_id_conflict") {
      await this.discard(id);
      await this.add(entry.roomId, entry.content);
      return;
    }
    const again = { ...rest, state: /** @type {const} */ ("pending") };
    this.#show(again);
    await this.#store(again);
    this.drain();
  }

  /** @param {string} id */
  async discard(id) {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    this.emit("changed");
    await this.#keep?.remove("outbox", key(entry));
    this.#channel.post({ kind: "outbox" });
  }

  /**
   * Its `message` is here, so the page shows that one.
   *
   * @param {string} id
   */
  seen(id) {
    if (this.#entries.get(id)?.sent && this.#entries.delete(id)) this.emit("changed");
  }

  /**
   * Another tab wrote or sent something.
   *
   * @param {any} note
   */
  async heard(note) {
    if (note.kind !== "outbox" || !this.#userId) return;
    const entry = this.#entries.get(note.sent);
    if (entry) this.#sent(entry);
    await this.#read();
    this.drain();
  }

  /** Sends what there is, when the other tabs are done. */
  drain() {
    if (this.#queued || !this.#live || !this.#next()) return;
    this.#queued = true;
    this.#platform
      .locked("outbox", async () => {
        this.#queued = false;
        await this.#sendAll();
      })
      .catch(() => (this.#queued = false));
  }

  async #sendAll() {
    // What another tab has sent while this one waited.
    await this.#read();
    let wait = FIRST_WAIT_MS;
    for (let entry; this.#live && (entry = this.#next()); ) {
      this.#show({ ...entry, state: "sending" });
      const attempt = await this.#attempt(entry);
      if (!this.#entries.has(entry.id)) continue;
      if (attempt.kind === "sent") {
        wait = FIRST_WAIT_MS;
        this.#sent(entry);
        await this.#keep?.remove("outbox", key(entry));
        this.#channel.post({ kind: "outbox", sent: entry.id });
        continue;
      }
      if (attempt.kind === "refused") {
        const failed = { ...entry, state: /** @type {const} */ ("failed"), problem: attempt.problem };
        this.#show(failed);
        await this.#store(failed);
        continue;
      }
      this.#show({ ...entry, state: "pending" });
      if (attempt.kind === "wait") return;
      await this.#pause(attempt.ms ?? wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }

  /** @param {number} ms */
  #pause(ms) {
    return new Promise((resolve) => {
      const timer = this.#platform.after(() => resolve(undefined), ms);
      this.#hurry = () => {
        this.#platform.cancel(timer);
        resolve(undefined);
      };
    }).finally(() => (this.#hurry = null));
  }

  #next() {
    const waiting = [...this.#entries.values()].filter((entry) => !entry.sent);
    const first = waiting.find((entry) => entry.state !== "failed");
    return first && !this.#unkept.has(first.id) ? first : undefined;
  }

  /** @param {Outgoing} entry */
  #sent(entry) {
    this.#show({ ...entry, state: "pending", sent: true });
    this.#platform.after(() => this.seen(entry.id), SEEN_MS);
  }

  /** @param {Outgoing} entry */
  #show(entry) {
    this.#entries.set(entry.id, entry);
    this.emit("changed");
  }

  /** @param {Outgoing} entry */
  async #store(entry) {
    this.#unkept.add(entry.id);
    await this.#keep?.put("outbox", key(entry), entry).finally(() => this.#unkept.delete(entry.id));
    this.#channel.post({ kind: "outbox" });
  }

  /** Takes over what is kept. What this tab alone knows of an entry stays. */
  async #read() {
    const userId = this.#userId;
    /** @type {Outgoing[]} */
    const kept = (await this.#keep?.list("outbox", `${userId}/`)) ?? [];
    if (userId !== this.#userId) return;
    const known = new Set(kept.map((entry) => entry.id));
    for (const [id, entry] of this.#entries) {
      if (!known.has(id) && !entry.sent && !this.#unkept.has(id)) this.#entries.delete(id);
    }
    for (const entry of kept) {
      const here = this.#entries.get(entry.id);
      const sending = here?.sent || here?.state === "sending";
      if (!sending) this.#entries.set(entry.id, entry);
    }
    this.#entries = new Map([...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.emit("changed");
  }
}

/** @param {Outgoing} entry */
function key(entry) {
  return `${entry.userId}/${entry.id}`;
}
