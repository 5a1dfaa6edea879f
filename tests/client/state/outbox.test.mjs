import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Outbox } from "../../../src/client/assets/js/state/outbox.js";
import { FakeBrowser, settle } from "./fake.mjs";

let browser;
beforeEach(() => {
  browser = new FakeBrowser();
});

/** A tab: what it sent, and what becomes of it. */
async function tab({ user = "u1", live = true, answer = async () => ({ kind: "sent" }) } = {}) {
  const platform = browser.platform();
  const channel = platform.channel();
  const own = { sent: [], answer };
  own.outbox = new Outbox(platform, channel, (entry) => {
    own.sent.push(entry);
    return own.answer(entry);
  });
  channel.listen((note) => own.outbox.heard(note));
  own.channel = channel;
  await own.outbox.open(user);
  own.outbox.connected(live);
  await settle();
  return own;
}

const texts = (entries) => entries.map((entry) => entry.content);

test("a message is sent once, under a UUIDv7, and is gone from the disk", async () => {
  const { outbox, sent } = await tab();
  const entry = await outbox.add("general", "hello");
  await settle();
  assert.deepEqual(texts(sent), ["hello"]);
  assert.match(entry.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(outbox.count, 0);
  assert.deepEqual(await browser.keep.list("outbox", ""), []);
});

test("it is on the page before it is on the disk, and sent only after", async () => {
  let kept;
  const put = browser.keep.put;
  browser.keep = { ...browser.keep, put: (...all) => new Promise((go) => (kept = () => go(put(...all)))) };
  const { outbox, sent } = await tab();
  const adding = outbox.add("general", "hello");
  await settle();
  assert.deepEqual(texts(outbox.of("general")), ["hello"]);
  outbox.drain();
  await settle();
  assert.deepEqual(sent, []);
  kept();
  await adding;
  await settle();
  assert.deepEqual(texts(sent), ["hello"]);
});

test("written offline, tab closed, come back: sent once, in order", async () => {
  const first = await tab({ live: false });
  for (const text of ["one", "two", "three"]) await first.outbox.add("general", text);
  await settle();
  assert.deepEqual(first.sent, []);
  first.outbox.close();
  first.channel.close();

  const second = await tab();
  assert.deepEqual(texts(second.sent), ["one", "two", "three"]);
  assert.equal(second.outbox.count, 0);
  const third = await tab();
  assert.deepEqual(third.sent, [], "nothing is left");
});

test("one at a time: the next goes when the one before was answered", async () => {
  const answers = [];
  const { outbox, sent } = await tab({ answer: () => new Promise((go) => answers.push(go)) });
  await outbox.add("general", "one");
  await outbox.add("random", "two");
  await settle();
  assert.deepEqual(texts(sent), ["one"]);
  answers[0]({ kind: "sent" });
  await settle();
  assert.deepEqual(texts(sent), ["one", "two"]);
});

test("after overloaded the same one goes again first, at the time that the server gives", async () => {
  let refusals = 2;
  const own = await tab({
    answer: async () => (refusals-- > 0 ? { kind: "again", ms: 400 } : { kind: "sent" }),
  });
  await own.outbox.add("general", "one");
  await own.outbox.add("general", "two");
  await settle();
  assert.deepEqual(texts(own.sent), ["one"]);
  await browser.pass(399);
  assert.deepEqual(texts(own.sent), ["one"]);
  await browser.pass(1);
  assert.deepEqual(texts(own.sent), ["one", "one"]);
  await browser.pass(400);
  assert.deepEqual(texts(own.sent), ["one", "one", "one", "two"]);
  assert.equal(new Set(own.sent.map(({ id }) => id)).size, 2, "a retry keeps its id");
});

test("without a time each wait is twice as long, up to half a minute", async () => {
  const own = await tab({ answer: async () => ({ kind: "again" }) });
  await own.outbox.add("general", "one");
  await settle();
  const times = [];
  const begin = browser.now;
  own.answer = async () => {
    times.push((browser.now - begin) / 1000);
    return { kind: "again" };
  };
  await browser.pass(100_000);
  assert.deepEqual(times, [1, 3, 7, 15, 31, 61, 91]);
});

test("a lost line stops it, and the next one begins with the same message", async () => {
  const own = await tab({ answer: async () => ({ kind: "wait" }) });
  await own.outbox.add("general", "one");
  await own.outbox.add("general", "two");
  await settle();
  own.outbox.connected(false);
  own.sent.length = 0;
  own.answer = async () => ({ kind: "sent" });
  await browser.pass(60_000);
  assert.deepEqual(own.sent, []);
  own.outbox.connected(true);
  await settle();
  assert.deepEqual(texts(own.sent), ["one", "two"]);
});

test("what is refused stays with its reason, and lets the others pass", async () => {
  const problem = { code: "invalid_content", message: "no" };
  const own = await tab({
    answer: async ({ content }) => (content === "bad" ? { kind: "refused", problem } : { kind: "sent" }),
  });
  await own.outbox.add("general", "bad");
  await own.outbox.add("general", "good");
  await settle();
  const [entry] = own.outbox.of("general");
  assert.deepEqual([entry.state, entry.problem, own.outbox.count], ["failed", problem, 1]);
  assert.deepEqual(texts(own.sent), ["bad", "good"]);

  own.answer = async () => ({ kind: "sent" });
  await own.outbox.retry(entry.id);
  await settle();
  assert.equal(own.sent.at(-1).id, entry.id, "the same message");
  assert.equal(own.outbox.count, 0);
});

test("a conflict of ids is mended by another id", async () => {
  const problem = { code: "client_message_id_conflict", message: "no" };
  const own = await tab({ answer: async () => ({ kind: "refused", problem }) });
  const { id } = await own.outbox.add("general", "text");
  await settle();
  own.answer = async () => ({ kind: "sent" });
  await own.outbox.retry(id);
  await settle();
  assert.equal(own.sent.length, 2);
  assert.notEqual(own.sent[1].id, id);
});

test("what was thrown away is not sent", async () => {
  const own = await tab({ live: false });
  const { id } = await own.outbox.add("general", "text");
  await own.outbox.discard(id);
  own.outbox.connected(true);
  await settle();
  assert.deepEqual(own.sent, []);
  assert.deepEqual(await browser.keep.list("outbox", ""), []);
});

test("a sent one is shown until its message is here", async () => {
  const own = await tab();
  const { id } = await own.outbox.add("general", "text");
  await settle();
  assert.equal(own.outbox.of("general")[0].sent, true);
  own.outbox.seen(id);
  assert.deepEqual(own.outbox.of("general"), []);
});

test("two tabs send each message once, in the order of writing", async () => {
  const sent = [];
  const answer = async (entry) => {
    await settle();
    sent.push(entry.content);
    return { kind: "sent" };
  };
  const [a, b] = [await tab({ answer }), await tab({ answer })];
  const writing = [];
  for (let at = 0; at < 6; at += 1) {
    writing.push((at % 2 ? a : b).outbox.add("general", `text ${at}`));
  }
  await Promise.all(writing);
  for (let turn = 0; turn < 20; turn += 1) await settle();
  assert.deepEqual(sent, [0, 1, 2, 3, 4, 5].map((at) => `text ${at}`));
  assert.deepEqual([a.outbox.count, b.outbox.count], [0, 0]);
});

test("a tab shows what another one wrote", async () => {
  const [a, b] = [await tab({ live: false }), await tab({ live: false })];
  await a.outbox.add("general", "text");
  await settle();
  assert.deepEqual(texts(b.outbox.of("general")), ["text"]);
});

test("one user's messages are never sent as another's", async () => {
  const alice = await tab({ live: false });
  await alice.outbox.add("general", "of u1");
  alice.outbox.close();
  alice.channel.close();
  const bob = await tab({ user: "u2" });
  assert.deepEqual(bob.sent, []);
  bob.outbox.close();
  bob.channel.close();
  const again = await tab();
  assert.deepEqual(texts(again.sent), ["of u1"]);
});

test("who signs out leaves nothing", async () => {
  const own = await tab({ live: false });
  await own.outbox.add("general", "text");
  await own.outbox.wipe();
  assert.deepEqual(await browser.keep.list("outbox", ""), []);
});
