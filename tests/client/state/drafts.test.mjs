import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Drafts } from "../../../src/client/assets/js/state/drafts.js";
import { FakeBrowser, settle } from "./fake.mjs";

let browser;
beforeEach(() => {
  browser = new FakeBrowser();
});

async function tab(user = "u1") {
  const platform = browser.platform();
  const channel = platform.channel();
  const drafts = new Drafts(platform, channel);
  channel.listen((note) => drafts.heard(note));
  await drafts.open(user);
  return drafts;
}

test("a draft survives a reload, each room's for itself", async () => {
  const drafts = await tab();
  await drafts.set("general", "hel");
  await drafts.set("random", "other");
  drafts.close();
  const again = await tab();
  assert.deepEqual([again.get("general"), again.get("random"), again.get("help")], ["hel", "other", ""]);
});

test("of many keys the last is kept, though each does not wait for the disk", async () => {
  const drafts = await tab();
  let last;
  for (const text of ["h", "he", "hel", "hell", "hello"]) last = drafts.set("general", text);
  await last;
  assert.deepEqual(await browser.keep.list("drafts", ""), [{ roomId: "general", text: "hello" }]);
});

test("an empty one is not kept", async () => {
  const drafts = await tab();
  await drafts.set("general", "x");
  await drafts.set("general", "");
  assert.deepEqual(await browser.keep.list("drafts", ""), []);
});

test("another tab sees it", async () => {
  const [a, b] = [await tab(), await tab()];
  const heard = [];
  b.on("changed", (roomId) => heard.push(roomId));
  await a.set("general", "hello");
  await settle();
  assert.equal(b.get("general"), "hello");
  assert.deepEqual(heard, ["general"]);
});

test("nobody sees another's", async () => {
  await (await tab("u1")).set("general", "mine");
  assert.equal((await tab("u2")).get("general"), "");
});

test("who signs out leaves nothing", async () => {
  const drafts = await tab();
  await drafts.set("general", "mine");
  await drafts.wipe();
  assert.deepEqual(await browser.keep.list("drafts", ""), []);
});
