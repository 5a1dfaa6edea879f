// @ts-check
import { ApiProblem } from "./api.js";
import { comeback } from "./comeback.js";
import { Emitter } from "./emitter.js";

/**
 * @typedef {import("./platform.js").Platform} Platform
 * @typedef {{kind: "idle"} | {kind: "connecting"} | {kind: "live"} | {kind: "offline"}
 *   | {kind: "waiting", until: number} | {kind: "ended", code: string}} ConnectionState
 */

/** How long a connection may take to be made. */
const OPEN_MS = 15_000;
/** How long an answer may take: the server answers every frame, so its absence is a lost line. */
const ANSWER_MS = 20_000;
/** How long before its end a token is renewed on the open socket. */
const RENEW_BEFORE_MS = 120_000;
/** The longest time that a timer can be set to. */
const LONGEST_MS = 2 ** 31 - 1;

/** What the server says of a frame, or that the line was lost before it said anything. */
export class SocketProblem extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number} [retryAfterMs]
   */
  constructor(code, message, retryAfterMs) {
    super(message);
    this.name = "SocketProblem";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * One WebSocket that comes back.
 *
 * Fires "changed" with each new state, "live" with the `authenticated` frame, "lost" when it is over,
 * and "frame" with each frame that is no answer to a request.
 */
export class ChatSocket extends Emitter {
  /** @type {Platform} */
  #platform;
  /** @type {import("./login.js").Login} */
  #login;
  /** @type {ConnectionState} */
  #state = { kind: "idle" };
  /** @type {import("./platform.js").SocketLike | null} */
  #socket = null;
  /** Counts connections, so that what an earlier one brings late is not heeded. */
  #generation = 0;
  #failures = 0;
  #token = "";
  #lastRef = 0;
  #heardAt = 0;
  #heartbeatMs = 30_000;
  /** @type {Map<number, {resolve: (frame: any) => void, reject: (problem: SocketProblem) => void, timer: any}>} */
  #waiting = new Map();
  /** @type {Record<string, any>} */
  #timers = {};
  /** @type {(() => void)[]} */
  #ends = [];

  /**
   * @param {Platform} platform
   * @param {import("./login.js").Login} login
   */
  constructor(platform, login) {
    super();
    this.#platform = platform;
    this.#login = login;
  }

  get state() {
    return this.#state;
  }

  /** Connects, and stays connected until [`stop`]. */
  start() {
    if (this.#ends.length > 0) return;
    this.#ends = [
      this.#platform.onNetwork(() => this.#networkChanged()),
      this.#platform.onWake(() => this.#woken()),
    ];
    this.#failures = 0;
    this.#connect();
  }

  stop() {
    for (const end of this.#ends.splice(0)) end();
    this.#hangUp();
    this.#become({ kind: "idle" });
  }

  /** Tries now, whatever there is to wait for. */
  retry() {
    if (this.#ends.length === 0 || this.#socket) return;
    this.#failures = 0;
    this.#connect();
  }

  /**
   * Sends a frame whose answer nobody waits for; it is lost when there is no line.
   *
   * @param {any} frame
   */
  send(frame) {
    if (this.#state.kind === "live") this.#socket?.send(JSON.stringify(frame));
  }

  /**
   * Sends a frame and brings its direct answer.
   *
   * @param {any} frame
   * @returns {Promise<any>} rejects with a [`SocketProblem`]; `connection_lost` leaves open what happened
   */
  request(frame) {
    if (this.#state.kind !== "live") return Promise.reject(lost());
    const ref = ++this.#lastRef;
    return new Promise((resolve, reject) => {
      const timer = this.#platform.after(() => this.#drop(), ANSWER_MS);
      this.#waiting.set(ref, { resolve, reject, timer });
      this.#socket?.send(JSON.stringify({ ...frame, ref }));
    });
  }

  async #connect() {
    this.#hangUp();
    const generation = this.#generation;
    if (!this.#platform.online()) return this.#become({ kind: "offline" });
    this.#become({ kind: "connecting" });
    try {
      // Refused twice: perhaps it is the token, which a browser does not tell.
      const token =
        this.#failures > 1 ? await this.#login.renew(this.#token) : await this.#login.token();
      if (generation === this.#generation) this.#open(token, generation);
    } catch (problem) {
      if (generation !== this.#generation) return;
      const signedOut = problem instanceof ApiProblem && [401, 403].includes(problem.status);
      if (signedOut) this.stop();
      else this.#wait(comeback({ code: 0, reason: "", failures: ++this.#failures }));
    }
  }

  /**
   * @param {string} token
   * @param {number} generation
   */
  #open(token, generation) {
    const url = this.#platform.origin.replace(/^http/, "ws") + "/api/chat/ws";
    const socket = new this.#platform.WebSocket(url, ["parlor.v1", `bearer.${token}`]);
    this.#token = token;
    this.#socket = socket;
    this.#set("open", () => this.#drop(), OPEN_MS);
    socket.onmessage = (event) => generation === this.#generation && this.#heard(event.data);
    socket.onclose = (event) => generation === this.#generation && this.#closed(event);
  }

  /** @param {string} text */
  #heard(text) {
    this.#heardAt = this.#platform.now();
    const frame = JSON.parse(text);
    const waiting = this.#waiting.get(frame.ref);
    if (waiting) {
      this.#waiting.delete(frame.ref);
      this.#platform.cancel(waiting.timer);
      if (frame.type === "error") {
        waiting.reject(new SocketProblem(frame.code, frame.error, frame.retry_after_ms));
      } else waiting.resolve(frame);
    } else if (frame.type === "authenticated") this.#authenticated(frame);
    else if (frame.type === "reconnect") this.#set("reconnect", () => this.#move(), frame.in_ms);
    else if (frame.type === "error" && frame.code === "token_expiring") this.#renewToken();
    else this.emit("frame", frame);
  }

  /** @param {any} frame */
  #authenticated(frame) {
    this.#unset("open");
    this.#failures = 0;
    this.#heartbeatMs = frame.heartbeat_seconds * 1000;
    this.#become({ kind: "live" });
    this.#set("heartbeat", () => this.#beat(), this.#heartbeatMs);
    this.#planRenewal();
    this.emit("live", frame);
  }

  /** Asks for a sign of life when there was none for long: a line can die without a word. */
  #beat() {
    const quiet = this.#platform.now() - this.#heardAt;
    if (quiet >= this.#heartbeatMs) this.request({ type: "ping" }).catch(() => {});
    this.#set("heartbeat", () => this.#beat(), this.#heartbeatMs);
  }

  #planRenewal() {
    const left = this.#login.expiresAt - this.#platform.now() - RENEW_BEFORE_MS;
    this.#set("renewal", () => this.#renewToken(), Math.min(Math.max(left, 1_000), LONGEST_MS));
  }

  async #renewToken() {
    const generation = this.#generation;
    try {
      const token = await this.#login.renew(this.#token);
      if (generation !== this.#generation) return;
      await this.request({ type: "authorization", token });
      this.#token = token;
      this.#planRenewal();
    } catch {
      // The server says when the old one ends, and closes.
    }
  }

  /** @param {{code: number, reason: string}} event */
  async #closed({ code, reason }) {
    const refused = this.#token;
    const wasLive = this.#state.kind === "live";
    this.#hangUp();
    const next = comeback({ code, reason, failures: wasLive ? 0 : ++this.#failures });
    if (next.kind === "account_closed") return this.#login.ended("account_closed");
    if (next.kind === "ended") return this.#become({ kind: "ended", code: next.code });
    const generation = this.#generation;
    if (next.freshToken) {
      this.#become({ kind: "connecting" });
      await this.#login.renew(refused).catch(() => {});
      if (generation !== this.#generation) return;
      if (this.#login.state === "out") return this.stop();
    }
    this.#wait(next);
  }

  /** @param {import("./comeback.js").Comeback} next */
  #wait(next) {
    if (next.kind !== "again") return;
    if (!this.#platform.online()) return this.#become({ kind: "offline" });
    const [from, to] = next.ms;
    const ms = Math.round(from + this.#platform.random() * (to - from));
    this.#become({ kind: "waiting", until: this.#platform.now() + ms });
    this.#set("retry", () => this.#connect(), ms);
  }

  /** The server will stop: another one, or the same anew, is there at once or soon. */
  #move() {
    this.#socket?.close(1000);
    this.#connect();
  }

  #networkChanged() {
    if (this.#state.kind === "ended") return;
    if (this.#platform.online()) {
      if (!this.#socket) this.retry();
    } else {
      this.#socket?.close(1000);
      this.#hangUp();
      this.#become({ kind: "offline" });
    }
  }

  /** Timers stood still while the page was asleep. */
  #woken() {
    if (this.#state.kind === "live") this.request({ type: "ping" }).catch(() => {});
    else if (this.#state.kind === "waiting") this.retry();
  }

  /** The line is dead, though the browser does not know it yet. */
  #drop() {
    this.#socket?.close();
    this.#closed({ code: 1006, reason: "" });
  }

  /** Forgets the connection; what waits for an answer hears that none will come. */
  #hangUp() {
    this.#generation += 1;
    const had = this.#state.kind === "live";
    const socket = this.#socket;
    this.#socket = null;
    for (const name of Object.keys(this.#timers)) this.#unset(name);
    if (socket) socket.close(1000);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject, timer } of waiting) {
      this.#platform.cancel(timer);
      reject(lost());
    }
    if (!had) return;
    this.#state = { kind: "connecting" };
    this.emit("lost");
  }

  /** @param {ConnectionState} state */
  #become(state) {
    this.#state = state;
    this.emit("changed", state);
  }

  /**
   * @param {string} name
   * @param {() => void} work
   * @param {number} ms
   */
  #set(name, work, ms) {
    this.#unset(name);
    this.#timers[name] = this.#platform.after(work, ms);
  }

  /** @param {string} name */
  #unset(name) {
    this.#platform.cancel(this.#timers[name]);
    delete this.#timers[name];
  }
}

function lost() {
  return new SocketProblem("connection_lost", "The connection was lost");
}
