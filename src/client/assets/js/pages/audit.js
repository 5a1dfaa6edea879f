// @ts-check
import { actText } from "../admin/act.js";
import { adminTabs } from "../admin/tabs.js";
import { download } from "../access/codes.js";
import { fill, h } from "../element.js";
import { field } from "../form.js";
import { AuditLog } from "../state/audit.js";
import { admin } from "../text/admin.js";
import { problemText, t } from "../text/text.js";
import { exactTime, shortTime } from "../text/times.js";
import { toast } from "../toast.js";
import { Page } from "./page.js";

/** @typedef {import("../state/audit.js").Entry} Entry */

/** Who did what to whom. */
export default class AuditPage extends Page {
  /** @param {import("./registry.js").Context} context */
  constructor(context) {
    super(context);
    this.log = new AuditLog(this.chat.api);
    this.list = h("ol", { class: "entries", "aria-label": admin().audit.heading });
    this.state = h("div", { class: "stack", role: "status" });
    this.by = h("div", { hidden: true });
    this.head = h("p", { class: "soft small seal" });
  }

  get heading() {
    return admin().audit.heading;
  }

  draw() {
    const { text } = admin().audit;
    fill(
      this,
      h(
        "div",
        { class: "column" },
        adminTabs(this.chat.login.user),
        h("p", { class: "soft" }, text),
        this.searchForm(),
        this.by,
        this.list,
        this.state,
        this.head,
      ),
    );
    this.load(() => this.log.find());
  }

  searchForm() {
    const { act, actHint, from, to, search, export: save } = admin().audit;
    const fields = [
      field({ name: "act", label: act, placeholder: actHint, autocomplete: "off", maxlength: 81 }),
      field({ name: "from", label: from, type: "date" }),
      field({ name: "to", label: to, type: "date" }),
    ];
    const form = h(
      "form",
      { class: "form filters-of-audit", role: "search" },
      fields,
      h(
        "div",
        { class: "actions" },
        h("button", { class: "button main", type: "submit" }, search),
        h("button", { class: "button", type: "button", onclick: () => this.save() }, save),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const values = Object.fromEntries(new FormData(form));
      this.load(() => this.log.find({ ...values, act: String(values.act).trim() }));
    });
    return form;
  }

  /** @param {() => Promise<void>} work */
  async load(work) {
    fill(this.state, h("p", { class: "soft" }, t().common.loading));
    try {
      await work();
    } catch (problem) {
      const again = { class: "button", type: "button", onclick: () => this.load(work) };
      return fill(this.state, h("p", { class: "soft" }, problemText(problem)), h("div", {}, h("button", again, t().common.retry)));
    }
    this.show();
  }

  show() {
    const { none, older, head, by, clear } = admin().audit;
    const { entries, hasMore, search } = this.log;
    // Entries that stand there already stay, so that one that is open does, too.
    const known = new Map([...this.list.children].map((row) => [/** @type {HTMLElement} */ (row).dataset.seq, row]));
    this.list.replaceChildren(...entries.map((entry) => known.get(String(entry.seq)) ?? this.row(entry)));
    const more = { class: "button", type: "button", onclick: () => this.load(() => this.log.older()) };
    fill(this.state, entries.length === 0 && h("p", { class: "soft" }, none), hasMore && h("div", {}, h("button", more, older)));
    this.head.textContent = this.log.head && head(this.log.head.slice(0, 16));
    this.head.title = this.log.head;
    const everybody = { class: "button slim", type: "button", onclick: () => this.only("") };
    const whose = h("span", {});
    this.named(whose, search.actor).then(() => (whose.textContent = by(whose.textContent ?? "")));
    this.by.hidden = !search.actor;
    fill(this.by, search.actor && h("p", { class: "notice actions" }, whose, h("button", everybody, clear)));
  }

  /** @param {string} actor */
  only(actor) {
    this.load(() => this.log.find({ actor }));
  }

  /** @param {Entry} entry */
  row(entry) {
    const { act, at, address, actor_id: actor, target_kind: kind, target_id: target } = entry;
    const { details, onlyBy } = admin().audit;
    const who = actor
      ? h("button", { class: "button plain slim who", type: "button", title: onlyBy, onclick: () => this.only(actor) })
      : h("span", { class: "who" }, this.nobody(entry));
    if (actor) this.named(who, actor);
    // What somebody does to oneself needs no second name.
    const whom = target && target !== actor && h("span", {}, `${kind} ${target}`);
    if (whom && kind === "user") this.named(whom, target);
    const more = h("details", {}, h("summary", { "aria-label": `${details}: ${actText(act)}` }, details));
    more.addEventListener("toggle", () => more.open && more.children.length === 1 && more.append(this.facts(entry)));
    return h(
      "li",
      { "data-seq": entry.seq },
      h("p", { class: "line" }, h("strong", {}, actText(act)), who, whom),
      h("p", { class: "soft small" }, h("time", { datetime: at, title: exactTime(at) }, shortTime(at)), address && ` · ${address}`, " · ", h("code", {}, act)),
      more,
    );
  }

  /** @param {Entry} entry */
  nobody({ via }) {
    const { stranger, commandLine, server } = admin().audit;
    return { api: stranger, command_line: commandLine, server }[via] ?? via;
  }

  /**
   * Writes a user's name, once it is known.
   *
   * @param {HTMLElement} place
   * @param {string} id
   */
  async named(place, id) {
    if (!id) return;
    place.textContent = id.slice(0, 8);
    place.textContent = (await this.log.nameOf(id)) ?? `${admin().audit.gone} ${id.slice(0, 8)}`;
  }

  /** @param {Entry} entry */
  facts(entry) {
    const { fields } = admin().audit;
    const { target_kind: kind, target_id: id, details } = entry;
    const told = details && Object.keys(details).length > 0 ? JSON.stringify(details, null, 2) : "";
    /** @type {[string, any][]} */
    const facts = [
      [fields.seq, entry.seq],
      [fields.at, exactTime(entry.at)],
      [fields.actor_id, entry.actor_id],
      [fields.target, kind && `${kind} ${id ?? ""}`],
      [fields.address, entry.address],
      [fields.login_id, entry.login_id],
      [fields.token_id, entry.token_id],
      [fields.request_id, entry.request_id],
      [fields.details, told && h("pre", {}, told)],
      [fields.hash, entry.hash],
    ];
    const known = facts.filter(([, value]) => value);
    return h("dl", { class: "facts-of-entry" }, known.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]).flat());
  }

  async save() {
    try {
      download("audit.jsonl", await this.log.export());
      toast(admin().audit.exported);
    } catch (problem) {
      toast(problemText(problem));
    }
  }
}
customElements.define("parlor-audit", AuditPage);
