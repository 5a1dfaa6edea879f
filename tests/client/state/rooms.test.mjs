import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ApiProblem } from "../../../src/client/assets/js/state/api.js";
import { Rooms } from "../../../src/client/assets/js/state/rooms.js";
import { FakeBrowser, settle } from "./fake.mjs";

let browser, data, told, fails;

beforeEach(() => {
  browser = new FakeBrowser();
  data = [info("general", { head: 10, read: 4 }), info("random", { last_message_at: "2026-01-02T00:00:00Z" })];
  told = [];
  fails = null;
});

function info(id, more = {}) {
  return { id, name: id, topic: null, head: 0, read: 0, last_message_at: null, online: 0, created_at: "2026-01-01T00:00:00Z", ...more };
}

function tab() {
  const platform = browser.platform();
  const channel = platform.channel();
  const api = {
    get: async (path) => {
      if (fails) throw fails;
      return path === "/api/chat/rooms" ? { data } : data.find(({ id }) => path.endsWith(`/${id}`)) ?? Promise.reject(fails);
    },
    put: async (path, body) => {
      if (fails) throw fails;
      told.push([path, body]);
    },
    post: async (_, form) => info("new-room", form),
  };
  const rooms = new Rooms(api, platform, channel);
  channel.listen((note) => note.kind === "read" && rooms.update(note.roomId, { read: note.seq }));
  return rooms;
}

async function ready() {
  const rooms = tab();
  await rooms.reload();
  return rooms;
}

test("unread is what lies between the last message and the mark", async () => {
  const rooms = await ready();
  assert.equal(rooms.get("general").unread, 6);
  rooms.update("general", { head: 12 });
  assert.deepEqual([rooms.get("general").unread, rooms.totalUnread], [8, 8]);
});

test("where somebody spoke last stands first", async () => {
  const rooms = await ready();
  const ids = () => rooms.list.map(({ id }) => id);
  assert.deepEqual(ids(), ["random", "general"]);
  rooms.update("general", { lastMessageAt: "2026-01-03T00:00:00Z" });
  assert.deepEqual(ids(), ["general", "random"]);
});

test("marks are gathered, and the server is told the last", async () => {
  const rooms = await ready();
  for (const seq of [5, 6, 7]) rooms.markRead("general", seq);
  assert.equal(rooms.get("general").unread, 3, "here at once");
  assert.deepEqual(told, []);
  await browser.pass(500);
  assert.deepEqual(told, [["/api/chat/rooms/general/read", { seq: 7 }]]);
});

test("a mark never goes back", async () => {
  const rooms = await ready();
  rooms.markRead("general", 8);
  rooms.markRead("general", 5);
  rooms.update("general", { read: 3 });
  assert.equal(rooms.get("general").read, 8);
  await rooms.reload();
  assert.equal(rooms.get("general").read, 8, "the server did not know yet");
  await browser.pass(500);
  assert.deepEqual(told.map(([, { seq }]) => seq), [8]);
});

test("what the server did not hear is told again", async () => {
  const rooms = await ready();
  fails = new ApiProblem(0, "offline", "");
  rooms.markRead("general", 8);
  await browser.pass(500);
  fails = null;
  await rooms.tell();
  assert.deepEqual(told.map(([, { seq }]) => seq), [8]);
  fails = new ApiProblem(404, "not_found", "");
  rooms.markRead("general", 9);
  await browser.pass(500);
  fails = null;
  await rooms.tell();
  assert.equal(told.length, 1, "a refusal is not repeated");
});

test("two tabs agree on what was read", async () => {
  const [a, b] = [await ready(), await ready()];
  a.markRead("general", 9);
  await settle();
  assert.equal(b.get("general").unread, 1);
});

test("news that are older than a frame do not win", async () => {
  const rooms = await ready();
  rooms.update("general", { head: 20 });
  await rooms.reload();
  assert.equal(rooms.get("general").head, 20);
});

test("without a network, the rooms of the last time are there", async () => {
  await ready();
  await settle();
  fails = new ApiProblem(0, "offline", "");
  const rooms = await ready();
  assert.deepEqual([rooms.state, rooms.list.length], ["ready", 2]);
  rooms.clear();
  assert.deepEqual([rooms.state, rooms.list.length], ["loading", 0]);
  await rooms.wipe();
  assert.equal((await ready()).state, "failed", "nothing stays for the next one to sign in");
});

test("a room that somebody made is found by its address, and one that is not there is not", async () => {
  const rooms = await ready();
  data.push(info("later"));
  assert.equal(await rooms.find("later"), true);
  assert.equal(rooms.get("later").name, "later");
  assert.equal(await rooms.find("nowhere"), false);
});

test("a new room is in the list", async () => {
  const rooms = await ready();
  const made = await rooms.create({ name: "New room" });
  assert.equal(made.id, "new-room");
  assert.ok(rooms.get("new-room"));
});

test("a change that changes nothing is not told", async () => {
  const rooms = await ready();
  let changes = 0;
  rooms.on("changed", () => (changes += 1));
  rooms.update("general", { head: 10, read: 4, online: 0 });
  rooms.update("nowhere", { head: 10 });
  assert.equal(changes, 0);
});
