// @ts-check
import { ask } from "./access/ask.js";
import { avatar } from "./avatar.js";
import { confirmed } from "./dialog.js";
import { h } from "./element.js";
import { field } from "./form.js";
import { icon } from "./icons.js";
import { roleName } from "./role.js";
import { problemText, t } from "./text/text.js";
import { date, exactTime } from "./text/times.js";
import { toast } from "./toast.js";

/**
 * @typedef {import("./state/types.js").User} User
 *
 * @typedef {object} Table
 * @property {User[]} users
 * @property {string} me the id of who looks
 * @property {string[]} roles those that one may have
 * @property {string} sort
 * @property {string} order
 * @property {(sort: string) => void} sorted somebody wants another order
 * @property {(user: User, changes: Record<string, any>) => Promise<void>} change
 * @property {(user: User) => Promise<void>} reset takes the second step of the sign-in away
 */

/**
 * The users, one a row. On a phone each row is a card of its own, so the roles are told in full:
 * what is no table to CSS would be none to a screen reader.
 *
 * @param {Table} table
 */
export function usersTable(table) {
  const { name, email, role, active, joined } = t().people.columns;
  const head = [
    sortable(table, "full_name", name),
    sortable(table, "email", email),
    h("th", { scope: "col", role: "columnheader" }, role),
    h("th", { scope: "col", role: "columnheader" }, active),
    sortable(table, "created_at", joined),
    h("th", { scope: "col", role: "columnheader" }, h("span", { class: "unseen" }, t().people.columns.more)),
  ];
  return h(
    "table",
    { role: "table", "aria-label": t().people.heading },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head)),
    h("tbody", { role: "rowgroup" }, table.users.map((user) => row(table, user))),
  );
}

/**
 * @param {Table} table
 * @param {string} sort
 * @param {string} label
 */
function sortable(table, sort, label) {
  const here = table.sort === sort;
  const direction = table.order === "asc" ? "ascending" : "descending";
  const button = { class: "sort", type: "button", "data-key": `sort ${sort}`, onclick: () => table.sorted(sort) };
  return h(
    "th",
    { scope: "col", role: "columnheader", "aria-sort": here && direction },
    h("button", button, label, h("span", { class: "arrow", "aria-hidden": "true" }, here && (table.order === "asc" ? "↑" : "↓"))),
  );
}

/**
 * @param {Table} table
 * @param {User} user
 */
function row(table, user) {
  const { columns, you } = t().people;
  const cell = (/** @type {string} */ name, /** @type {import("./element.js").Child[]} */ ...content) =>
    h("td", { role: "cell", "data-name": name }, content);
  const who = h(
    "div",
    { class: "who" },
    avatar(user),
    h(
      "div",
      {},
      h("p", { class: "name" }, user.full_name, user.id === table.me && h("span", { class: "soft" }, ` (${you})`)),
      h("p", { class: "soft small" }, `@${user.username}`),
      !user.active && h("p", { class: "small" }, whyInactive(user)),
    ),
  );
  const made = h("time", { datetime: user.created_at, title: exactTime(user.created_at) }, date(user.created_at));
  return h(
    "tr",
    { role: "row", class: user.active ? null : "inactive" },
    h("th", { scope: "row", role: "rowheader" }, who),
    cell(columns.email, h("span", { class: "email", title: user.email }, user.email)),
    cell(columns.role, roleSelect(table, user)),
    cell(columns.active, activeSwitch(table, user)),
    cell(columns.joined, made),
    cell(columns.more, resetButton(table, user)),
  );
}

/**
 * Why somebody is out, and for how long, as far as an admin said.
 *
 * @param {User} user
 */
function whyInactive({ inactive_reason: reason, inactive_until: until }) {
  return [until && t().people.inactiveUntil(date(until)), reason].filter(Boolean).join(" · ");
}

/**
 * For somebody who has lost the phone and the recovery codes.
 *
 * @param {Table} table
 * @param {User} user
 */
function resetButton(table, user) {
  const { resetOf, reset, resetText, resetAction } = t().people;
  const label = resetOf(user.full_name);
  const button = h(
    "button",
    { class: "button icon-only", type: "button", "aria-label": label, title: label, "data-key": `reset ${user.id}` },
    icon("shield"),
  );
  button.addEventListener("click", async () => {
    if (await confirmed({ title: reset, text: resetText(user.full_name), action: resetAction, bad: true })) await done(table.reset(user));
  });
  return button;
}

/**
 * @param {Table} table
 * @param {User} user
 */
function roleSelect(table, user) {
  const known = table.roles.includes(user.role) ? table.roles : [...table.roles, user.role];
  const options = known.map((value) => h("option", { value, selected: value === user.role }, roleName(value)));
  const label = t().people.roleOf(user.full_name);
  const select = h("select", { class: "input", "aria-label": label, "data-key": `role ${user.id}` }, options);
  select.addEventListener("change", async () => {
    const role = select.value;
    const { roleTitle, roleText, roleAction, ownRoleText } = t().people;
    const text = user.id === table.me ? ownRoleText : roleText(user.full_name, roleName(role));
    const sure = await confirmed({ title: roleTitle, text, action: roleAction });
    if (!sure || !(await done(table.change(user, { role })))) select.value = user.role;
  });
  return select;
}

/**
 * @param {Table} table
 * @param {User} user
 */
function activeSwitch(table, user) {
  const { activeOf, on, onText, onAction } = t().people;
  const button = h("button", {
    class: "toggle",
    type: "button",
    role: "switch",
    "aria-checked": String(user.active),
    "aria-label": activeOf(user.full_name),
    "data-key": `active ${user.id}`,
  });
  button.addEventListener("click", async () => {
    if (user.active) return deactivate(table, user);
    const sure = await confirmed({ title: on, text: onText(user.full_name), action: onAction });
    if (sure) await done(table.change(user, { active: true }));
  });
  return button;
}

/**
 * Switches somebody off, for a reason and a time if there are such.
 *
 * @param {Table} table
 * @param {User} user
 */
function deactivate(table, user) {
  const { off, offText, ownOffText, offAction, reason, reasonHint, until, untilHint } = t().people;
  ask({
    title: off,
    text: [h("p", { class: "soft" }, user.id === table.me ? ownOffText : offText(user.full_name))],
    fields: [
      field({ name: "inactive_reason", label: reason, hint: reasonHint, autocomplete: "off", maxlength: 500 }),
      field({ name: "inactive_until", label: until, hint: untilHint, type: "date", min: dayAfter() }),
    ],
    action: offAction,
    bad: true,
    submit: async ({ inactive_reason: why, inactive_until: day }) => {
      const [year, month, date] = day.split("-").map(Number);
      await table.change(user, {
        active: false,
        ...(why.trim() && { inactive_reason: why.trim() }),
        ...(day && { inactive_until: new Date(year, month - 1, date).toISOString() }),
      });
      toast(t().common.saved);
    },
  });
}

/** Tomorrow by the clock of this machine, as a field for dates has it. */
function dayAfter() {
  const now = new Date();
  const tomorrow = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return `${tomorrow.getFullYear()}-${two(tomorrow.getMonth() + 1)}-${two(tomorrow.getDate())}`;
}

/**
 * @param {Promise<void>} change
 * @returns {Promise<boolean>} whether the server took it
 */
async function done(change) {
  try {
    await change;
    toast(t().common.saved);
    return true;
  } catch (problem) {
    toast(problemText(problem));
    return false;
  }
}
