import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Chat } from "../../../src/client/assets/js/state/chat.js";
import { FakeBrowser, history, message, settle, user } from "./fake.mjs";

let browser, head, signedIn, chats;

beforeEach(() => {
  browser = new FakeBrowser();
  [head, signedIn, chats] = [3, true, []];
  const pages = history(() => head);
  browser.answers = async ({ path }) => {
    if (!browser.online) throw new TypeError("no network");
    if (path === "/api/auth/refresh") {
      return signedIn
        ? { body: { user: user("me"), token: "t1", expires_in: 86_400 } }
        : { status: 401, body: { code: "unauthenticated" } };
    }
    if (path.startsWith("/api/auth/logout")) return { status: 204 };
    if (path.endsWith("/members")) return { body: { data: [user("me"), user("u2")] } };
    if (path.includes("/messages")) return { body: pages(path) };
    const room = (id, more) => ({ id, name: id, topic: null, head: 0, read: 0, last_message_at: null, online: 0, created_at: "2026-01-01T00:00:00Z", ...more });
    if (path === "/api/chat/rooms") return { body: { data: [room("general", { head, read: 1 }), room("random")] } };
    return { status: 204 };
  };
});

async function start() {
  const chat = new Chat(browser.platform());
  chats.push(chat);
  await chat.start();
  await settle();
  return chat;
}

/** The server lets the socket in, and answers what comes. */
async function live(more = {}) {
  await browser.socket.authenticate();
  await serve(more);
}

const answered = new WeakMap();
async function serve({ message: answerMessage } = {}) {
  const { socket } = browser;
  for (let turn = 0; turn < 10; turn += 1) {
    const at = answered.get(socket) ?? 0;
    answered.set(socket, socket.frames.length);
    for (const frame of socket.frames.slice(at)) {
      const { ref, room_id, type } = frame;
      if (type === "connect") {
        const last = room_id === "general" ? head : 0;
        const resumed = frame.after !== undefined;
        await socket.say({ type: "connected", ref, room_id, head: last, rev: last, epoch: "e1", online: 2, resumed });
      }
      if (type === "message") {
        const reply = answerMessage?.(frame) ?? { type: "ack", client_message_id: frame.client_message_id, seq: ++head, rev: head };
        await socket.say({ ...reply, ref });
        if (reply.type === "ack") await socket.say({ type: "message", ...message(head, { sender_id: "me", content: frame.content, client_message_id: frame.client_message_id }) });
      }
    }
    await settle();
  }
}

const said = (timeline) => timeline.rows.filter(({ kind }) => kind === "message").map(({ message: { content } }) => content);

test("it joins every room on one socket, and shows the one that is open", async () => {
  const chat = await start();
  const timeline = chat.open("general");
  await live();
  const rooms = browser.socket.frames.filter(({ type }) => type === "connect").map(({ room_id }) => room_id);
  assert.deepEqual(rooms.sort(), ["general", "random"]);
  assert.equal(browser.sockets.length, 1);
  assert.deepEqual(said(timeline), ["message 1", "message 2", "message 3"]);
  assert.deepEqual(chat.presence.people("general").people.map(({ id }) => id), ["me", "u2"]);
});

test("a message of a room that nobody looks at counts as unread", async () => {
  const chat = await start();
  await live();
  const arrived = [];
  chat.on("arrived", ({ room_id }) => arrived.push(room_id));
  await browser.socket.say({ type: "message", ...message(1, { room_id: "random" }) });
  assert.equal(chat.rooms.get("random").unread, 1);
  assert.deepEqual(arrived, ["random"]);
});

test("what is sent is shown once, from pending to sent, and counts as read", async () => {
  const chat = await start();
  const timeline = chat.open("general");
  await live();
  await chat.send("general", "hello");
  assert.equal(said(timeline).at(-1), "hello");
  await serve();
  assert.deepEqual(said(timeline).slice(-2), ["message 3", "hello"]);
  assert.deepEqual([chat.outbox.count, chat.rooms.get("general").unread], [0, 0]);
});

test("after overloaded the same message goes again, and the next one after it", async () => {
  const chat = await start();
  await live();
  await chat.send("general", "one");
  await chat.send("general", "two");
  await serve({ message: () => ({ type: "error", code: "overloaded", error: "x", retry_after_ms: 250 }) });
  await browser.pass(250);
  await serve();
  const sent = browser.socket.frames.filter(({ type }) => type === "message").map(({ content }) => content);
  assert.deepEqual(sent, ["one", "one", "two"]);
});

test("after a crash it resumes where it was, and sends what was not answered under the same id", async () => {
  const chat = await start();
  const timeline = chat.open("general");
  await live();
  await chat.send("general", "typed while it died");
  await settle();
  const first = browser.socket.last("message");
  await browser.socket.end(1006);
  assert.equal(chat.connection.state.kind, "waiting");
  assert.equal(said(timeline).at(-1), "typed while it died");
  await browser.pass(1000);
  await live();
  const resumed = browser.socket.frames.find(({ type, room_id }) => type === "connect" && room_id === "general");
  assert.deepEqual([resumed.after, resumed.epoch], [3, "e1"]);
  const second = browser.socket.last("message");
  assert.equal(second.client_message_id, first.client_message_id);
  assert.equal(said(timeline).filter((text) => text === "typed while it died").length, 1);
  assert.equal(chat.outbox.count, 0);
});

test("written offline, tab closed, come back: all is sent in order", async () => {
  const chat = await start();
  await live();
  await browser.network(false);
  for (const text of ["one", "two", "three"]) await chat.send("general", text);
  chat.close();
  browser.online = true;
  await start();
  await live();
  await serve();
  const sent = browser.socket.frames.filter(({ type }) => type === "message").map(({ content }) => content);
  assert.deepEqual(sent, ["one", "two", "three"]);
});

test("an offline start shows who one is and the rooms", async () => {
  (await start()).close();
  await settle();
  browser.online = false;
  const chat = await start();
  assert.deepEqual([chat.login.state, chat.rooms.list.length, chat.connection.state.kind], ["in", 2, "offline"]);
});

test("one's own coming and going is no notice", async () => {
  const chat = await start();
  const timeline = chat.open("general");
  await live();
  const joined = (id) => browser.socket.say({ type: "user_joined", room_id: "general", user: user(id), created_at: "2026-01-01T00:00:00Z" });
  await joined("me");
  assert.equal(timeline.rows.at(-1).kind, "message");
  await joined("u3");
  assert.equal(timeline.rows.at(-1).kind, "notices");
});

test("who signs out takes everything along", async () => {
  const chat = await start();
  chat.open("general");
  await live();
  await chat.drafts.set("general", "half a sen");
  await browser.network(false);
  await chat.send("general", "never sent");
  await browser.network(true);
  await chat.login.signOut();
  await settle();
  assert.deepEqual([chat.rooms.list, chat.connection.state.kind], [[], "idle"]);
  for (const table of ["outbox", "drafts", "page"]) assert.deepEqual(await browser.keep.list(table, ""), [], table);
});

test("a login that was ended keeps what was written for the next one", async () => {
  const chat = await start();
  await live();
  await browser.network(false);
  await chat.send("general", "later");
  chat.login.ended("ended");
  await settle();
  assert.equal((await browser.keep.list("outbox", "")).length, 1);
  assert.deepEqual(chat.outbox.of("general"), [], "but shows it to nobody");
});

test("ten rooms stay in memory", async () => {
  const chat = await start();
  const first = chat.open("room-0");
  for (let at = 1; at <= 10; at += 1) chat.open(`room-${at}`);
  assert.notEqual(chat.open("room-0"), first);
});

test("typing is told only on a live line, and not on each key", async () => {
  const chat = await start();
  chat.typing("general");
  await live();
  chat.typing("general");
  chat.typing("general");
  assert.equal(browser.socket.frames.filter(({ type }) => type === "typing").length, 1);
});
