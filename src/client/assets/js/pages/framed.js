// @ts-check
import { h } from "../element.js";
import { styled } from "../style.js";

await styled("access");

/**
 * The content of a page that is there for everybody: who is signed in sees it beside the rooms.
 *
 * @param {import("../state/chat.js").Chat} chat
 * @param {...import("../element.js").Child} content
 */
export function framed(chat, ...content) {
  if (chat.login.state !== "in") return h("div", { class: "stack" }, content);
  return h("div", { class: "column slim" }, h("div", { class: "card" }, content));
}
