import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Presence } from "../../../src/client/assets/js/state/presence.js";
import { FakeBrowser, settle, user } from "./fake.mjs";

let browser, presence, asked;

beforeEach(() => {
  browser = new FakeBrowser();
  asked = [];
  const get = (path) => new Promise((resolve, reject) => asked.push({ path, resolve, reject }));
  presence = new Presence(browser.platform(), { get }, () => "me");
});

async function answer(...ids) {
  asked.at(-1).resolve({ data: ids.map((id) => user(id)) });
  await settle();
}
const names = () => presence.people("general").people.map(({ id }) => id);
const joined = (id) => presence.heard({ type: "user_joined", room_id: "general", user: user(id) });
const left = (id) => presence.heard({ type: "user_left", room_id: "general", user: user(id) });
const typing = (id) => presence.heard({ type: "typing", room_id: "general", user: user(id) });

test("who is there is asked once, and then comes and goes by notice", async () => {
  presence.ask("general");
  assert.equal(asked[0].path, "/api/chat/rooms/general/members");
  await answer("b", "a");
  assert.deepEqual(names(), ["a", "b"], "by name");
  joined("c");
  left("a");
  assert.deepEqual(names(), ["b", "c"]);
  assert.equal(presence.people("general").online, 2);
  assert.equal(asked.length, 1);
});

test("each connection asks anew: nobody told who came while there was none", async () => {
  presence.ask("general");
  await answer("a");
  presence.lost();
  presence.connected("general", 2);
  assert.equal(asked.length, 2);
  await answer("b", "c");
  assert.deepEqual(names(), ["b", "c"]);
});

/** The page opens the room before the socket has joined it, and the two answers race. */
test("a connection asks anew although the first answer is still on its way, or never came", async () => {
  presence.ask("general");
  presence.connected("general", 1);
  assert.equal(asked.length, 2);
  await answer("me");
  asked[0].resolve({ data: [] });
  await settle();
  assert.deepEqual(names(), ["me"], "the earlier question's answer comes too late");

  presence.ask("random");
  asked.at(-1).reject(new Error("no network"));
  await settle();
  presence.connected("random", 1);
  assert.equal(asked.at(-1).path, "/api/chat/rooms/random/members");
  assert.equal(asked.length, 4);
});

test("who comes or goes while the answer is on its way is not forgotten", async () => {
  presence.ask("general");
  joined("c");
  left("a");
  await answer("a", "b");
  assert.deepEqual(names(), ["b", "c"]);
  assert.equal(presence.people("general").online, 2);
});

test("a room that nobody looks at is counted, not asked for", () => {
  presence.connected("random", 3);
  assert.deepEqual(presence.people("random"), { online: 3, people: [] });
  assert.equal(asked.length, 0);
});

test("a crowd is asked for now and then", async () => {
  presence.ask("general");
  await answer("a");
  const crowd = (online) => presence.heard({ type: "presence", room_id: "general", online });
  crowd(150);
  assert.equal(presence.people("general").online, 150);
  assert.equal(asked.length, 1);
  await browser.pass(10_001);
  crowd(151);
  assert.equal(asked.length, 2);
});

test("typing ends by time, by a message, by leaving and with the line; one's own is not shown", async () => {
  const who = () => presence.typing("general").map(({ id }) => id);
  typing("me");
  assert.deepEqual(who(), []);
  typing("a");
  await browser.pass(4_000);
  typing("a");
  await browser.pass(4_000);
  assert.deepEqual(who(), ["a"], "a later sign prolongs it");
  await browser.pass(1_000);
  assert.deepEqual(who(), []);
  typing("a");
  presence.spoke("general", "a");
  assert.deepEqual(who(), []);
  typing("a");
  left("a");
  assert.deepEqual(who(), []);
  typing("a");
  presence.lost();
  assert.deepEqual(who(), []);
  assert.equal(browser.timers.length, 0);
});

test("one's own typing is told every three seconds at most, each room for itself", async () => {
  assert.deepEqual([presence.tells("general"), presence.tells("general")], [true, false]);
  assert.equal(presence.tells("random"), true);
  await browser.pass(3_000);
  assert.equal(presence.tells("general"), true);
});
