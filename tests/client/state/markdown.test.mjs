import assert from "node:assert/strict";
import { test } from "node:test";
import { safe } from "../../../src/client/assets/js/state/inline.js";
import { parse } from "../../../src/client/assets/js/state/markdown.js";

/** The tokens of one paragraph, in short. */
function line(text) {
  const blocks = parse(text);
  assert.equal(blocks.length, 1, JSON.stringify(blocks));
  assert.equal(blocks[0].kind, "paragraph");
  return blocks[0].inline.map(short);
}

function short(token) {
  if (token.kind === "text") return token.text;
  if (token.kind === "break") return "\n";
  if (token.kind === "code") return `code(${token.text})`;
  const inner = token.inline.map(short).join("");
  return token.kind === "link" ? `link(${token.href}|${inner})` : `${token.kind}(${inner})`;
}

/** Every href and every kind in a tree of tokens. */
function* tokens(value) {
  if (Array.isArray(value)) for (const inner of value) yield* tokens(inner);
  else if (value && typeof value === "object") {
    if (value.kind) yield value;
    for (const inner of Object.values(value)) yield* tokens(inner);
  }
}

test("markup of other languages stays text", () => {
  for (const text of [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "&lt;b&gt; &#60;",
    '<a href="javascript:alert(1)">x</a>',
  ]) {
    assert.deepEqual(line(text), [text]);
  }
});

test("nothing but the web and mail is linked", () => {
  for (const address of [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "\u0001javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:x",
    "//evil.example",
    "/relative",
    "ftp://example.com",
  ]) {
    assert.equal(safe(address), null, address);
    for (const text of [`[x](${address})`, address, `**[x](${address})**`]) {
      const links = [...tokens(parse(text))].filter(({ kind }) => kind === "link");
      assert.deepEqual(links, [], text);
    }
  }
  assert.equal(safe("https://example.com/a b"), "https://example.com/a%20b");
});

/** Whatever somebody writes: no link but to the web, nothing lost to an exception, in a bounded time. */
test("no text makes anything else", () => {
  const pieces = ["[", "](", ")", "javascript:", "https://a.b", "*", "**", "_", "~~", "`", "```\n", "\n", ">", "- ", "1. ", "\\", "<b>", " ", "x", "é", "😀"];
  let seed = 7;
  const next = (limit) => (seed = (seed * 48271) % 2147483647) % limit;
  for (let round = 0; round < 3000; round += 1) {
    const text = Array.from({ length: next(40) }, () => pieces[next(pieces.length)]).join("");
    for (const token of tokens(parse(text))) {
      if (token.kind === "link") assert.match(token.href, /^(https?:|mailto:)/, text);
    }
  }
});

test("4000 marks are read in no time", () => {
  for (const piece of ["*", "**", "_a", "`", "[", "[](", "> ", "*a_b", "https://a.b/(", "~~", "- ", "``` \n"]) {
    const text = piece.repeat(4000 / piece.length);
    const begin = performance.now();
    parse(text);
    assert.ok(performance.now() - begin < 1000, JSON.stringify(piece));
  }
});

test("emphasis stands at words", () => {
  assert.deepEqual(line("**a** *b* _c_ ~~d~~"), ["strong(a)", " ", "emphasis(b)", " ", "emphasis(c)", " ", "strike(d)"]);
  assert.deepEqual(line("snake_case_name 2 * 3 * 4"), ["snake_case_name 2 * 3 * 4"]);
  assert.deepEqual(line("**a *b* c**"), ["strong(a emphasis(b) c)"]);
  assert.deepEqual(line("**open"), ["**open"]);
  assert.deepEqual(line("\\*not\\*"), ["*not*"]);
});

test("code is taken as it is", () => {
  assert.deepEqual(line("`**a**`"), ["code(**a**)"]);
  assert.deepEqual(line("``a`b``"), ["code(a`b)"]);
  assert.deepEqual(parse("```js\n**a**\n<b>\n```"), [{ kind: "code", language: "js", text: "**a**\n<b>" }]);
  assert.equal(parse("```js\nnever closed")[0].kind, "paragraph");
});

test("addresses become links, without the sentence around them", () => {
  assert.deepEqual(line("see https://example.com/a."), ["see ", "link(https://example.com/a|https://example.com/a)", "."]);
  assert.deepEqual(line("(https://example.com/a_(b))"), ["(", "link(https://example.com/a_(b)|https://example.com/a_(b))", ")"]);
  assert.deepEqual(line("[**name**](https://example.com)"), ["link(https://example.com/|strong(name))"]);
  assert.deepEqual(line("[https://bank.example](https://evil.example)"), ["link(https://evil.example/|https://bank.example)"]);
});

test("lines, lists and quotes", () => {
  assert.deepEqual(line("a\nb"), ["a", "\n", "b"]);
  assert.deepEqual(parse("a\n\nb").map(({ kind }) => kind), ["paragraph", "paragraph"]);
  const [list] = parse("3. a\n4. b");
  assert.deepEqual([list.kind, list.ordered, list.start, list.items.length], ["list", true, 3, 2]);
  const [quote] = parse("> a\n> - b");
  assert.deepEqual([quote.kind, ...quote.blocks.map(({ kind }) => kind)], ["quote", "paragraph", "list"]);
});

test("nothing is lost: text of marks that do not close is all there", () => {
  assert.deepEqual(line("a * b ** c _ d ~~ e [f](g) `h"), ["a * b ** c _ d ~~ e [f](g) `h"]);
});
