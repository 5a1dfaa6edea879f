// @ts-check
/**
 * Which page an address means.
 *
 * @typedef {{name: "home" | "signIn" | "complete" | "forgot" | "reset" | "verify" | "register" | "setup" | "people" | "audit" | "jobs" | "roles" | "serviceTokens" | "statistics" | "profile" | "unknown"}
 *   | {name: "room", room: string, seq?: number}} Route
 */

/** @type {[string, Exclude<Route["name"], "room" | "unknown">][]} */
const PAGES = [
  ["/", "home"],
  ["/sign-in", "signIn"],
  ["/sign-in/complete", "complete"],
  ["/forgot", "forgot"],
  ["/reset", "reset"],
  ["/verify", "verify"],
  ["/register", "register"],
  ["/setup", "setup"],
  ["/people", "people"],
  ["/audit", "audit"],
  ["/jobs", "jobs"],
  ["/roles", "roles"],
  ["/service-tokens", "serviceTokens"],
  ["/statistics", "statistics"],
  ["/profile", "profile"],
];

/** What a room's id is made of, as the server has it. */
const ROOM = /^\/rooms\/([a-z0-9-]{1,64})(?:\/([1-9][0-9]{0,15}))?$/;

/**
 * @param {string} path without query and fragment
 * @returns {Route}
 */
export function parse(path) {
  const plain = path.length > 1 ? path.replace(/\/+$/, "") || "/" : path;
  const page = PAGES.find(([known]) => known === plain);
  if (page) return { name: page[1] };
  if (plain === "/rooms") return { name: "home" };
  const found = ROOM.exec(plain);
  if (!found) return { name: "unknown" };
  const [, room, seq] = found;
  return seq ? { name: "room", room, seq: Number(seq) } : { name: "room", room };
}

/**
 * The address of a page; of an unknown one, that of the first.
 *
 * @param {Route} route
 * @returns {string}
 */
export function pathOf(route) {
  if (route.name === "room") return `/rooms/${route.room}${route.seq ? `/${route.seq}` : ""}`;
  return PAGES.find(([, name]) => name === route.name)?.[0] ?? "/";
}

/**
 * What stands in the fragment of an address, such as one-time tokens: no server sees it there.
 *
 * @param {string} hash such as `#token=abc`
 * @returns {Record<string, string>}
 */
export function fragment(hash) {
  return Object.fromEntries(new URLSearchParams(hash.replace(/^#/, "")));
}

/**
 * The code of what a provider's sign-in came to, for words that mean more elsewhere than here.
 *
 * @param {string} word as `#error=` has it
 */
export function oauthCode(word) {
  const own = ["denied", "expired", "failed", "inactive"];
  return own.includes(word) ? `oauth_${word}` : word;
}
