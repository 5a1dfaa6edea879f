// @ts-check
import { adminTabs } from "../admin/tabs.js";
import { attribute, fill, h } from "../element.js";
import { icon } from "../icons.js";
import { roleName } from "../role.js";
import { styled } from "../style.js";
import { problemText, t } from "../text/text.js";
import { number } from "../text/times.js";
import { usersTable } from "../users-table.js";
import { Page } from "./page.js";

await styled("people");

/** @typedef {import("../state/types.js").User} User */

/** Users on one page of the table. */
const PAGE = 20;
/** How long after the last key a search begins, in ms. */
const PAUSE_MS = 250;

/** Who has an account, what they may do, and who may no more. */
export default class PeoplePage extends Page {
  /** @param {import("./registry.js").Context} context */
  constructor(context) {
    super(context);
    this.query = { page: 1, q: "", sort: "created_at", order: "desc", role: "", active: "" };
    /** @type {User[]} */
    this.users = [];
    this.total = 0;
    this.pages = 1;
    /** The roles that one may have; others may have been made here. */
    this.roles = Object.keys(t().roles);
    /** Counts questions, so that a late answer to an earlier one is not shown. */
    this.asked = 0;
    this.count = h("p", { class: "soft small", role: "status" });
    this.table = h("div", { class: "users" });
    this.pager = h("nav", { class: "pager", "aria-label": t().people.pages });
  }

  get heading() {
    return t().people.heading;
  }

  draw() {
    this.roleFilter = choice(t().people.role, this.roleOptions(), (value) => this.ask({ role: value, page: 1 }));
    fill(
      this,
      h("div", { class: "column" }, adminTabs(this.chat.login.user), this.filters(), this.count, this.table, this.pager),
    );
    this.load();
    this.loadRoles();
  }

  /** @returns {[string, string][]} */
  roleOptions() {
    const named = this.roles.map((role) => /** @type {[string, string]} */ ([role, roleName(role)]));
    return [["", t().people.anyRole], ...named];
  }

  async loadRoles() {
    const { data } = await this.chat.api.get("/api/roles").catch(() => ({ data: [] }));
    const own = data.filter((/** @type {any} */ role) => !role.built_in).map((/** @type {any} */ role) => role.name);
    if (own.length === 0) return;
    this.roles = [...this.roles, ...own];
    if (this.roleFilter) fill(this.roleFilter, this.roleOptions().map(([value, name]) => h("option", { value, selected: value === this.query.role }, name)));
    if (this.users.length > 0) this.show();
  }

  filters() {
    const { search, state, anyState, active, inactive } = t().people;
    const input = h("input", { class: "input", type: "search", "aria-label": search, placeholder: search, maxlength: 100 });
    /** @type {any} */
    let timer;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.ask({ q: input.value.trim(), page: 1 }), PAUSE_MS);
    });
    this.until(() => clearTimeout(timer));
    return h(
      "search",
      { class: "filters" },
      h("div", { class: "search" }, icon("search"), input),
      this.roleFilter,
      choice(state, [["", anyState], ["true", active], ["false", inactive]], (value) =>
        this.ask({ active: value, page: 1 }),
      ),
    );
  }

  /** @param {Partial<PeoplePage["query"]>} change */
  ask(change) {
    this.query = { ...this.query, ...change };
    return this.load();
  }

  async load() {
    const asked = ++this.asked;
    const wanted = Object.entries({ ...this.query, limit: PAGE }).filter(([, value]) => value !== "");
    attribute(this.table, "aria-busy", "true");
    try {
      const query = new URLSearchParams(wanted.map(([name, value]) => [name, String(value)]));
      const { data, pagination } = await this.chat.api.get(`/api/users?${query}`);
      if (asked !== this.asked) return;
      [this.users, this.total, this.pages] = [data, pagination.total, Math.max(1, pagination.pages)];
      this.show();
    } catch (problem) {
      if (asked !== this.asked) return;
      const again = { class: "button", type: "button", onclick: () => this.load() };
      this.count.textContent = problemText(problem);
      fill(this.table, h("button", again, t().common.retry));
    } finally {
      if (asked === this.asked) attribute(this.table, "aria-busy", null);
    }
  }

  show() {
    const { total, query } = this;
    this.count.textContent = t().people.count(number(total), total);
    const focus = focusKey(this.table);
    fill(
      this.table,
      total === 0
        ? h("p", { class: "empty soft" }, t().people.none)
        : usersTable({
            users: this.users,
            roles: this.roles,
            me: this.chat.login.user?.id ?? "",
            sort: query.sort,
            order: query.order,
            sorted: (sort) => this.sort(sort),
            change: (user, changes) => this.change(user, changes),
            reset: (user) => this.chat.api.delete(`/api/users/${user.id}/two-factor`),
          }),
    );
    // The table is drawn anew; the focus stays at what it was on.
    if (focus) /** @type {HTMLElement | null} */ (this.table.querySelector(focus))?.focus();
    this.showPager();
  }

  showPager() {
    const { page } = this.query;
    const { previous, next, pageOf } = t().people;
    this.pager.hidden = this.pages <= 1;
    const had = this.pager.contains(document.activeElement) && document.activeElement?.getAttribute("data-step");
    const step = (/** @type {number} */ by, /** @type {string} */ name) => {
      const off = page + by < 1 || page + by > this.pages;
      const go = () => !off && this.ask({ page: page + by });
      const attributes = { class: "button icon-only", type: "button", "aria-label": name, title: name };
      return h(
        "button",
        { ...attributes, "data-step": by, "aria-disabled": off && "true", onclick: go },
        icon(by < 0 ? "back" : "forward"),
      );
    };
    const place = h("span", { class: "numbers" }, pageOf(number(page), number(this.pages)));
    fill(this.pager, step(-1, previous), place, step(1, next));
    if (had) /** @type {HTMLElement | null} */ (this.pager.querySelector(`[data-step="${had}"]`))?.focus();
  }

  /** @param {string} sort */
  sort(sort) {
    const same = sort === this.query.sort;
    // Names begin at A, and the newest account comes first.
    const first = sort === "created_at" ? "desc" : "asc";
    const order = !same ? first : this.query.order === "asc" ? "desc" : "asc";
    this.ask({ sort, order, page: 1 });
  }

  /**
   * @param {User} user
   * @param {Record<string, any>} changes
   */
  async change(user, changes) {
    const changed = await this.chat.api.patch(`/api/users/${user.id}`, changes);
    this.users = this.users.map((known) => (known.id === changed.id ? changed : known));
    this.show();
  }
}
customElements.define("parlor-users", PeoplePage);

/**
 * Where the focus is, as a selector that finds it in the next table.
 *
 * @param {HTMLElement} within
 */
function focusKey(within) {
  const key = within.contains(document.activeElement) && document.activeElement?.getAttribute("data-key");
  return key ? `[data-key="${key}"]` : null;
}

/**
 * @param {string} label
 * @param {[string, string][]} choices
 * @param {(value: string) => void} change
 */
function choice(label, choices, change) {
  const options = choices.map(([value, name]) => h("option", { value }, name));
  const select = h("select", { class: "input", "aria-label": label }, options);
  select.addEventListener("change", () => change(select.value));
  return select;
}
