// @ts-check
import { BarChart, LineChart, ring } from "../charts.js";
import { fill, h } from "../element.js";
import { Health } from "../health.js";
import { styled } from "../style.js";
import { localeTag, problemText, t } from "../text/text.js";
import { number, time } from "../text/times.js";
import { Page } from "./page.js";

await styled("statistics");

/** How often the numbers are asked for while somebody looks, in ms. */
const EVERY_MS = 5_000;
/** How many of them the line of sockets shows. */
const KEPT = 60;
const RANGES = [7, 30, 90];
/** @type {import("../state/types.js").Role[]} */
const ROLES = ["client", "trainer", "admin"];
/** Colours that the roles take turns in that admins made. */
const MADE_COLOURS = 3;

/** How many people there are, how much they say, and how the server is. */
export default class StatisticsPage extends Page {
  /** @param {import("./registry.js").Context} context */
  constructor(context) {
    super(context);
    this.tiles = h("dl", { class: "tiles" });
    this.roles = h("div", { class: "parts" });
    this.messages = new BarChart(220);
    this.messagesTable = h("details", { class: "as-table" });
    this.sockets = new LineChart(160);
    this.socketsNow = h("p", { class: "figure numbers" });
    this.health = new Health(this.chat.api);
    this.problem = h("p", { class: "notice bad", role: "alert", hidden: true });
    /** @type {{at: number, value: number}[]} */
    this.seen = [];
    this.days = 30;
  }

  get heading() {
    return t().statistics.heading;
  }

  draw() {
    const { messages, roles, sockets, socketsText, health } = t().statistics;
    fill(
      this,
      h(
        "div",
        { class: "column" },
        this.problem,
        this.tiles,
        card("messages", messages, this.ranges(), this.messages, this.messagesTable),
        h(
          "div",
          { class: "two" },
          card("roles", roles, this.roles),
          card("sockets", sockets, this.socketsNow, this.sockets, h("p", { class: "soft small" }, socketsText)),
        ),
        card("health", health, this.health),
      ),
    );
    const timer = setInterval(() => document.visibilityState === "visible" && this.load(), EVERY_MS);
    this.until(() => clearInterval(timer));
    this.load();
    this.loadMessages();
  }

  ranges() {
    const { lastDays, range } = t().statistics;
    const name = "statistics-range";
    const choice = (/** @type {number} */ days) => {
      const input = h("input", { type: "radio", name, value: days, checked: days === this.days });
      input.addEventListener("change", () => {
        this.days = days;
        this.loadMessages();
      });
      return h("label", {}, input, h("span", {}, lastDays(days)));
    };
    return h("fieldset", { class: "ranges" }, h("legend", { class: "unseen" }, range), RANGES.map(choice));
  }

  async load() {
    this.health.load();
    try {
      this.show(await this.chat.api.get("/api/users/statistics"));
      this.problem.hidden = true;
    } catch (problem) {
      this.problem.textContent = problemText(problem);
      this.problem.hidden = false;
    }
  }

  /** @param {any} counts */
  show(counts) {
    const { users, activeOf, messagesTotal, rooms } = t().statistics;
    const tile = (/** @type {string} */ name, /** @type {number} */ value, /** @type {string} */ more) =>
      h("div", {}, h("dt", {}, name), h("dd", { class: "numbers" }, number(value)), h("dd", { class: "soft small" }, more));
    fill(
      this.tiles,
      tile(users, counts.total, activeOf(number(counts.active), number(counts.inactive))),
      tile(messagesTotal, counts.messages, ""),
      tile(rooms, counts.rooms, ""),
    );
    const made = Object.keys(counts.by_role).filter((role) => !ROLES.includes(role)).sort();
    /** @type {{role: string, name: string, value: number}[]} */
    const parts = [
      ...ROLES.map((role) => ({ role, name: role, value: counts.by_role[role] })),
      // A role that an admin made has no colour of its own.
      ...made.map((role, at) => ({ role, name: `made-${at % MADE_COLOURS}`, value: counts.by_role[role] })),
    ];
    /** @type {Record<string, string>} */
    const known = t().rolesMany;
    const line = (/** @type {typeof parts[0]} */ { role, name, value }) =>
      h("li", {}, h("span", { class: `swatch part-${name}` }), known[role] ?? role, h("b", { class: "numbers" }, number(value)));
    fill(this.roles, ring(parts), h("ul", {}, parts.map(line)));
    this.showSockets(counts.sessions_online);
  }

  /** @param {number} online */
  showSockets(online) {
    this.seen = [...this.seen, { at: Date.now(), value: online }].slice(-KEPT);
    this.socketsNow.textContent = number(online);
    this.sockets.show(
      this.seen.map(({ at, value }) => ({ label: time(at), short: time(at), value, text: number(value) })),
    );
  }

  async loadMessages() {
    const { days } = this;
    try {
      const { data } = await this.chat.api.get(`/api/statistics/messages?days=${days}`);
      if (days === this.days) this.showMessages(data);
    } catch (problem) {
      this.problem.textContent = problemText(problem);
      this.problem.hidden = false;
    }
  }

  /** @param {import("../state/types.js").DayCount[]} data */
  showMessages(data) {
    const points = data.map(({ day, messages }) => ({
      label: dayName(day, { weekday: "short", day: "numeric", month: "long" }),
      short: dayName(day, { day: "numeric", month: "short" }),
      value: messages,
      text: t().statistics.messageCount(number(messages), messages),
    }));
    this.messages.show(points);
    const { asTable, day, messages } = t().statistics;
    const row = (/** @type {typeof points[0]} */ point) =>
      h("tr", {}, h("th", { scope: "row" }, point.label), h("td", { class: "numbers" }, number(point.value)));
    fill(
      this.messagesTable,
      h("summary", {}, asTable),
      h(
        "div",
        { class: "rows", tabindex: "0", role: "region", "aria-label": messages },
        h(
          "table",
          {},
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, day), h("th", { scope: "col" }, messages))),
          h("tbody", {}, points.toReversed().map(row)),
        ),
      ),
    );
  }
}
customElements.define("parlor-statistics", StatisticsPage);

/**
 * Days are counted in UTC, so they are named so.
 *
 * @param {string} day `2026-11-21`
 * @param {Intl.DateTimeFormatOptions} style
 */
function dayName(day, style) {
  const format = new Intl.DateTimeFormat(localeTag(), { ...style, timeZone: "UTC" });
  return format.format(new Date(`${day}T00:00:00Z`));
}

/**
 * @param {string} name
 * @param {string} title
 * @param {...HTMLElement} content
 */
function card(name, title, ...content) {
  const id = `statistics-${name}`;
  return h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), content);
}
