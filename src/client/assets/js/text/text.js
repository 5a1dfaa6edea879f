// @ts-check
import { Emitter } from "../state/emitter.js";
import { ApiProblem } from "../state/api.js";
import en from "./en.js";

/** @typedef {typeof en} Texts */

/** Where the choice of this browser is kept. */
const CHOICE = "parlor.language";

/** The languages there are, each by its own name, and who brings its texts. */
export const LANGUAGES = {
  en: { name: "English", load: async () => en },
  pt: { name: "Português", load: async () => (await import("./pt.js")).default },
};

/** @typedef {keyof typeof LANGUAGES} Language */

/** Fires "changed" when the page is to be shown in another language. */
export const language = new Emitter();

/** @type {Language} */
let current = "en";
/** @type {Texts} */
let texts = en;

/** The texts of the language that is chosen. */
export function t() {
  return texts;
}

/** The language that is chosen, as `lang` takes it. */
export function languageTag() {
  return current;
}

/** How dates and numbers are written: as in the browser's own region, if it speaks this language. */
export function localeTag() {
  return navigator.languages.find((tag) => tag.slice(0, 2).toLowerCase() === current) ?? current;
}

/** Takes the language that was chosen here, else the first of the browser's that there is. */
export async function startTexts() {
  const wanted = [read(), ...navigator.languages].map((tag) => tag?.slice(0, 2).toLowerCase());
  const known = wanted.find((tag) => tag && tag in LANGUAGES) ?? "en";
  await use(/** @type {Language} */ (known));
}

/**
 * Shows the page in this language, now and when it is opened again.
 *
 * @param {Language} tag
 */
export async function chooseLanguage(tag) {
  try {
    localStorage.setItem(CHOICE, tag);
  } catch {
    // A browser that keeps nothing: the choice lasts as long as the page.
  }
  await use(tag);
  language.emit("changed");
}

/** What brings the texts that only some pages need, in the language that is chosen. @type {(() => Promise<void>)[]} */
const further = [];

/**
 * Texts that only some pages need, so that the others need not wait for them. The module that uses
 * them waits for this.
 *
 * @template T
 * @param {Record<Language, () => Promise<{default: T}>>} bring
 * @returns {Promise<() => T>} them in the language that is chosen, as `t` does
 */
export async function moreTexts(bring) {
  /** @type {{own?: T}} */
  const there = {};
  const read = async () => {
    for (let tag; tag !== current; ) {
      tag = current;
      there.own = (await bring[tag]()).default;
    }
  };
  further.push(read);
  await read();
  return () => /** @type {T} */ (there.own);
}

/** @param {Language} tag */
async function use(tag) {
  texts = await LANGUAGES[tag].load();
  current = tag;
  await Promise.all(further.map((read) => read()));
  document.documentElement.lang = tag;
}

function read() {
  try {
    return localStorage.getItem(CHOICE);
  } catch {
    return null;
  }
}

/**
 * What a refusal means, for people. The server's own words are English, and the last resort.
 *
 * @param {any} problem
 * @returns {string}
 */
export function problemText(problem) {
  const { code = "internal", message = "" } = problem ?? {};
  /** @type {Record<string, string>} */
  const known = texts.problems;
  if (known[code]) return known[code];
  return problem instanceof ApiProblem && message ? message : texts.problems.internal;
}

/**
 * What is wrong with a field.
 *
 * @param {string} code
 * @param {string} message of the server
 * @returns {string}
 */
export function fieldText(code, message) {
  /** @type {Record<string, string>} */
  const known = texts.fields;
  return known[code] ?? message;
}
