// @ts-check
/** @typedef {import("./types.js").Message} Message */

/** The most that are kept for a page on its way; beyond it another page brings them. */
const EARLY = 500;

/** Messages by `seq`, without a hole between the first and the last. */
export class Window {
  /** @type {Message[]} */
  #messages = [];
  /** Came while the first page was on its way. @type {Map<number, Message>} */
  #early = new Map();

  get messages() {
    return this.#messages;
  }

  /** 0 while it is empty. */
  get first() {
    return this.#messages[0]?.seq ?? 0;
  }

  /** 0 while it is empty. */
  get last() {
    return this.first === 0 ? 0 : this.first + this.#messages.length - 1;
  }

  /** @param {number} seq */
  has(seq) {
    return this.first > 0 && seq >= this.first && seq <= this.last;
  }

  /**
   * Takes a message that came alone.
   *
   * @param {Message} message
   * @returns {boolean} false if it stands apart from the window
   */
  take(message) {
    if (this.has(message.seq)) {
      this.#update(message);
      return true;
    }
    if (message.seq === this.last + 1 && (this.first > 0 || message.seq === 1)) {
      this.#messages = [...this.#messages, message];
      return true;
    }
    this.#early.set(message.seq, message);
    if (this.#early.size > EARLY) {
      const [oldest] = this.#early.keys();
      this.#early.delete(oldest);
    }
    return message.seq < this.first;
  }

  /**
   * Becomes this page.
   *
   * @param {Message[]} page
   */
  replace(page) {
    this.#messages = page;
    this.#append();
  }

  /**
   * Grows by a page that touches or overlaps it.
   *
   * @param {Message[]} page
   */
  join(page) {
    if (this.first === 0) return this.replace(page);
    for (const message of page) if (this.has(message.seq)) this.#update(message);
    const { first, last } = this;
    const older = page.filter(({ seq }) => seq < first);
    const newer = page.filter(({ seq }) => seq > last);
    if (older.length > 0 && older[older.length - 1].seq !== first - 1) older.length = 0;
    if (newer.length > 0 && newer[0].seq !== last + 1) newer.length = 0;
    this.#messages = [...older, ...this.#messages, ...newer];
    this.#append();
  }

  /** Puts what came early behind the end, as far as it follows. */
  #append() {
    const follow = [];
    let next = this.last + 1;
    for (let early; (early = this.#early.get(next)); next += 1) follow.push(early);
    if (follow.length > 0) this.#messages = [...this.#messages, ...follow];
    for (const [seq, early] of this.#early) {
      if (this.has(seq)) this.#update(early);
      if (seq <= this.last) this.#early.delete(seq);
    }
  }

  /**
   * A message carries its whole present state, and `rev` tells which state is later.
   *
   * @param {Message} message
   */
  #update(message) {
    const place = message.seq - this.first;
    if (this.#messages[place].rev >= message.rev) return;
    this.#messages = this.#messages.map((known, at) => (at === place ? message : known));
  }
}
