// @ts-check
import { showDialog } from "../dialog.js";
import { h } from "../element.js";
import { form } from "../form.js";
import { t } from "../text/text.js";

/**
 * Asks for something in a dialog, which closes once `submit` has taken it.
 *
 * @param {object} question
 * @param {string} question.title
 * @param {HTMLElement[]} [question.text]
 * @param {HTMLElement[]} question.fields
 * @param {string} question.action
 * @param {boolean} [question.bad] it takes something away
 * @param {(values: Record<string, string>) => Promise<any>} question.submit
 */
export function ask({ title, text = [], fields, action, bad, submit }) {
  const dialog = showDialog(title, (close) => {
    const cancel = h("button", { class: "button", type: "button", onclick: close }, t().common.cancel);
    const send = async (/** @type {Record<string, string>} */ values) => {
      await submit(values);
      close();
    };
    return [...text, form({ fields, action, bad, more: [cancel], submit: send })];
  });
  dialog.querySelector("input")?.focus();
  return dialog;
}
