// @ts-check
/**
 * @typedef {import("../state/router.js").Route} Route
 * @typedef {import("../state/types.js").Role} Role
 *
 * What a page is given.
 *
 * @typedef {object} Context
 * @property {import("../state/chat.js").Chat} chat
 * @property {import("../navigation.js").Navigation} navigation
 *
 * @typedef {object} Entry
 * @property {() => Promise<{default: new (context: Context) => import("./page.js").Page}>} load
 * @property {"out" | "any" | Role[]} who "out": somebody who is not signed in
 */

/** @type {Role[]} */
const EVERYONE = ["client", "trainer", "admin"];

/**
 * Every page by the name of its route, loaded when it is first shown. A page that is not here is
 * not found.
 *
 * @type {Partial<Record<Route["name"], Entry>>}
 */
export const PAGES = {
  signIn: { load: () => import("./sign-in.js"), who: "out" },
  register: { load: () => import("./register.js"), who: "out" },
  setup: { load: () => import("./setup.js"), who: "out" },
  room: { load: () => import("./room.js"), who: EVERYONE },
  home: { load: () => import("./home.js"), who: EVERYONE },
  profile: { load: () => import("./profile.js"), who: EVERYONE },
  people: { load: () => import("./people.js"), who: ["admin"] },
  audit: { load: () => import("./audit.js"), who: ["admin"] },
  statistics: { load: () => import("./statistics.js"), who: ["trainer", "admin"] },
};
