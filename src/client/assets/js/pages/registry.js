// @ts-check
/**
 * @typedef {import("../state/router.js").Route} Route
 *
 * What a page is given.
 *
 * @typedef {object} Context
 * @property {import("../state/chat.js").Chat} chat
 * @property {import("../navigation.js").Navigation} navigation
 *
 * @typedef {object} Entry
 * @property {() => Promise<{default: new (context: Context) => import("./page.js").Page}>} load
 * @property {"out" | "in" | "any" | {may: string}} who "out": somebody who is not signed in; `may`:
 *   who has this permission
 */

/**
 * Every page by the name of its route, loaded when it is first shown. A page that is not here is
 * not found.
 *
 * @type {Partial<Record<Route["name"], Entry>>}
 */
export const PAGES = {
  signIn: { load: () => import("./sign-in.js"), who: "out" },
  complete: { load: () => import("./complete.js"), who: "out" },
  forgot: { load: () => import("./forgot.js"), who: "any" },
  reset: { load: () => import("./reset.js"), who: "any" },
  verify: { load: () => import("./verify.js"), who: "any" },
  register: { load: () => import("./register.js"), who: "out" },
  setup: { load: () => import("./setup.js"), who: "out" },
  room: { load: () => import("./room.js"), who: "in" },
  home: { load: () => import("./home.js"), who: "in" },
  profile: { load: () => import("./profile.js"), who: "in" },
  people: { load: () => import("./people.js"), who: { may: "users.write" } },
  audit: { load: () => import("./audit.js"), who: { may: "audit.read" } },
  jobs: { load: () => import("./jobs.js"), who: { may: "jobs.manage" } },
  roles: { load: () => import("./roles.js"), who: { may: "roles.manage" } },
  serviceTokens: { load: () => import("./service-tokens.js"), who: { may: "tokens.manage" } },
  statistics: { load: () => import("./statistics.js"), who: { may: "statistics.read" } },
};
