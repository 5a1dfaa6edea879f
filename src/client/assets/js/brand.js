// @ts-check
import { h } from "./element.js";

const PICTURE = new URL("../icons/parlor.svg", import.meta.url).href;

/** The name, which leads to the beginning. */
export function brand() {
  return h("a", { class: "brand", href: "/" }, h("img", { src: PICTURE, alt: "", width: 28, height: 28 }), "Parlor");
}
