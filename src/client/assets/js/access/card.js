// @ts-check
import { View, fill, h } from "../element.js";
import { styled } from "../style.js";
import { problemText, t } from "../text/text.js";
import { toast } from "../toast.js";

await styled("access");

/** @typedef {import("../element.js").Child} Child */

let count = 0;

/**
 * A part of the profile that asks the server for what it shows, and is not there while it does not
 * know, or when the server has nothing of the kind.
 */
export class Card extends View {
  constructor() {
    super();
    this.head = h("h2", { id: `card-${++count}`, tabindex: "-1" });
  }

  get heading() {
    return "";
  }

  /** Asks the server. @returns {Promise<boolean>} whether there is anything to show */
  async fetch() {
    return true;
  }

  /** What it shows, once `fetch` is done. @returns {(Child | Child[])[]} */
  content() {
    return [];
  }

  appear() {
    this.className = "card";
    this.setAttribute("role", "region");
    this.setAttribute("aria-labelledby", this.head.id);
    this.head.textContent = this.heading;
    this.hidden = true;
    this.load();
  }

  async load() {
    try {
      this.hidden = !(await this.fetch());
      this.show(...this.content());
    } catch (problem) {
      const { status } = /** @type {any} */ (problem);
      if (status === 404) return void (this.hidden = true);
      const again = { class: "button", type: "button", onclick: () => this.load() };
      this.show(h("p", { class: "soft" }, problemText(problem)), h("div", { class: "actions" }, h("button", again, t().common.retry)));
      this.hidden = false;
    }
  }

  /** @param {(Child | Child[])[]} content */
  show(...content) {
    const had = this.contains(document.activeElement);
    fill(this, this.head, ...content);
    // What had the focus is gone, and the focus must not go with it.
    if (had && !this.contains(document.activeElement)) this.head.focus({ preventScroll: true });
  }

  /**
   * Does something, says what became of it, and shows what is so now.
   *
   * @param {() => Promise<any>} work
   * @param {string} said
   */
  async change(work, said) {
    try {
      await work();
      toast(said);
    } catch (problem) {
      // What is gone already is what was wanted.
      if (/** @type {any} */ (problem).status !== 404) toast(problemText(problem));
    }
    await this.load();
  }
}
