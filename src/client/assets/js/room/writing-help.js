// @ts-check
import { showDialog } from "../dialog.js";
import { h } from "../element.js";
import { t } from "../text/text.js";

/** What can be written, and how. */
export function showWritingHelp() {
  const { heading, send, line, emoji, bold, italic, code, strike, quote, list, block } = t().help;
  const rows = [
    [keys("Enter"), send],
    [keys("Shift", "Enter"), line],
    [emojiKeys(), emoji],
    [sample("**…**"), h("strong", {}, bold)],
    [sample("*…*"), h("em", {}, italic)],
    [sample("~~…~~"), h("s", {}, strike)],
    [sample("`…`"), h("code", {}, code)],
    [sample("```"), block],
    [sample("> "), quote],
    [sample("- "), list],
  ];
  showDialog(heading, (close) => [
    h(
      "dl",
      { class: "help" },
      rows.map(([how, what]) => h("div", {}, h("dt", {}, how), h("dd", {}, what))),
    ),
    h("div", { class: "actions end" }, h("button", { class: "button", type: "button", onclick: close }, t().common.close)),
  ]);
}

/** @param {string} text */
function sample(text) {
  return h("code", {}, text);
}

/** @param {...string} names */
function keys(...names) {
  return h("span", { class: "keys" }, names.map((name) => h("kbd", {}, name)));
}

/** The machine has a picker of its own; a page cannot open it, but can tell how. */
function emojiKeys() {
  const agent = navigator.userAgent;
  if (/Mac|iPhone|iPad/.test(agent)) return keys("⌃", "⌘", "Space");
  return /Windows/.test(agent) ? keys("⊞", ".") : keys("Ctrl", ".");
}
