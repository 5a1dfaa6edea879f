// @ts-check
import { h } from "./element.js";

/** How long one is there to be read. */
const SHOWN_MS = 5_000;

/** @type {HTMLElement | null} */
let place = null;

/** Makes the place where they appear; it must be there before the first, or nobody is told of it. */
export function toastPlace() {
  place ??= h("div", { class: "toasts", role: "status" });
  return place;
}

/**
 * Says for some seconds what became of something.
 *
 * @param {string} text
 */
export function toast(text) {
  const shown = h("p", { class: "toast" }, text);
  toastPlace().append(shown);
  setTimeout(() => shown.remove(), SHOWN_MS);
}
