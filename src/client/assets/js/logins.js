// @ts-check
import { deviceName } from "./device.js";
import { View, fill, h } from "./element.js";
import { problemText, t } from "./text/text.js";
import { exactTime, shortTime } from "./text/times.js";
import { toast } from "./toast.js";

/** @typedef {import("./state/types.js").LoginInfo} LoginInfo */

/** Where one is signed in, and the end of it there. */
export class Logins extends View {
  /** @param {import("./state/chat.js").Chat} chat */
  constructor(chat) {
    super();
    this.api = chat.api;
    /** @type {LoginInfo[] | null} */
    this.list = null;
    this.content = h("div", { class: "logins" });
  }

  appear() {
    fill(this, h("p", { class: "soft" }, t().profile.loginsText), this.content);
    this.load();
  }

  async load() {
    try {
      this.list = (await this.api.get("/api/auth/logins")).data;
      this.draw();
    } catch (problem) {
      const again = { class: "button", type: "button", onclick: () => this.load() };
      fill(
        this.content,
        h("p", { class: "soft" }, problemText(problem)),
        h("button", again, t().common.retry),
      );
    }
  }

  draw() {
    const list = /** @type {LoginInfo[]} */ (this.list ?? []);
    const others = list.filter(({ current }) => !current);
    const all = { class: "button", type: "button", onclick: () => this.endOthers() };
    fill(
      this.content,
      h("ul", {}, list.map((login) => this.row(login))),
      others.length > 0 && h("div", { class: "actions" }, h("button", all, t().profile.endOthers)),
    );
  }

  /** @param {LoginInfo} login */
  row(login) {
    const { device, address, last_used_at: used, current } = login;
    const name = deviceName(device);
    const { end, endThat, thisOne, lastUsed } = t().profile;
    const button = { class: "button slim", type: "button", "aria-label": endThat(name), onclick: () => this.end(login) };
    const time = h("time", { datetime: used, title: exactTime(used) }, lastUsed(shortTime(used)));
    return h(
      "li",
      {},
      h(
        "div",
        {},
        h("p", { title: device }, name, current && h("span", { class: "badge" }, thisOne)),
        h("p", { class: "soft small" }, address && `${address} · `, time),
      ),
      !current && h("button", button, end),
    );
  }

  /** @param {LoginInfo} login */
  async end(login) {
    await this.change(`/api/auth/logins/${login.id}`, t().profile.ended);
  }

  async endOthers() {
    await this.change("/api/auth/logins", t().profile.endedOthers);
  }

  /**
   * @param {string} path
   * @param {string} said
   */
  async change(path, said) {
    try {
      await this.api.delete(path);
      toast(said);
    } catch (problem) {
      // One that has ended by itself is what was wanted.
      if (/** @type {any} */ (problem).status !== 404) toast(problemText(problem));
    }
    await this.load();
    // The button is gone, and the focus must not go with it.
    if (!this.contains(document.activeElement)) {
      this.tabIndex = -1;
      this.focus({ preventScroll: true });
    }
  }
}
customElements.define("parlor-logins", Logins);
