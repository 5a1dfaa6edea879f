// @ts-check
import { View, fill, h } from "../element.js";
import { t } from "../text/text.js";

/**
 * What stands between the rooms and the edge: a heading, and below it what `content` makes.
 *
 * A page is made anew each time it is shown, and once the language has changed.
 */
export class Page extends View {
  /** @param {import("./registry.js").Context} context */
  constructor(context) {
    super();
    this.context = context;
    this.chat = context.chat;
    this.navigation = context.navigation;
  }

  /** What the heading and the tab say. */
  get heading() {
    return "";
  }

  /** A line below the heading. */
  get topic() {
    return "";
  }

  /** What stands beside the heading. @returns {HTMLElement[]} */
  get tools() {
    return [];
  }

  /** The heading or the topic says something else now. */
  rename() {
    this.dispatchEvent(new Event("renamed", { bubbles: true }));
  }

  /** Draws the page; it is on the page already, so `watch` may be used. */
  draw() {}

  /**
   * The address has changed, and the page stays the same.
   *
   * @param {import("../state/router.js").Route} _route
   */
  moved(_route) {}

  appear() {
    this.classList.add("page");
    this.draw();
  }
}

/** An address that leads nowhere, or to what one may not see. */
export class NoPage extends Page {
  /**
   * @param {import("./registry.js").Context} context
   * @param {"notFound" | "notAllowed" | "failed"} why
   */
  constructor(context, why) {
    super(context);
    this.why = why;
  }

  get heading() {
    return t().shell[this.why];
  }

  draw() {
    const text = { notFound: t().shell.notFoundText, notAllowed: t().shell.notAllowedText, failed: "" };
    const again = { class: "button", type: "button", onclick: () => location.reload() };
    fill(
      this,
      h(
        "div",
        { class: "empty" },
        h("p", { class: "soft" }, text[this.why]),
        this.why === "failed"
          ? h("button", again, t().common.retry)
          : h("a", { class: "button", href: "/" }, t().shell.home),
      ),
    );
  }
}
customElements.define("parlor-no-page", NoPage);
