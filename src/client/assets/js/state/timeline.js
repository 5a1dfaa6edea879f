// @ts-check
import { Emitter } from "./emitter.js";
import { NoticeLog } from "./notices.js";
import { buildRows } from "./rows.js";
import { Window } from "./window.js";

/** @typedef {import("./types.js").Message} Message */

/** Messages of one page. */
const PAGE = 50;
/** The most of one page, as the server has it. */
const LARGEST_PAGE = 200;
/** Farther behind than this, the newest page is loaded anew. */
const FARTHEST_BEHIND = 1_000;

/**
 * What the timeline needs of the rest.
 *
 * @typedef {object} Surroundings
 * @property {import("./api.js").Api} api
 * @property {() => string} me the id of who looks
 * @property {(roomId: string) => import("./types.js").Outgoing[]} outgoing
 * @property {(roomId: string) => {head: number, read: number}} known how far the room goes, and was read
 */

/**
 * One room's messages: a window without a hole, which grows at both ends. Fires "changed", and
 * "arrived" with each new message.
 */
export class Timeline extends Emitter {
  /** @type {Surroundings} */
  #around;
  #window = new Window();
  #notices = new NoticeLog();
  /** @type {"loading" | "ready" | "failed"} */
  #state = "loading";
  #head = 0;
  #rev = 0;
  #epoch = "";
  /** What was unread when somebody came to look. @type {import("./rows.js").Unread | null} */
  #unread = null;
  /** @type {{rows: import("./rows.js").Row[], byKey: Map<string, import("./rows.js").Row>} | null} */
  #built = null;
  #stale = true;
  /** Loads under way, by their end of the window. @type {Map<string, Promise<void>>} */
  #loading = new Map();
  /** Counts windows, so that a page for an earlier one is not taken. */
  #generation = 0;

  /**
   * @param {string} roomId
   * @param {Surroundings} around
   */
  constructor(roomId, around) {
    super();
    this.roomId = roomId;
    this.#around = around;
    this.#head = around.known(roomId).head;
  }

  get state() {
    return this.#state;
  }

  /** The room's last `seq`. */
  get head() {
    return this.#head;
  }

  /** The last `seq` that is loaded; 0 if none is. */
  get newestSeq() {
    return this.#window.last;
  }

  /** Numbers have no hole, so the first one tells whether there are more. */
  get hasOlder() {
    return this.#window.first > 1;
  }

  get hasNewer() {
    return this.#window.last < this.#head;
  }

  get loadingOlder() {
    return this.#loading.has("older");
  }

  get loadingNewer() {
    return this.#loading.has("newer");
  }

  /** What to show, oldest first. */
  get rows() {
    if (this.#stale || !this.#built) {
      const whole = !this.hasNewer;
      this.#built = buildRows(
        {
          me: this.#around.me(),
          messages: this.#window.messages,
          notices: whole ? this.#notices.all : [],
          outgoing: whole ? this.#around.outgoing(this.roomId) : [],
          unread: this.#unread,
        },
        this.#built?.byKey ?? new Map(),
      );
      this.#stale = false;
    }
    return this.#built.rows;
  }

  /** Where to resume; `null` if what is there does not reach up to the present. */
  get cursor() {
    const whole = this.#state === "ready" && !this.hasNewer && this.#epoch;
    return whole ? { after: this.#rev, epoch: this.#epoch } : null;
  }

  /** Somebody comes to look: the marker stands above what was not read until now. */
  enter() {
    const { head, read } = this.#around.known(this.roomId);
    this.#unread = head > read ? { after: read, count: head - read } : null;
    this.touch();
  }

  /** Nobody looks any more. */
  leave() {
    this.#unread = null;
    this.touch();
  }

  /** Something around has changed that the rows show. */
  touch() {
    this.#stale = true;
    this.emit("changed");
  }

  /**
   * The socket has joined the room.
   *
   * @param {{head: number, rev: number, epoch: string, resumed: boolean}} frame
   */
  connected({ head, rev, epoch, resumed }) {
    if (this.#epoch && this.#epoch !== epoch) this.#clear();
    this.#epoch = epoch;
    // Who reads far above is not taken away from there.
    const whole = !this.hasNewer;
    this.#head = Math.max(this.#head, head);
    if (!resumed) {
      this.#rev = rev;
      if (this.#state === "failed") this.loadNewest();
      else if (whole) this.#catchUp();
    }
    this.touch();
  }

  /**
   * A message, live or replayed.
   *
   * @param {Message} message
   */
  heard(message) {
    const isNew = message.seq > this.#head;
    const whole = !this.hasNewer;
    this.#head = Math.max(this.#head, message.seq);
    this.#rev = Math.max(this.#rev, message.rev);
    if (!this.#window.take(message) && whole) this.#catchUp();
    this.touch();
    if (isNew) this.emit("arrived", message);
  }

  /** @param {import("./notices.js").Notice} notice */
  noticed(notice) {
    this.#notices.add({ ...notice, after: this.#head });
    this.touch();
  }

  /** Loads what comes before the window. */
  loadOlder() {
    if (!this.hasOlder || this.#state !== "ready") return Promise.resolve();
    return this.#load("older", `before=${this.#window.first}&limit=${PAGE}`);
  }

  /** Loads what comes after the window. */
  loadNewer() {
    if (!this.hasNewer || this.#state !== "ready") return Promise.resolve();
    return this.#load("newer", `after=${this.#window.last}&limit=${PAGE}`);
  }

  /**
   * Shows the newest messages, whatever was loaded before.
   *
   * @returns {Promise<void>}
   */
  loadNewest() {
    if (this.#state === "ready" && !this.hasNewer) return Promise.resolve();
    // So many that the marker can be shown, within one page.
    const limit = Math.min(Math.max(PAGE, (this.#unread?.count ?? 0) + 20), LARGEST_PAGE);
    return this.#replace("newest", `limit=${limit}`).then(() => this.#catchUp());
  }

  /**
   * Shows what stands around a message.
   *
   * @param {number} seq
   */
  openAt(seq) {
    if (this.#window.has(seq)) return Promise.resolve();
    return this.#replace(`at ${seq}`, `before=${seq + PAGE / 2}&limit=${PAGE}`);
  }

  /** Tries again after a failure. */
  retry() {
    return this.#state === "failed" ? this.loadNewest() : Promise.resolve();
  }

  /**
   * Brings the window up to the present.
   *
   * @returns {Promise<void>}
   */
  async #catchUp() {
    const behind = this.#head - this.#window.last;
    if (this.#state === "ready" && behind > FARTHEST_BEHIND) return this.loadNewest();
    while (this.hasNewer && this.#state === "ready") {
      const before = this.#window.last;
      await this.#load("newer", `after=${before}&limit=${LARGEST_PAGE}`);
      // It failed; the end of the window is there to be asked for again.
      if (this.#window.last <= before) return;
    }
  }

  /**
   * @param {string} what
   * @param {string} query
   */
  #replace(what, query) {
    this.#generation += 1;
    this.#loading.clear();
    this.#state = "loading";
    return this.#load(what, query, true);
  }

  /**
   * Loads a page once, however often it is asked for meanwhile.
   *
   * @param {string} what
   * @param {string} query
   * @param {boolean} [anew] the page becomes the window
   * @returns {Promise<void>}
   */
  #load(what, query, anew = false) {
    const under = this.#loading.get(what);
    if (under) return under;
    const loading = this.#fetch(what, query, anew, this.#generation);
    this.#loading.set(what, loading);
    this.touch();
    return loading;
  }

  /**
   * @param {string} what
   * @param {string} query
   * @param {boolean} anew
   * @param {number} generation
   */
  async #fetch(what, query, anew, generation) {
    let page;
    try {
      page = await this.#around.api.get(`/api/chat/rooms/${this.roomId}/messages?${query}`);
    } catch {
      page = null;
    }
    if (generation !== this.#generation) return;
    this.#loading.delete(what);
    if (page) {
      this.#head = Math.max(this.#head, page.head);
      if (anew) this.#window.replace(page.data);
      else this.#window.join(page.data);
      this.#state = "ready";
    } else if (anew) this.#state = "failed";
    this.touch();
  }

  /** Another history: what was known of this one means nothing. */
  #clear() {
    this.#generation += 1;
    this.#loading.clear();
    this.#window = new Window();
    this.#notices = new NoticeLog();
    this.#state = "loading";
    this.#head = 0;
    this.#rev = 0;
    this.loadNewest();
  }
}
