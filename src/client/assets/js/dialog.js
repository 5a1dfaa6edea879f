// @ts-check
import { h } from "./element.js";
import { t } from "./text/text.js";

let count = 0;

/**
 * Shows a dialog until it is closed; Escape closes it, too, and the focus goes back to where it was.
 *
 * @param {string} title
 * @param {(close: () => void) => import("./element.js").Child[]} content
 * @param {{stays?: boolean}} [options] `stays`: only `close` closes it, for what is shown but once
 * @returns {HTMLDialogElement}
 */
export function showDialog(title, content, { stays = false } = {}) {
  const id = `dialog-${++count}`;
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": id, closedby: stays && "none" });
  const close = () => dialog.close();
  dialog.append(h("h2", { id }, title));
  for (const child of content(close)) if (child) dialog.append(/** @type {Node} */ (child));
  dialog.addEventListener("close", () => dialog.remove());
  // For browsers that do not know `closedby`.
  dialog.addEventListener("cancel", (event) => stays && event.preventDefault());
  // A click beside it: the veil belongs to the dialog, its content does not.
  dialog.addEventListener("mousedown", (event) => {
    const box = dialog.getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    const inside = x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
    if (event.target === dialog && !inside && !stays) close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Asks before something that is hard to take back.
 *
 * @param {{title: string, text: string, action: string, bad?: boolean}} question
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, action, bad = false }) {
  return new Promise((resolve) => {
    let yes = false;
    const dialog = showDialog(title, (close) => {
      const agree = () => {
        yes = true;
        close();
      };
      const sure = { class: bad ? "button bad" : "button main", type: "button", onclick: agree };
      const cancel = { class: "button", type: "button", onclick: close };
      return [
        h("p", { class: "soft" }, text),
        h("div", { class: "actions end" }, h("button", cancel, t().common.cancel), h("button", sure, action)),
      ];
    });
    dialog.addEventListener("close", () => resolve(yes));
  });
}
