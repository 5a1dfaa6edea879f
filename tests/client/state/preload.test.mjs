import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { test } from "node:test";

const ASSETS = new URL("../../../src/client/assets/", import.meta.url);
const IMPORT = /^(?:import|export)\s(?:[^"';]*?\sfrom\s)?"(\.[^"]+)";/gm;

/** Everything that a module needs before it runs. @param {string} path @param {Set<string>} found */
async function collect(path, found) {
  if (found.has(path)) return found;
  found.add(path);
  const text = await readFile(new URL(path, ASSETS), "utf8");
  for (const [, name] of text.matchAll(IMPORT)) {
    await collect(posix.join(posix.dirname(path), name), found);
  }
  return found;
}

// Else each level of imports costs a journey to the server and back before the next is known.
test("the shell asks at once for every module of the first page", async () => {
  const needed = await collect("js/pages/room.js", await collect("js/app.js", new Set()));
  const shell = await readFile(new URL("index.html", ASSETS), "utf8");
  const asked = [...shell.matchAll(/rel="modulepreload" href="{{assets}}\/([^"]+)"/g)].map(([, path]) => path);
  needed.delete("js/app.js");
  assert.deepEqual(asked, [...needed].sort());
});
