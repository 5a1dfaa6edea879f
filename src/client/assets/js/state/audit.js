// @ts-check
/**
 * @typedef {object} Entry
 * @property {number} seq
 * @property {string} at
 * @property {"api" | "command_line" | "server"} via
 * @property {string | null} actor_id
 * @property {string | null} login_id
 * @property {string | null} token_id
 * @property {string} act
 * @property {string | null} target_kind
 * @property {string | null} target_id
 * @property {string | null} address
 * @property {string | null} request_id
 * @property {Record<string, any> | null} details
 * @property {string} hash
 *
 * @typedef {object} Search what every entry must fit; empty texts ask for nothing
 * @property {string} act
 * @property {string} actor a user's id
 * @property {string} from a day, such as `2026-11-21`, by the clock of this machine
 * @property {string} to the last day
 */

/** Entries of one page. */
const PAGE = 50;

/** The audit log, the newest entry first, as far back as it was asked for. */
export class AuditLog {
  #api;
  /** @type {Map<string, Promise<string | null>>} */
  #names = new Map();
  /** @type {Search} */
  search = { act: "", actor: "", from: "", to: "" };
  /** @type {Entry[]} */
  entries = [];
  hasMore = false;
  /** The seal of the newest entry. */
  head = "";
  /** Counts questions, so that a late answer to an earlier one is thrown away. */
  #asked = 0;

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * Searches anew.
   *
   * @param {Partial<Search>} [change]
   */
  async find(change = {}) {
    this.search = { ...this.search, ...change };
    await this.#load([]);
  }

  /** Adds the page before the oldest entry. */
  async older() {
    if (this.hasMore) await this.#load(this.entries);
  }

  /** The log of the days that are searched, as JSON lines. @returns {Promise<Blob>} */
  export() {
    const { from, to } = this.#times();
    return this.#api.blob(`/api/audit/export?${new URLSearchParams({ ...from, ...to })}`);
  }

  /**
   * What a user is called; `null` if there is no such user any more.
   *
   * @param {string} id
   * @returns {Promise<string | null>}
   */
  nameOf(id) {
    const known = this.#names.get(id) ?? this.#api.get(`/api/users/${id}`).then(({ full_name }) => full_name, () => null);
    this.#names.set(id, known);
    return known;
  }

  /** @param {Entry[]} kept what the answer comes after */
  async #load(kept) {
    const asked = ++this.#asked;
    const { act, actor } = this.search;
    const { from, to } = this.#times();
    const before = kept.at(-1)?.seq;
    const query = new URLSearchParams({
      limit: String(PAGE),
      ...(act && { act }),
      ...(actor && { actor }),
      ...(before && { before: String(before) }),
      ...from,
      ...to,
    });
    const { data, has_more, head } = await this.#api.get(`/api/audit?${query}`);
    if (asked !== this.#asked) return;
    this.entries = [...kept, ...data];
    this.hasMore = has_more;
    this.head = head.hash;
  }

  #times() {
    const { from, to } = this.search;
    // A day ends where the next begins, also where clocks are moved in between.
    const midnight = (/** @type {string} */ day, /** @type {number} */ later) => {
      const [year, month, date] = day.split("-").map(Number);
      return new Date(year, month - 1, date + later).toISOString();
    };
    return { from: from && { from: midnight(from, 0) }, to: to && { to: midnight(to, 1) } };
  }
}
