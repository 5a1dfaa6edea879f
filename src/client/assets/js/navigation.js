// @ts-check
import { Emitter } from "./state/emitter.js";
import { parse, pathOf } from "./state/router.js";

/** @typedef {import("./state/router.js").Route} Route */

/** Which page is shown, in step with the address bar. Fires "changed". */
export class Navigation extends Emitter {
  #route = parse(location.pathname);

  /** Where somebody wanted to go before signing in. @type {Route | null} */
  wanted = null;
  /** What is to be said on the page that one comes to next. */
  #told = "";

  constructor() {
    super();
    addEventListener("popstate", () => this.#read());
    document.addEventListener("click", (event) => this.#clicked(event));
  }

  get route() {
    return this.#route;
  }

  /**
   * Shows another page.
   *
   * @param {Route} route
   * @param {{replace?: boolean, told?: string}} [options] `replace`: the page that is left is none
   *   to come back to; `told` is for the page that comes to say
   */
  go(route, { replace = false, told = "" } = {}) {
    this.#told = told || this.#told;
    const path = pathOf(route);
    if (path !== location.pathname) {
      if (replace) history.replaceState(null, "", path);
      else history.pushState(null, "", path);
    }
    this.#read();
  }

  /** What is to be said here, once. */
  takeTold() {
    const told = this.#told;
    this.#told = "";
    return told;
  }

  #read() {
    this.#route = parse(location.pathname);
    this.emit("changed");
  }

  /**
   * Follows a link within the page, unless it is to be opened elsewhere.
   *
   * @param {MouseEvent} event
   */
  #clicked(event) {
    const other = event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (other || event.defaultPrevented || !(event.target instanceof Element)) return;
    const link = event.target.closest("a[href]");
    if (!(link instanceof HTMLAnchorElement) || link.target || link.origin !== location.origin) return;
    const route = parse(link.pathname);
    if (route.name === "unknown") return;
    event.preventDefault();
    this.go(route);
  }
}
