// @ts-check
import { attribute, h } from "./element.js";
import { ApiProblem } from "./state/api.js";
import { fieldText, problemText, t } from "./text/text.js";

let count = 0;

/**
 * @typedef {object} FieldOptions
 * @property {string} name as the server calls it, in `fields` of a refusal too
 * @property {string} label
 * @property {string} [type] of the input; "textarea" makes one of several lines
 * @property {string} [hint]
 * @property {string} [value]
 * @property {string} [autocomplete]
 * @property {boolean} [required]
 * @property {number} [maxlength]
 * @property {string} [placeholder] an example; what it is, says the label
 * @property {string} [min] the first day of a date
 * @property {"numeric"} [inputmode] which keyboard a phone shows
 */

/**
 * A labelled input with room for a hint and for what is wrong with it.
 *
 * @param {FieldOptions} options
 * @returns {HTMLElement}
 */
export function field({ name, label, type = "text", hint, value = "", ...rest }) {
  const id = `field-${++count}`;
  const described = `${hint ? `${id}-hint ` : ""}${id}-error`;
  const shared = { id, name, class: "input", "aria-describedby": described, ...rest };
  const plain = ["email", "username", "password", "code"].includes(name) || type === "password";
  const input =
    type === "textarea"
      ? h("textarea", { ...shared, rows: 3 })
      : h("input", { ...shared, type, ...(plain && { autocapitalize: "none", spellcheck: "false" }) });
  input.value = value;
  input.addEventListener("input", () => showError(input, ""));
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    input,
    hint && h("p", { class: "hint", id: `${id}-hint` }, hint),
    h("p", { class: "error", id: `${id}-error`, hidden: true }),
  );
}

/**
 * A form that sends its values once at a time and shows what the server says of them.
 *
 * @param {{fields: HTMLElement[], action: string, bad?: boolean, more?: HTMLElement[], submit: (values: Record<string, string>) => Promise<any>}} options
 *   `bad`: it takes something away
 * @returns {HTMLFormElement}
 */
export function form({ fields, action, bad = false, more = [], submit }) {
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const button = h("button", { class: bad ? "button bad" : "button main", type: "submit" }, action);
  const element = h(
    "form",
    { class: "form", novalidate: true },
    fields,
    problem,
    h("div", { class: "actions" }, button, more),
  );
  let busy = false;
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    showProblem(element, null);
    if (!complete(element)) return;
    busy = true;
    attribute(button, "aria-busy", "true");
    attribute(button, "aria-disabled", "true");
    try {
      await submit(valuesOf(element));
    } catch (caught) {
      showProblem(element, caught);
    } finally {
      busy = false;
      attribute(button, "aria-busy", null);
      attribute(button, "aria-disabled", null);
    }
  });
  return element;
}

/** What a code alone says of a field. @type {Record<string, string>} */
const FIELD_OF = { email_taken: "email", username_taken: "username", room_exists: "name", wrong_code: "code", role_exists: "name" };

/**
 * @param {ApiProblem} problem
 * @returns {Record<string, {code: string, message: string}>}
 */
function fieldsOf({ code, message, fields }) {
  const field = FIELD_OF[code];
  return field ? { [field]: { code, message } } : fields;
}

/** @param {HTMLFormElement} element */
function inputsOf(element) {
  return /** @type {HTMLInputElement[]} */ ([...element.querySelectorAll("[name]")]);
}

/** @param {HTMLFormElement} element */
function valuesOf(element) {
  return Object.fromEntries(inputsOf(element).map((input) => [input.name, input.value]));
}

/** @param {HTMLFormElement} element */
function complete(element) {
  const empty = inputsOf(element).filter((input) => input.required && !input.value.trim());
  for (const input of empty) showError(input, t().common.required);
  empty[0]?.focus();
  return empty.length === 0;
}

/**
 * @param {HTMLFormElement} element
 * @param {any} caught `null` takes what was shown away
 */
export function showProblem(element, caught) {
  const fields = caught instanceof ApiProblem ? fieldsOf(caught) : {};
  const known = inputsOf(element);
  for (const input of known) {
    const told = fields[input.name];
    showError(input, told ? fieldText(told.code, told.message) : "");
  }
  const wrong = known.filter((input) => fields[input.name]);
  wrong[0]?.focus();
  const line = /** @type {HTMLElement} */ (element.querySelector(".problem"));
  line.hidden = caught === null || wrong.length > 0;
  line.textContent = line.hidden ? "" : problemText(caught);
}

/**
 * @param {HTMLInputElement | HTMLTextAreaElement} input
 * @param {string} text
 */
function showError(input, text) {
  const line = document.getElementById(`${input.id}-error`);
  attribute(input, "aria-invalid", text ? "true" : null);
  if (!line) return;
  line.hidden = !text;
  line.textContent = text;
}
