// @ts-check
import { ApiProblem } from "./api.js";
import { Emitter } from "./emitter.js";

/**
 * @typedef {import("./types.js").User} User
 * @typedef {"unknown" | "out" | "in"} LoginState
 *
 * What became of a sign-in: one is in, or `second` says what else is to be proved.
 *
 * @typedef {object} Outcome
 * @property {User | null} user
 * @property {import("./types.js").SecondFactor | null} second
 * @property {string[]} codes the recovery codes that were just made, shown this once
 */

/** A token that ends sooner is renewed before it is used. */
const MARGIN_MS = 60_000;

/**
 * Who is signed in. Fires "changed".
 *
 * The access token is in memory only; the refresh token is a cookie that no script reads. All tabs
 * have the same cookie, so they renew one after the other.
 */
export class Login extends Emitter {
  /** @type {import("./api.js").Api} */
  #api;
  /** @type {import("./platform.js").Platform} */
  #platform;
  /** @type {import("./platform.js").Channel} */
  #channel;
  /** @type {LoginState} */
  #state = "unknown";
  /** @type {User | null} */
  #user = null;
  /** @type {string | null} */
  #reason = null;
  #token = "";
  #expiresAt = 0;
  /** @type {Promise<string> | null} */
  #renewing = null;

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
    api.use(this);
  }

  get state() {
    return this.#state;
  }

  get user() {
    return this.#user;
  }

  /** Why one is out: `null` (never in, or by choice), `"ended"`, `"account_closed"`. */
  get reason() {
    return this.#reason;
  }

  /** When the token ends, in ms since 1970. */
  get expiresAt() {
    return this.#expiresAt;
  }

  /** Finds out whether the cookie still counts. Without a network the last user is believed. */
  async restore() {
    try {
      await this.renew(this.#token);
    } catch {
      if (this.#state !== "unknown") return;
      const keep = await this.#platform.keep();
      const user = await keep.get("page", "user").catch(() => undefined);
      if (this.#state === "unknown") this.#enter(user ?? null, null);
    }
  }

  /** @param {{email?: string, username?: string, password: string}} form */
  signIn(form) {
    return this.begin("/api/auth/login", form);
  }

  /** @param {{username: string, email: string, password: string, full_name: string}} form */
  register(form) {
    return this.begin("/api/auth/register", form);
  }

  /**
   * Makes the first admin.
   *
   * @param {{token: string, username: string, email: string, password: string, full_name: string}} form
   */
  setup(form) {
    return this.begin("/api/setup", form);
  }

  /**
   * Signs in by any request whose answer is that of a login. The refresh token becomes a cookie.
   *
   * @param {string} path
   * @param {any} form
   * @returns {Promise<Outcome>}
   */
  async begin(path, form) {
    const answer = await this.#api.plain("POST", path, { ...form, cookie: true });
    const codes = answer.recovery_codes ?? [];
    if (answer.second_factor) return { user: null, second: answer.second_factor, codes };
    this.#accept(answer);
    this.#channel.post({ kind: "signed-in", userId: this.#user?.id });
    return { user: this.#user, second: null, codes };
  }

  /** Whether there is no admin yet. */
  async setupOpen() {
    return (await this.#api.plain("GET", "/api/setup")).open === true;
  }

  /**
   * Ends the login, or with `everywhere` all of the user's. Fails without a network: the cookie
   * would sign in again.
   *
   * @param {{everywhere?: boolean}} [options]
   */
  async signOut({ everywhere = false } = {}) {
    try {
      await this.#api.post(`/api/auth/logout${everywhere ? "?everywhere=true" : ""}`);
    } catch (problem) {
      if (!(problem instanceof ApiProblem) || problem.status !== 401) throw problem;
    }
    this.#leave(null);
    this.#channel.post({ kind: "signed-out" });
  }

  /**
   * Changes one's own profile.
   *
   * @param {Record<string, any>} changes as for `PATCH /api/users/{id}`
   */
  async update(changes) {
    const user = await this.#api.patch(`/api/users/${this.#user?.id}`, changes);
    this.#enter(user, null);
    return user;
  }

  /** Reads one's own profile again, after something else than `update` changed it. */
  async reload() {
    this.#enter(await this.#api.get("/api/users/me"), null);
  }

  /**
   * The server has closed the account, or says that the login is over.
   *
   * @param {string} reason
   */
  ended(reason) {
    if (this.#state !== "out") this.#leave(reason);
  }

  /**
   * Another tab did something.
   *
   * @param {any} note
   */
  async heard(note) {
    if (note.kind === "signed-out" && this.#state === "in") this.#leave(null);
    if (note.kind !== "signed-in" || note.userId === this.#user?.id) return;
    if (this.#state === "in") this.#leave(null);
    await this.restore();
  }

  /** A token that is valid for a while. */
  async token() {
    const left = this.#expiresAt - this.#platform.now();
    return this.#token && left > MARGIN_MS ? this.#token : this.renew(this.#token);
  }

  /**
   * A token other than the one that was used.
   *
   * @param {string} used
   * @returns {Promise<string>}
   */
  renew(used) {
    if (this.#token && this.#token !== used) return Promise.resolve(this.#token);
    this.#renewing ??= this.#platform
      .locked("refresh", () => this.#refresh())
      .finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  async #refresh() {
    try {
      this.#accept(await this.#api.plain("POST", "/api/auth/refresh", {}));
    } catch (problem) {
      const status = problem instanceof ApiProblem ? problem.status : 0;
      if (status === 401 || status === 403) this.#leave(this.#state === "in" ? "ended" : null);
      throw problem;
    }
    return this.#token;
  }

  /** @param {{user: User, token: string, expires_in: number}} answer */
  #accept(answer) {
    this.#token = answer.token;
    this.#expiresAt = this.#platform.now() + answer.expires_in * 1000;
    // Another tab has signed somebody else in: nothing of the one before may stay.
    if (this.#user && this.#user.id !== answer.user.id) this.#enter(null, null);
    this.#enter(answer.user, null);
  }

  /** @param {string | null} reason */
  #leave(reason) {
    this.#token = "";
    this.#expiresAt = 0;
    this.#enter(null, reason);
  }

  /**
   * @param {User | null} user
   * @param {string | null} reason
   */
  #enter(user, reason) {
    const state = user ? "in" : "out";
    const same = state === this.#state && JSON.stringify(user) === JSON.stringify(this.#user);
    this.#state = state;
    this.#user = user;
    this.#reason = reason;
    if (same) return;
    this.emit("changed");
    this.#platform
      .keep()
      .then((keep) => (user ? keep.put("page", "user", user) : keep.remove("page", "user")))
      .catch(() => {});
  }
}
