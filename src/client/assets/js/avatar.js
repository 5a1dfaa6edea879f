// @ts-check
import { h } from "./element.js";

/** How many colours there are in avatar.css. */
const HUES = 8;

/**
 * A person's initials on a colour of their own. Beside the name, so it says nothing aloud.
 *
 * @param {{id: string, full_name: string}} person
 */
export function avatar({ id, full_name: name }) {
  const text = initials(name);
  return h("span", { class: "avatar", "data-hue": hue(id), "aria-hidden": "true" }, text);
}

/** @param {string} name */
function initials(name) {
  const words = name.trim().split(/\s+/);
  const first = [words[0], words.length > 1 ? words[words.length - 1] : ""];
  return first.map((word) => [...word][0] ?? "").join("").toUpperCase();
}

/**
 * The last letters of an id are random; the first are its time.
 *
 * @param {string} id
 */
function hue(id) {
  let sum = 0;
  for (const letter of id.slice(-8)) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  return sum % HUES;
}
