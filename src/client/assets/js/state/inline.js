// @ts-check
/**
 * @typedef {{kind: "text", text: string} | {kind: "break"} | {kind: "code", text: string}
 *   | {kind: "strong" | "emphasis" | "strike", inline: Inline[]}
 *   | {kind: "link", href: string, inline: Inline[]}} Inline
 */

/** The longest first: `**` is not two of `*`. @type {[string, "strong" | "emphasis" | "strike"][]} */
const MARKS = [
  ["**", "strong"],
  ["__", "strong"],
  ["~~", "strike"],
  ["*", "emphasis"],
  ["_", "emphasis"],
];

/** Deeper than this, marks are letters: nobody nests so, but somebody might try to. */
const DEPTH = 6;

const ADDRESS = /https?:\/\/[^\s<>"`]+/iy;
const LINK = /\[([^\[\]\n]{1,500})\]\(([^\s()<>]{1,2000})\)/y;
const WORD = /[\p{L}\p{N}_]/u;
const PUNCTUATION = /[!-/:-@[-`{-~]/;

/**
 * Reads emphasis, code and links.
 *
 * @param {string} text
 * @returns {Inline[]}
 */
export function inline(text) {
  return new Reader(text, 0, true).read();
}

class Reader {
  /** @type {Inline[]} */
  #found = [];
  #plain = "";
  #at = 0;

  /**
   * @param {string} text
   * @param {number} depth
   * @param {boolean} links false inside of a link
   */
  constructor(text, depth, links) {
    this.text = text;
    this.depth = depth;
    this.links = links;
  }

  read() {
    while (this.#at < this.text.length) {
      this.#newline() || this.#escape() || this.#code() || this.#link() || this.#mark() || this.#letter();
    }
    this.#flush();
    return this.#found;
  }

  #newline() {
    if (this.text[this.#at] !== "\n") return false;
    return this.#put({ kind: "break" }, this.#at + 1);
  }

  #escape() {
    const next = this.text[this.#at + 1];
    if (this.text[this.#at] !== "\\" || !next || !PUNCTUATION.test(next)) return false;
    this.#plain += next;
    this.#at += 2;
    return true;
  }

  #code() {
    const end = codeEnd(this.text, this.#at);
    if (!end) return false;
    return this.#put({ kind: "code", text: end.text }, end.at);
  }

  #link() {
    if (!this.links) return false;
    LINK.lastIndex = ADDRESS.lastIndex = this.#at;
    const named = LINK.exec(this.text);
    const target = named && safe(named[2]);
    if (named && target) {
      const words = new Reader(named[1], this.depth + 1, false).read();
      return this.#put({ kind: "link", href: target, inline: words }, this.#at + named[0].length);
    }
    if (WORD.test(this.text[this.#at - 1] ?? "")) return false;
    const found = ADDRESS.exec(this.text);
    const address = found && trimmed(found[0]);
    const href = address && safe(address);
    if (!address || !href) return false;
    const words = /** @type {Inline[]} */ ([{ kind: "text", text: address }]);
    return this.#put({ kind: "link", href, inline: words }, this.#at + address.length);
  }

  #mark() {
    if (this.depth >= DEPTH) return false;
    const mark = MARKS.find(([mark]) => this.text.startsWith(mark, this.#at));
    if (!mark) return false;
    const [sign, kind] = mark;
    const start = this.#at + sign.length;
    const end = markEnd(this.text, this.#at, sign);
    if (end < 0) {
      // All of it is letters, or the second half of `**` would be tried as a `*`.
      this.#plain += sign;
      this.#at = start;
      return true;
    }
    const words = new Reader(this.text.slice(start, end), this.depth + 1, this.links).read();
    return this.#put({ kind, inline: words }, end + sign.length);
  }

  #letter() {
    this.#plain += this.text[this.#at];
    this.#at += 1;
  }

  /**
   * @param {Inline} token
   * @param {number} next
   */
  #put(token, next) {
    this.#flush();
    this.#found.push(token);
    this.#at = next;
    return true;
  }

  #flush() {
    if (this.#plain) this.#found.push({ kind: "text", text: this.#plain });
    this.#plain = "";
  }
}

/**
 * @param {string} text
 * @param {number} at
 * @returns {{text: string, at: number} | null} what is between as many backticks as begin it
 */
function codeEnd(text, at) {
  let start = at;
  while (text[start] === "`") start += 1;
  const ticks = text.slice(at, start);
  if (!ticks) return null;
  for (let end = text.indexOf(ticks, start); end >= 0; end = text.indexOf(ticks, end)) {
    let after = end;
    while (text[after] === "`") after += 1;
    if (after - end === ticks.length) return { text: text.slice(start, end), at: after };
    end = after;
  }
  return null;
}

/**
 * Where the mark that opens at `at` closes, or -1: it stands at words, and `_` not within one.
 *
 * @param {string} text
 * @param {number} at
 * @param {string} sign
 */
function markEnd(text, at, sign) {
  const start = at + sign.length;
  const inWords = sign[0] === "_";
  if (/\s|^$/.test(text[start] ?? "")) return -1;
  if (inWords && WORD.test(text[at - 1] ?? "")) return -1;
  for (let end = start + 1; end < text.length; end += 1) {
    if (text[end] === "\\") end += 1;
    else if (text[end] === "`") end = (codeEnd(text, end)?.at ?? end + 1) - 1;
    else if (text.startsWith(sign, end)) {
      // One of `**` within `*…*` belongs to another mark.
      const double = sign.length === 1 && text[end + 1] === sign;
      const closes = !/\s/.test(text[end - 1]) && !(inWords && WORD.test(text[end + sign.length] ?? ""));
      if (closes && !double) return end;
      if (double) end += 1;
    }
  }
  return -1;
}

/**
 * An address without what ends the sentence around it.
 *
 * @param {string} address
 */
function trimmed(address) {
  let end = address.length;
  for (;;) {
    const last = address[end - 1];
    const open = address.slice(0, end).split("(").length;
    const closed = address.slice(0, end).split(")").length;
    if (/[.,;:!?'*_~]/.test(last) || (last === ")" && closed > open)) end -= 1;
    else return address.slice(0, end);
  }
}

/**
 * The address if it may be followed: a script or data in one would run as ours.
 *
 * @param {string} address
 * @returns {string | null}
 */
export function safe(address) {
  try {
    const { protocol, href } = new URL(address);
    return ["http:", "https:", "mailto:"].includes(protocol) ? href : null;
  } catch {
    return null;
  }
}
