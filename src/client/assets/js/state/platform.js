// @ts-check
/**
 * What the state needs of a browser, so that tests can be one.
 *
 * @typedef {object} Platform
 * @property {string} origin such as `https://localhost:8080`
 * @property {(url: string, init?: RequestInit) => Promise<Response>} fetch
 * @property {new (url: string, protocols: string[]) => SocketLike} WebSocket
 * @property {() => number} now ms since 1970
 * @property {() => number} random from 0 to 1
 * @property {(bytes: Uint8Array) => Uint8Array} randomBytes
 * @property {(work: () => void, ms: number) => any} after
 * @property {(timer: any) => void} cancel
 * @property {() => boolean} online
 * @property {(listener: () => void) => () => void} onNetwork called when the browser goes on- or offline; returns its end
 * @property {(listener: () => void) => () => void} onWake called when the page is looked at again
 * @property {<T>(name: string, work: () => Promise<T>) => Promise<T>} locked one tab at a time
 * @property {() => Channel} channel to the other tabs
 * @property {() => Promise<import("./keep.js").Keep>} keep
 *
 * @typedef {object} SocketLike
 * @property {string} protocol
 * @property {((event: any) => void) | null} onopen
 * @property {((event: any) => void) | null} onmessage
 * @property {((event: any) => void) | null} onclose
 * @property {(text: string) => void} send
 * @property {(code?: number, reason?: string) => void} close
 *
 * @typedef {object} Channel
 * @property {(note: any) => void} post
 * @property {(listener: (note: any) => void) => void} listen
 * @property {() => void} close
 */
import { openKeep } from "./keep.js";

/**
 * The browser that this page is in.
 *
 * @returns {Platform}
 */
export function browserPlatform() {
  /** @type {Promise<import("./keep.js").Keep> | null} */
  let keep = null;
  return {
    origin: location.origin,
    fetch: (url, init) => fetch(url, init),
    WebSocket: /** @type {any} */ (WebSocket),
    now: () => Date.now(),
    random: () => Math.random(),
    randomBytes: (bytes) => crypto.getRandomValues(bytes),
    after: (work, ms) => setTimeout(work, ms),
    cancel: (timer) => clearTimeout(timer),
    online: () => navigator.onLine,
    onNetwork: (listener) => listening(globalThis, ["online", "offline"], listener),
    onWake: (listener) => {
      const looked = () => document.visibilityState === "visible" && listener();
      const ends = [
        listening(document, ["visibilitychange"], looked),
        listening(globalThis, ["pageshow"], looked),
      ];
      return () => ends.forEach((end) => end());
    },
    locked: tabLock(),
    channel: () => tabChannel("parlor"),
    keep: () => (keep ??= openKeep(globalThis.indexedDB, "parlor")),
  };
}

/**
 * @param {EventTarget} target
 * @param {string[]} types
 * @param {() => void} listener
 */
function listening(target, types, listener) {
  for (const type of types) target.addEventListener(type, listener);
  return () => {
    for (const type of types) target.removeEventListener(type, listener);
  };
}

/** One after the other among all tabs; in this tab alone where a browser has no Web Locks. */
export function tabLock() {
  /** @type {Map<string, Promise<any>>} */
  const queues = new Map();
  /**
   * @template T
   * @param {string} name
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  const locked = (name, work) => {
    const locks = globalThis.navigator?.locks;
    if (locks) return /** @type {Promise<any>} */ (locks.request(`parlor-${name}`, work));
    const before = queues.get(name) ?? Promise.resolve();
    const done = before.then(work, work);
    queues.set(name, done.catch(() => {}));
    return done;
  };
  return locked;
}

/**
 * @param {string} name
 * @returns {Channel}
 */
function tabChannel(name) {
  if (!globalThis.BroadcastChannel) return { post() {}, listen() {}, close() {} };
  const channel = new BroadcastChannel(name);
  return {
    post: (note) => channel.postMessage(note),
    listen: (listener) => channel.addEventListener("message", (event) => listener(event.data)),
    close: () => channel.close(),
  };
}
