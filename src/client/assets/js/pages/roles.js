// @ts-check
import { ask } from "../access/ask.js";
import { choices } from "../access/choices.js";
import { permissionText } from "../admin/permission.js";
import { adminTabs } from "../admin/tabs.js";
import { confirmed } from "../dialog.js";
import { fill, h } from "../element.js";
import { field } from "../form.js";
import { roleName } from "../role.js";
import { may } from "../state/rights.js";
import { admin } from "../text/admin.js";
import { problemText, t } from "../text/text.js";
import { toast } from "../toast.js";
import { Page } from "./page.js";

/**
 * @typedef {object} Permission
 * @property {string} name
 * @property {string} about
 *
 * @typedef {object} RoleInfo
 * @property {string} name
 * @property {string} about
 * @property {boolean} built_in
 * @property {string[]} permissions
 * @property {boolean} requires_two_factor
 */

/** What each role may do. */
export default class RolesPage extends Page {
  /** @type {Permission[]} */
  #permissions = [];
  /** @type {RoleInfo[]} */
  #roles = [];

  get heading() {
    return admin().roles.heading;
  }

  draw() {
    const { text, add } = admin().roles;
    this.list = h("ul", { class: "entries", tabindex: "-1", "aria-label": admin().roles.heading });
    this.told = h("div", { role: "status" });
    const button = { class: "button", type: "button", onclick: () => this.edit(null) };
    fill(
      this,
      h(
        "div",
        { class: "column" },
        adminTabs(this.chat.login.user),
        h("p", { class: "soft" }, text),
        h("div", { class: "actions" }, h("button", button, add)),
        this.told,
        this.list,
      ),
    );
    this.load();
  }

  async load() {
    try {
      const [permissions, roles] = await Promise.all([this.chat.api.get("/api/permissions"), this.chat.api.get("/api/roles")]);
      [this.#permissions, this.#roles] = [permissions.data, roles.data];
      if (this.told) fill(this.told);
      this.show();
    } catch (problem) {
      const again = { class: "button", type: "button", onclick: () => this.load() };
      if (this.told) fill(this.told, h("p", { class: "soft" }, problemText(problem)), h("button", again, t().common.retry));
    }
  }

  show() {
    if (!this.list) return;
    const had = this.list.contains(document.activeElement);
    fill(this.list, this.#roles.map((role) => this.row(role)));
    if (had) this.list.focus({ preventScroll: true });
  }

  /** @param {RoleInfo} role */
  row(role) {
    const { builtIn, allows, twoFactor, change, changeThat, remove, removeThat } = admin().roles;
    const name = roleName(role.name);
    const button = (/** @type {string} */ label, /** @type {string} */ whole, /** @type {() => void} */ onclick) =>
      h("button", { class: "button slim", type: "button", "aria-label": whole, onclick }, label);
    const facts = [allows(role.permissions.length, this.#permissions.length), role.requires_two_factor && twoFactor];
    return h(
      "li",
      { class: "role" },
      h(
        "div",
        {},
        h("p", { class: "line" }, h("strong", {}, name), role.built_in && h("span", { class: "badge" }, builtIn)),
        role.about && h("p", { class: "soft" }, role.about),
        h("p", { class: "soft small" }, facts.filter(Boolean).join(" · ")),
      ),
      h(
        "div",
        { class: "actions" },
        button(change, changeThat(name), () => this.edit(role)),
        !role.built_in && button(remove, removeThat(name), () => this.takeAway(role)),
      ),
    );
  }

  /** @param {RoleInfo | null} role `null`: a new one */
  edit(role) {
    const { add, changeTitle, name, nameHint, about, may: allowsTo, all, security, requires, create } = admin().roles;
    const allowed = choices({
      label: allowsTo,
      options: this.#permissions.map((permission) => ({
        value: permission.name,
        name: permission.name,
        about: permissionText(permission),
        checked: role?.permissions.includes(permission.name) ?? false,
      })),
    });
    const second = choices({ label: security, options: [{ value: "yes", name: requires, checked: role?.requires_two_factor ?? false }] });
    const decides = may(this.chat.login.user, "admin.access");
    // An admin may do everything, whatever is chosen: nobody can lock everybody out.
    const everything = role?.name === "admin";
    ask({
      title: role ? changeTitle(roleName(role.name)) : add,
      fields: [
        ...(role ? [] : [field({ name: "name", label: name, hint: nameHint, autocomplete: "off", required: true, maxlength: 32 })]),
        field({ name: "about", label: about, value: role?.about ?? "", autocomplete: "off", maxlength: 200 }),
        everything ? h("p", { class: "soft" }, all) : allowed.element,
        ...(decides ? [second.element] : []),
      ],
      action: role ? t().common.save : create,
      submit: async (values) => {
        const body = {
          ...values,
          ...(!everything && { permissions: allowed.chosen() }),
          ...(decides && { requires_two_factor: second.chosen().length > 0 }),
        };
        if (role) await this.chat.api.patch(`/api/roles/${role.name}`, body);
        else await this.chat.api.post("/api/roles", body);
        toast(t().common.saved);
        this.load();
      },
    });
  }

  /** @param {RoleInfo} role */
  async takeAway({ name }) {
    const { removeTitle: title, removeText, remove: action, removed } = admin().roles;
    if (!(await confirmed({ title, text: removeText(roleName(name)), action, bad: true }))) return;
    try {
      await this.chat.api.delete(`/api/roles/${name}`);
      toast(removed);
    } catch (problem) {
      toast(problemText(problem));
    }
    await this.load();
  }
}
customElements.define("parlor-roles", RolesPage);
