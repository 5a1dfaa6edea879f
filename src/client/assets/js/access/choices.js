// @ts-check
import { h } from "../element.js";
import { styled } from "../style.js";

await styled("access");

/**
 * @typedef {object} Choice
 * @property {string} value
 * @property {string} name
 * @property {string} [about]
 * @property {boolean} checked
 */

/**
 * Several things of which any may be chosen.
 *
 * @param {{label: string, options: Choice[]}} question
 */
export function choices({ label, options }) {
  const boxes = options.map(({ value, checked }) => h("input", { type: "checkbox", class: "check", value, checked }));
  const rows = options.map(({ name, about }, at) =>
    h(
      "label",
      { class: "tick" },
      boxes[at],
      about ? h("span", {}, about, h("span", { class: "soft small word" }, name)) : h("span", {}, name),
    ),
  );
  return {
    element: h("fieldset", { class: "choices" }, h("legend", {}, label), rows),
    /** The values that are chosen now. */
    chosen: () => boxes.filter(({ checked }) => checked).map(({ value }) => value),
  };
}
