// @ts-check
/**
 * Which page an address means.
 *
 * @typedef {{name: "home" | "signIn" | "register" | "setup" | "people" | "statistics" | "profile" | "unknown"}
 *   | {name: "room", room: string, seq?: number}} Route
 */

/** @type {[string, Exclude<Route["name"], "room" | "unknown">][]} */
const PAGES = [
  ["/", "home"],
  ["/sign-in", "signIn"],
  ["/register", "register"],
  ["/setup", "setup"],
  ["/people", "people"],
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
 * The one-time token of the first start, which stands in the fragment so that no server sees it.
 *
 * @param {string} hash such as `#token=abc`
 * @returns {string | null}
 */
export function setupToken(hash) {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token");
}
