// @ts-check
import { showDialog } from "./dialog.js";
import { h } from "./element.js";
import { notificationsExist, notificationsWanted, wantNotifications } from "./notifications.js";
import { LANGUAGES, chooseLanguage, languageTag, t } from "./text/text.js";
import { THEMES, chooseTheme, theme } from "./theme.js";

/** @typedef {import("./text/text.js").Language} Language */

/** Lets one choose the language of the page. */
export function languageSelect() {
  const names = Object.entries(LANGUAGES).map(([tag, { name }]) => /** @type {const} */ ([tag, name]));
  return select(t().shell.language, names, languageTag(), (tag) =>
    chooseLanguage(/** @type {Language} */ (tag)),
  );
}

/** What this browser is to do, whoever is signed in. */
export function showSettings() {
  const names = THEMES.map((name) => /** @type {const} */ ([name, t().shell.themes[name]]));
  showDialog(t().shell.settings, (close) => [
    languageSelect(),
    select(t().shell.theme, names, theme(), (name) =>
      chooseTheme(/** @type {import("./theme.js").Theme} */ (name)),
    ),
    notificationSwitch(),
    h(
      "div",
      { class: "actions end" },
      h("button", { class: "button main", type: "button", onclick: close }, t().common.close),
    ),
  ]);
}

/** Lets one be told of new messages; the browser has a say in it, too. */
function notificationSwitch() {
  if (!notificationsExist()) return null;
  const input = h("input", { type: "checkbox", class: "check", checked: notificationsWanted() });
  const denied = h("p", { class: "hint", role: "status", hidden: true }, t().notifications.denied);
  input.addEventListener("change", async () => {
    const allowed = await wantNotifications(input.checked);
    denied.hidden = allowed || !input.checked;
    input.checked = input.checked && allowed;
  });
  const label = h("label", { class: "tick" }, input, h("span", {}, t().notifications.wanted));
  return h("div", { class: "field" }, label, denied);
}

let count = 0;

/**
 * @param {string} label
 * @param {(readonly [string, string])[]} choices values and what they are called
 * @param {string} chosen
 * @param {(value: string) => void} change
 */
function select(label, choices, chosen, change) {
  const id = `select-${++count}`;
  const options = choices.map(([value, name]) =>
    h("option", { value, selected: value === chosen }, name),
  );
  const input = h("select", { id, class: "input" }, options);
  input.addEventListener("change", () => change(input.value));
  return h("div", { class: "field" }, h("label", { for: id }, label), input);
}
