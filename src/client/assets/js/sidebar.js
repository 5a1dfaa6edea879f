// @ts-check
import { confirmed } from "./dialog.js";
import { brand } from "./brand.js";
import { avatar } from "./avatar.js";
import { View, attribute, fill, h } from "./element.js";
import { icon } from "./icons.js";
import { RoomsList } from "./rooms-list.js";
import { showSettings } from "./settings.js";
import { may } from "./state/rights.js";
import { problemText, t } from "./text/text.js";
import { toast } from "./toast.js";

/** What may be looked after besides users, and where. */
const ADMINISTRATION = [
  ["roles.manage", "/roles"],
  ["tokens.manage", "/service-tokens"],
  ["audit.read", "/audit"],
  ["jobs.manage", "/jobs"],
];

/** The rooms, the other pages that one may see, and oneself. Fires "close" when it is to go away. */
export class Sidebar extends View {
  /** @param {import("./pages/registry.js").Context} context */
  constructor(context) {
    super();
    this.context = context;
    this.rooms = new RoomsList(context);
    this.foot = h("div", { class: "foot" });
  }

  appear() {
    this.className = "side";
    this.setAttribute("role", "complementary");
    this.setAttribute("aria-label", t().shell.side);
    const label = t().shell.closeRooms;
    const close = () => this.dispatchEvent(new Event("close"));
    const closer = h("button", { class: "button icon-only closer", type: "button", "aria-label": label, title: label, onclick: close }, icon("close"));
    fill(
      this,
      h("div", { class: "top" }, brand(), closer),
      h("div", { class: "scroll" }, this.rooms),
      this.foot,
    );
    this.watch(this.context.chat.login, "changed", () => this.drawFoot());
    this.watch(this.context.navigation, "changed", () => this.mark());
    this.drawFoot();
  }

  drawFoot() {
    const user = this.context.chat.login.user;
    if (!user) return;
    const button = (/** @type {any} */ name, /** @type {string} */ label, /** @type {any} */ onclick) =>
      h("button", { class: "button icon-only", type: "button", "aria-label": label, title: label, onclick }, icon(name));
    const { people, administration, statistics } = t().shell;
    // Where more than users is looked after, the page has links to the rest.
    const other = ADMINISTRATION.find(([permission]) => may(user, permission));
    const links = [
      may(user, "users.write") ? entry("/people", "people", people) : other && entry(other[1], "shield", administration),
      may(user, "statistics.read") && entry("/statistics", "chart", statistics),
    ].filter(Boolean);
    const profile = h(
      "a",
      { class: "entry", href: "/profile" },
      avatar(user),
      h("span", { class: "name" }, user.full_name, h("span", { class: "unseen" }, ` (${t().shell.profile})`)),
    );
    fill(
      this.foot,
      links.length > 0 && h("nav", { "aria-label": t().shell.navigation }, links),
      profile,
      button("gear", t().shell.settings, showSettings),
      button("leave", t().shell.signOut, () => this.signOut()),
    );
    this.mark();
  }

  /** Tells which link leads to where one is. */
  mark() {
    for (const link of this.foot.querySelectorAll("a.entry")) {
      const here = link.getAttribute("href") === location.pathname;
      attribute(link, "aria-current", here ? "page" : null);
    }
  }

  async signOut() {
    const { login, outbox } = this.context.chat;
    const { signOutUnsent: title, signOutUnsentText, signOut: action } = t().shell;
    const { count } = outbox;
    if (count > 0 && !(await confirmed({ title, text: signOutUnsentText(count), action, bad: true }))) return;
    try {
      await login.signOut();
    } catch (problem) {
      toast(/** @type {any} */ (problem).status === 0 ? t().shell.signOutFailed : problemText(problem));
    }
  }
}
customElements.define("parlor-sidebar", Sidebar);

/**
 * @param {string} href
 * @param {import("./icons.js").IconName} picture
 * @param {string} name
 */
function entry(href, picture, name) {
  return h("a", { class: "entry", href }, icon(picture), h("span", { class: "name" }, name));
}
