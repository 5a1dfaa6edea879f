// @ts-check
import { h } from "../element.js";
import { parse } from "../state/markdown.js";

/**
 * @typedef {import("../state/markdown.js").Block} Block
 * @typedef {import("../state/inline.js").Inline} Inline
 */

/** A few pictures and nothing else are shown larger. */
const PICTURES = /^(?:\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\u200d\p{Extended_Pictographic}|\ufe0f)*\s*){1,3}$/u;

/**
 * A message's text as elements. It stays text all the way: no part of it is read as markup.
 *
 * @param {string} text
 * @returns {HTMLElement}
 */
export function markdownView(text) {
  const large = PICTURES.test(text.trim());
  return h("div", { class: large ? "text large" : "text" }, parse(text).map(block));
}

/**
 * @param {Block} token
 * @returns {HTMLElement}
 */
function block(token) {
  if (token.kind === "code") {
    // It may be wider than the page: who uses no mouse must be able to scroll it.
    return h("pre", { tabindex: "0", "data-language": token.language || null }, h("code", {}, token.text));
  }
  if (token.kind === "quote") return h("blockquote", {}, token.blocks.map(block));
  if (token.kind === "list") {
    const items = token.items.map((item) => h("li", {}, item.map(inline)));
    return token.ordered ? h("ol", { start: token.start }, items) : h("ul", {}, items);
  }
  return h("p", {}, token.inline.map(inline));
}

/**
 * @param {Inline} token
 * @returns {Node | string}
 */
function inline(token) {
  if (token.kind === "text") return token.text;
  if (token.kind === "break") return h("br");
  if (token.kind === "code") return h("code", {}, token.text);
  if (token.kind === "link") return link(token.href, token.inline.map(inline));
  const tag = /** @type {const} */ ({ strong: "strong", emphasis: "em", strike: "s" })[token.kind];
  return h(tag, {}, token.inline.map(inline));
}

/**
 * @param {string} href
 * @param {(Node | string)[]} children
 */
function link(href, children) {
  const ours = href.startsWith(`${location.origin}/`);
  const away = ours ? {} : { target: "_blank", rel: "noopener noreferrer nofollow" };
  return h("a", { href, ...away }, children);
}
