// @ts-check
import { adminTabs } from "../admin/tabs.js";
import { confirmed } from "../dialog.js";
import { fill, h } from "../element.js";
import { admin } from "../text/admin.js";
import { problemText, t } from "../text/text.js";
import { exactTime, shortTime } from "../text/times.js";
import { toast } from "../toast.js";
import { Page } from "./page.js";

/**
 * @typedef {object} Job
 * @property {string} id
 * @property {string} kind such as `mail.reset_password`
 * @property {"waiting" | "running" | "dead"} state
 * @property {number} attempts
 * @property {string} run_at
 * @property {string | null} last_error
 * @property {string} created_at
 */

/** What the server is still to do, and what it gave up. */
export default class JobsPage extends Page {
  /** @type {"dead" | "waiting"} */
  #state = "dead";
  /** @type {Job[]} */
  #jobs = [];

  get heading() {
    return admin().jobs.heading;
  }

  draw() {
    const { text, state, dead, waiting } = admin().jobs;
    this.list = h("ul", { class: "entries", tabindex: "-1" });
    this.told = h("div", { role: "status" });
    const options = [["dead", dead], ["waiting", waiting]].map(([value, name]) => h("option", { value }, name));
    const select = h("select", { class: "input narrow", "aria-label": state }, options);
    select.addEventListener("change", () => {
      this.#state = /** @type {"dead" | "waiting"} */ (select.value);
      this.load();
    });
    fill(this, h("div", { class: "column" }, adminTabs(this.chat.login.user), h("p", { class: "soft" }, text), select, this.told, this.list));
    this.load();
  }

  async load() {
    const state = this.#state;
    try {
      const { data } = await this.chat.api.get(`/api/admin/jobs?state=${state}`);
      if (state !== this.#state) return;
      this.#jobs = data;
      this.show();
    } catch (problem) {
      const again = { class: "button", type: "button", onclick: () => this.load() };
      if (this.told) fill(this.told, h("p", { class: "soft" }, problemText(problem)), h("button", again, t().common.retry));
    }
  }

  show() {
    if (!this.list || !this.told) return;
    const had = this.list.contains(document.activeElement);
    const none = this.#jobs.length === 0 && h("p", { class: "soft" }, admin().jobs.none[this.#state]);
    fill(this.told, none);
    fill(this.list, this.#jobs.map((job) => this.row(job)));
    // The button is gone, and the focus must not go with it.
    if (had) this.list.focus({ preventScroll: true });
  }

  /** @param {Job} job */
  row(job) {
    const { tries, next, retry, retryThat, remove, removeThat } = admin().jobs;
    const { kind, attempts, created_at: made, run_at: due, last_error: error } = job;
    const button = (/** @type {string} */ label, /** @type {string} */ whole, /** @type {() => void} */ onclick) =>
      h("button", { class: "button slim", type: "button", "aria-label": whole, onclick }, label);
    const dead = job.state === "dead";
    return h(
      "li",
      {},
      h("p", { class: "line" }, h("code", {}, kind), h("time", { class: "soft small", datetime: made, title: exactTime(made) }, shortTime(made))),
      h("p", { class: "soft small" }, tries(attempts), !dead && ` · ${next(shortTime(due))}`),
      error && h("p", { class: "small" }, error),
      h(
        "div",
        { class: "actions" },
        dead && button(retry, retryThat(kind), () => this.change("post", `/api/admin/jobs/${job.id}/retry`, admin().jobs.retried)),
        button(remove, removeThat(kind), () => this.takeAway(job)),
      ),
    );
  }

  /** @param {Job} job */
  async takeAway({ id }) {
    const { removeTitle: title, removeText: text, remove: action, removed } = admin().jobs;
    if (await confirmed({ title, text, action, bad: true })) await this.change("delete", `/api/admin/jobs/${id}`, removed);
  }

  /**
   * @param {"post" | "delete"} method
   * @param {string} path
   * @param {string} said
   */
  async change(method, path, said) {
    try {
      await this.chat.api[method](path);
      toast(said);
    } catch (problem) {
      toast(problemText(problem));
    }
    await this.load();
  }
}
customElements.define("parlor-jobs", JobsPage);
