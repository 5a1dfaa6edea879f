import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import en from "../../../src/client/assets/js/text/admin-en.js";
import pt from "../../../src/client/assets/js/text/admin-pt.js";

test("every act and refusal of the audit log has words in every language", async () => {
  const source = await readFile(new URL("../../../src/domain/audit/words.rs", import.meta.url), "utf8");
  const words = [...source.matchAll(/= "([a-z_]+\.[a-z_]+)",/g)].map(([, word]) => word);
  assert.ok(words.length > 40, `${words.length} words were found`);
  for (const { acts } of [en, pt]) {
    assert.deepEqual(Object.keys(acts).sort(), [...words].sort());
    for (const [word, text] of Object.entries(acts)) assert.ok(text && text !== word, word);
  }
});
