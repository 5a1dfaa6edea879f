/**
 * A browser for tests: its clock stands still until a test moves it, its network is a function, and
 * its tabs share what tabs share.
 */
import { tabLock } from "../../../src/client/assets/js/state/platform.js";
import { memoryKeep } from "../../../src/client/assets/js/state/keep.js";

/** Lets every promise that can settle do so. */
export async function settle() {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** 2026-01-01T00:00:00Z */
const START = Date.UTC(2026, 0, 1);

export class FakeBrowser {
  now = START;
  online = true;
  /** @type {{at: number, work: () => void}[]} */
  timers = [];
  /** @type {FakeSocket[]} */
  sockets = [];
  /** @type {{method: string, path: string, body: any, headers: any}[]} */
  requests = [];
  /** What answers a request; a throw is a network that is not there. @type {(request: any) => any} */
  answers = () => ({ status: 404, body: { code: "not_found" } });
  keep = memoryKeep();
  lock = queueLock();
  /** @type {Set<{listeners: ((note: any) => void)[]}>} */
  channels = new Set();
  random = 0.5;
  /** @type {Set<() => void>} */
  networkListeners = new Set();
  /** @type {Set<() => void>} */
  wakeListeners = new Set();

  /** @returns {import("../../../src/client/assets/js/state/platform.js").Platform} */
  platform() {
    const browser = this;
    let seed = 1;
    return {
      origin: "https://parlor.test",
      fetch: (url, init = {}) => browser.#fetch(url, init),
      WebSocket: /** @type {any} */ (
        class extends FakeSocket {
          /** @param {string} url @param {string[]} protocols */
          constructor(url, protocols) {
            super(url, protocols);
            browser.sockets.push(this);
          }
        }
      ),
      now: () => this.now,
      random: () => this.random,
      randomBytes: (bytes) => bytes.map(() => (seed = (seed * 48271) % 2147483647) & 255),
      after: (work, ms) => {
        const timer = { at: this.now + ms, work };
        this.timers.push(timer);
        return timer;
      },
      cancel: (timer) => void (this.timers = this.timers.filter((other) => other !== timer)),
      online: () => this.online,
      onNetwork: (listener) => listening(this.networkListeners, listener),
      onWake: (listener) => listening(this.wakeListeners, listener),
      locked: this.lock,
      channel: () => this.#channel(),
      keep: async () => this.keep,
    };
  }

  /** The socket that was opened last. */
  get socket() {
    const last = this.sockets.at(-1);
    if (!last) throw new Error("no socket was opened");
    return last;
  }

  /**
   * Moves the clock, and does on the way what is due.
   *
   * @param {number} ms
   */
  async pass(ms) {
    const end = this.now + ms;
    await settle();
    for (;;) {
      const due = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.timers = this.timers.filter((other) => other !== due);
      this.now = Math.max(this.now, due.at);
      due.work();
      await settle();
    }
    this.now = end;
  }

  /** @param {boolean} online */
  async network(online) {
    this.online = online;
    for (const listener of [...this.networkListeners]) listener();
    await settle();
  }

  async wake() {
    for (const listener of [...this.wakeListeners]) listener();
    await settle();
  }

  /**
   * @param {string} url
   * @param {RequestInit} init
   */
  async #fetch(url, init) {
    const path = url.replace("https://parlor.test", "");
    const body = init.body ? JSON.parse(String(init.body)) : undefined;
    const request = { method: init.method ?? "GET", path, body, headers: init.headers };
    this.requests.push(request);
    const { status = 200, body: answer, headers = {} } = await this.answers(request);
    const text = status === 204 ? null : JSON.stringify(answer);
    return new Response(text, { status, headers });
  }

  #channel() {
    /** @type {{listeners: ((note: any) => void)[]}} */
    const own = { listeners: [] };
    this.channels.add(own);
    return {
      post: (/** @type {any} */ note) => {
        const copy = structuredClone(note);
        for (const other of this.channels) {
          if (other !== own) for (const listener of other.listeners) queueMicrotask(() => listener(copy));
        }
      },
      listen: (/** @type {(note: any) => void} */ listener) => void own.listeners.push(listener),
      close: () => void this.channels.delete(own),
    };
  }
}

export class FakeSocket {
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onclose = null;
  protocol = "parlor.v1";
  /** @type {any[]} */
  frames = [];
  /** The code that the page closed it with. @type {number | undefined | null} */
  closedWith = null;

  /**
   * @param {string} url
   * @param {string[]} protocols
   */
  constructor(url, protocols) {
    this.url = url;
    this.protocols = protocols;
  }

  /** @param {string} text */
  send(text) {
    this.frames.push(JSON.parse(text));
  }

  /** @param {number} [code] */
  close(code) {
    this.closedWith ??= code;
  }

  /** The server says something. @param {any} frame */
  async say(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
    await settle();
  }

  /** The server lets it in. @param {any} [more] */
  authenticate(more = {}) {
    return this.say({
      type: "authenticated",
      user_id: "u1",
      session_id: "s1",
      protocol: 1,
      heartbeat_seconds: 30,
      limits: { rooms: 100 },
      ...more,
    });
  }

  /** The connection ends. @param {number} code @param {any} [reason] */
  async end(code, reason) {
    this.onclose?.({ code, reason: reason ? JSON.stringify(reason) : "" });
    await settle();
  }

  /** The last frame of a type. @param {string} type */
  last(type) {
    return this.frames.findLast((frame) => frame.type === type);
  }
}

/** @param {string} id @param {any} [more] */
export function user(id, more = {}) {
  return {
    id,
    username: id,
    full_name: `Name of ${id}`,
    email: `${id}@example.com`,
    role: "client",
    active: true,
    ...more,
  };
}

/** @param {number} seq @param {any} [more] */
export function message(seq, more = {}) {
  return {
    id: `m${seq}`,
    room_id: "general",
    seq,
    rev: seq,
    sender_id: "u2",
    sender_name: "Name of u2",
    user: { id: "u2", username: "u2", full_name: "Name of u2" },
    content: `message ${seq}`,
    created_at: new Date(START + seq * 1000).toISOString(),
    ...more,
  };
}

/** @param {number} from @param {number} to */
export function messages(from, to) {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => message(from + at));
}

/** The answers of a room's history with `head` messages. @param {() => number} head */
export function history(head) {
  return (/** @type {string} */ path) => {
    const query = new URLSearchParams(path.split("?")[1]);
    const limit = Number(query.get("limit") ?? 50);
    const after = query.get("after");
    const before = Number(query.get("before") ?? head() + 1);
    const from = after === null ? Math.max(1, before - limit) : Number(after) + 1;
    const to = after === null ? Math.min(head(), before - 1) : Math.min(head(), from + limit - 1);
    return { data: messages(from, to), has_more: from > 1, head: head() };
  };
}

/** @template T @param {Set<T>} set @param {T} listener */
function listening(set, listener) {
  set.add(listener);
  return () => void set.delete(listener);
}

/** As the browser's Web Locks: one at a time among all tabs. */
function queueLock() {
  const own = Object.getOwnPropertyDescriptor(globalThis.navigator ?? {}, "locks");
  if (own) throw new Error("this runtime has locks of its own; the test would not see the queue");
  return tabLock();
}
