// @ts-check
import { inline } from "./inline.js";

/**
 * @typedef {import("./inline.js").Inline} Inline
 *
 * @typedef {{kind: "paragraph", inline: Inline[]}
 *   | {kind: "code", text: string, language: string}
 *   | {kind: "quote", blocks: Block[]}
 *   | {kind: "list", ordered: boolean, start: number, items: Inline[][]}} Block
 */

const FENCE = /^```\s*([\w+#.-]{0,30})\s*$/;
const QUOTE = /^> ?/;
const BULLET = /^ {0,3}[-*+] +(?=\S)/;
const NUMBER = /^ {0,3}(\d{1,9})[.)] +(?=\S)/;
const DEPTH = 4;

/**
 * Reads a message as blocks of tokens. No text becomes HTML anywhere on the way, so none can run.
 *
 * @param {string} text
 * @returns {Block[]}
 */
export function parse(text) {
  return blocks(text.split("\n"), 0);
}

/**
 * @param {string[]} lines
 * @param {number} depth
 * @returns {Block[]}
 */
function blocks(lines, depth) {
  /** @type {Block[]} */
  const found = [];
  for (let at = 0; at < lines.length; ) {
    const taken = fence(lines, at) ?? quote(lines, at, depth) ?? list(lines, at) ?? paragraph(lines, at, depth);
    if (taken.block) found.push(taken.block);
    at = taken.next;
  }
  return found;
}

/** @typedef {{block: Block | null, next: number} | null} Taken */

/**
 * @param {string[]} lines
 * @param {number} at
 * @returns {Taken}
 */
function fence(lines, at) {
  const open = FENCE.exec(lines[at]);
  if (!open) return null;
  const end = lines.findIndex((line, place) => place > at && /^```\s*$/.test(line));
  if (end < 0) return null;
  const text = lines.slice(at + 1, end).join("\n");
  return { block: { kind: "code", text, language: open[1] }, next: end + 1 };
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {Taken}
 */
function quote(lines, at, depth) {
  const end = run(lines, at, (line) => QUOTE.test(line));
  if (end === at || depth >= DEPTH) return null;
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return { block: { kind: "quote", blocks: blocks(inner, depth + 1) }, next: end };
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @returns {Taken}
 */
function list(lines, at) {
  const sign = [BULLET, NUMBER].find((sign) => sign.test(lines[at]));
  if (!sign) return null;
  const end = run(lines, at, (line) => sign.test(line));
  const items = lines.slice(at, end).map((line) => inline(line.replace(sign, "")));
  const start = Number(NUMBER.exec(lines[at])?.[1] ?? 1);
  return { block: { kind: "list", ordered: sign === NUMBER, start, items }, next: end };
}

/**
 * @param {string[]} lines
 * @param {number} at
 * @param {number} depth
 * @returns {{block: Block | null, next: number}}
 */
function paragraph(lines, at, depth) {
  if (!lines[at].trim()) return { block: null, next: at + 1 };
  const end = run(lines, at + 1, (line, place) => {
    const other = fence(lines, place) || list(lines, place) || (depth < DEPTH && QUOTE.test(line));
    return line.trim() !== "" && !other;
  });
  return { block: { kind: "paragraph", inline: inline(lines.slice(at, end).join("\n")) }, next: end };
}

/**
 * Where a run of lines ends.
 *
 * @param {string[]} lines
 * @param {number} at
 * @param {(line: string, place: number) => boolean} belongs
 */
function run(lines, at, belongs) {
  let end = at;
  while (end < lines.length && belongs(lines[end], end)) end += 1;
  return end;
}
