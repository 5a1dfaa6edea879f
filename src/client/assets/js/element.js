// @ts-check
import { DetailEvent } from "./state/emitter.js";

/** @typedef {Node | string | number | null | undefined | false} Child */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element. Texts become text nodes and nothing else, so no text can bring markup along.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [attributes] `onclick` and the like listen; `true` sets an empty
 *   attribute; `null`, `undefined` and `false` set none
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  assign(element, attributes);
  put(element, children);
  return element;
}

/**
 * Makes an element of a drawing.
 *
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes, ...children) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  assign(element, attributes);
  put(element, children);
  return element;
}

/**
 * Puts these children in the place of all others.
 *
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren();
  put(element, children);
}

/**
 * Sets an attribute, or removes it with `null` and `false`.
 *
 * @param {Element} element
 * @param {string} name
 * @param {any} value
 */
export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/**
 * @param {Element} element
 * @param {Record<string, any>} [attributes]
 */
function assign(element, attributes = {}) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else attribute(element, name, value);
  }
}

/**
 * @param {Element} element
 * @param {(Child | Child[])[]} children
 */
function put(element, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** A custom element that forgets what it listens to when it leaves the page. */
export class View extends HTMLElement {
  /** @type {(() => void)[]} */
  #ends = [];

  connectedCallback() {
    this.appear();
  }

  disconnectedCallback() {
    for (const end of this.#ends.splice(0)) end();
    this.vanish();
  }

  /** It is on the page now: build what it shows and listen. */
  appear() {}

  /** It has left the page. */
  vanish() {}

  /**
   * Calls `listener` with each such event while this is on the page; with its detail, if it is one
   * of the state's.
   *
   * @param {EventTarget} target
   * @param {string} type
   * @param {(detail: any) => void} listener
   */
  watch(target, type, listener) {
    /** @param {Event} event */
    const heard = (event) => listener(event instanceof DetailEvent ? event.detail : event);
    target.addEventListener(type, heard);
    this.#ends.push(() => target.removeEventListener(type, heard));
  }

  /**
   * Calls `end` when this leaves the page.
   *
   * @param {() => void} end
   */
  until(end) {
    this.#ends.push(end);
  }
}
