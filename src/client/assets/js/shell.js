// @ts-check
import { brand } from "./brand.js";
import { ConnectionView } from "./connection-view.js";
import { View, attribute, fill, h } from "./element.js";
import { icon } from "./icons.js";
import { NoPage } from "./pages/page.js";
import { PAGES } from "./pages/registry.js";
import { languageSelect } from "./settings.js";
import { Sidebar } from "./sidebar.js";
import { may } from "./state/rights.js";
import { t } from "./text/text.js";

/** @typedef {import("./state/router.js").Route} Route */

/** Where a phone begins and the rooms become a drawer; as in shell.css. */
const NARROW = matchMedia("(max-width: 50rem)");

/** What stands around every page, and which page stands in it. */
export class Shell extends View {
  /** @param {import("./pages/registry.js").Context} context */
  constructor(context) {
    super();
    this.context = context;
    /** @type {import("./pages/page.js").Page | null} */
    this.page = null;
    /** What the page is for: the same page stays while this does. */
    this.shown = "";
    this.main = h("main", { id: "main", tabindex: "-1" });
    this.heading = h("h1", { tabindex: "-1" });
    this.topic = h("p", { class: "topic", hidden: true });
    this.tools = h("div", { class: "actions tools" });
    this.frame = h("div", {});
    this.menu = h(
      "button",
      {
        class: "button icon-only menu",
        type: "button",
        "aria-label": t().shell.openRooms,
        onclick: () => this.openDrawer(true),
      },
      icon("menu"),
    );
    /** @type {boolean | null} */
    this.inside = null;
  }

  appear() {
    const { chat, navigation } = this.context;
    this.watch(navigation, "changed", () => this.show(true));
    this.watch(chat.login, "changed", () => this.show());
    this.watch(chat.rooms, "changed", () => this.label());
    this.watch(this, "renamed", () => this.name());
    this.watch(NARROW, "change", () => this.openDrawer(false));
    this.watch(this, "keydown", (event) => event.key === "Escape" && this.openDrawer(false));
    this.show();
  }

  /**
   * Shows the page of the address.
   *
   * @param {boolean} [moved] somebody went there: what reads aloud must follow
   */
  async show(moved = false) {
    const route = this.allowed(this.context.navigation.route);
    if (!route) return;
    this.openDrawer(false);
    const user = this.context.chat.login.user;
    const key = [route.name, route.name === "room" && route.room, user?.id, user?.permissions].join(" ");
    if (key === this.shown) return this.page?.moved(route);
    this.shown = key;
    const page = await this.make(route);
    if (this.shown !== key || !this.isConnected) return;
    this.surround(user !== null);
    this.page?.remove();
    this.page = page;
    this.main.append(page);
    this.name();
    fill(this.tools, ...page.tools);
    if (moved && !this.contains(document.activeElement)) this.heading.focus();
  }

  /**
   * Where an address leads: who is out is asked in first, who is in has no use for that.
   *
   * @param {Route} route
   * @returns {Route | null} `null` if the address is changed, which calls again
   */
  allowed(route) {
    const { chat, navigation } = this.context;
    const signedIn = chat.login.state === "in";
    const who = PAGES[route.name]?.who;
    if (signedIn && who === "out") {
      const next = navigation.wanted ?? { name: "home" };
      navigation.wanted = null;
      navigation.go(/** @type {Route} */ (next), { replace: true });
      return null;
    }
    if (signedIn || who === "out" || who === "any") return route;
    navigation.wanted = route.name === "unknown" ? null : route;
    navigation.go({ name: "signIn" }, { replace: true });
    return null;
  }

  /** @param {Route} route */
  async make(route) {
    const entry = PAGES[route.name];
    const user = this.context.chat.login.user;
    if (!entry) return new NoPage(this.context, "notFound");
    if (typeof entry.who === "object" && user && !may(user, entry.who.may)) {
      return new NoPage(this.context, "notAllowed");
    }
    try {
      const { default: Made } = await entry.load();
      return new Made(this.context);
    } catch {
      return new NoPage(this.context, "failed");
    }
  }

  /** The page's name, in its heading and for the tab. */
  name() {
    const { heading = "", topic = "" } = this.page ?? {};
    this.heading.textContent = heading;
    this.topic.textContent = topic;
    this.topic.hidden = !topic;
    this.label();
  }

  /** What the tab says: how much is unread, wherever one looks. */
  label() {
    const { rooms, login } = this.context.chat;
    const unread = login.state === "in" ? rooms.totalUnread : 0;
    const name = [this.page?.heading, "Parlor"].filter(Boolean).join(" · ");
    const title = unread > 0 ? `(${unread}) ${name}` : name;
    if (document.title === title) return;
    document.title = title;
    const badge = unread > 0 ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.();
    badge?.catch(() => {});
  }

  /**
   * Builds what stands around the page, when it is not what is there.
   *
   * @param {boolean} inside
   */
  surround(inside) {
    if (this.inside === inside) return;
    this.inside = inside;
    this.main.replaceChildren();
    const skip = h("a", { class: "skip", href: "#main", onclick: this.skip }, t().common.skip);
    if (!inside) {
      this.main.append(brand(), this.heading);
      this.frame = h("div", { class: "front" }, this.main, h("footer", {}, languageSelect()));
      fill(this, this.frame);
      return;
    }
    const title = h("div", { class: "title" }, this.heading, this.topic);
    const line = new ConnectionView(this.context.chat);
    this.main.append(h("header", { class: "bar" }, this.menu, title, line, this.tools));
    const veil = h("div", { class: "veil", onclick: () => this.openDrawer(false) });
    const sidebar = new Sidebar(this.context);
    sidebar.addEventListener("close", () => this.openDrawer(false));
    this.frame = h("div", { class: "frame" }, sidebar, veil, this.main);
    fill(this, skip, this.frame);
    this.openDrawer(false);
  }

  /** @param {Event} event */
  skip(event) {
    event.preventDefault();
    document.getElementById("main")?.focus();
  }

  /**
   * Opens or closes the drawer that a phone has the rooms in.
   *
   * @param {boolean} open
   */
  openDrawer(open) {
    const was = this.frame.dataset.drawer === "open";
    this.frame.dataset.drawer = open ? "open" : "closed";
    const side = this.querySelector(".side");
    if (!side) return;
    attribute(side, "inert", NARROW.matches && !open);
    attribute(this.main, "inert", open);
    attribute(this.menu, "aria-expanded", String(open));
    if (open) /** @type {HTMLElement | null} */ (side.querySelector("a, button"))?.focus();
    else if (was && NARROW.matches) this.menu.focus();
  }
}
customElements.define("parlor-shell", Shell);
