import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Timeline } from "../../../src/client/assets/js/state/timeline.js";
import { history, message, messages, settle, user } from "./fake.mjs";

let head, read, asked, fails, hold, outgoing;

beforeEach(() => {
  [head, read, asked, fails, hold, outgoing] = [120, 120, [], false, null, []];
});

function open() {
  const answer = history(() => head);
  const get = async (path) => {
    asked.push(path.split("?")[1]);
    if (hold) await hold;
    if (fails) throw new Error("no network");
    return answer(path);
  };
  return new Timeline("general", {
    api: { get },
    me: () => "me",
    outgoing: () => outgoing,
    known: () => ({ head, read }),
  });
}

async function opened() {
  const timeline = open();
  timeline.enter();
  await timeline.loadNewest();
  return timeline;
}

const seqs = (timeline) => timeline.rows.filter(({ kind }) => kind === "message").map(({ message: { seq } }) => seq);
const range = (from, to) => messages(from, to).map(({ seq }) => seq);
const joined = (frame = {}) => ({ head, rev: head, epoch: "e1", resumed: false, ...frame });

test("the newest page first, then older ones up to the first message", async () => {
  const timeline = await opened();
  assert.deepEqual(seqs(timeline), range(71, 120));
  assert.equal(timeline.hasOlder, true);
  await timeline.loadOlder();
  await timeline.loadOlder();
  assert.deepEqual(seqs(timeline), range(1, 120));
  assert.equal(timeline.hasOlder, false);
  assert.deepEqual(asked, ["limit=50", "before=71&limit=50", "before=21&limit=50"]);
  await timeline.loadOlder();
  assert.equal(asked.length, 3, "there is nothing before the first");
});

test("however often a page is asked for meanwhile, it is one request", async () => {
  const timeline = await opened();
  await Promise.all([timeline.loadOlder(), timeline.loadOlder(), timeline.loadOlder()]);
  assert.equal(asked.length, 2);
});

test("an empty room is ready", async () => {
  head = read = 0;
  const timeline = await opened();
  assert.deepEqual([timeline.state, timeline.rows, timeline.hasOlder, timeline.hasNewer], ["ready", [], false, false]);
  timeline.heard(message(1));
  assert.deepEqual(seqs(timeline), [1]);
});

test("live messages follow, and each arrives once", async () => {
  const timeline = await opened();
  const arrived = [];
  timeline.on("arrived", ({ seq }) => arrived.push(seq));
  timeline.heard(message(121));
  timeline.heard(message(122));
  timeline.heard(message(121));
  assert.deepEqual(seqs(timeline).slice(-3), [120, 121, 122]);
  assert.deepEqual(arrived, [121, 122]);
});

test("what comes while the first page is on its way is not lost and not doubled", async () => {
  let go;
  hold = new Promise((resolve) => (go = resolve));
  const timeline = open();
  const loading = timeline.loadNewest();
  for (const seq of [119, 120, 121, 122]) timeline.heard(message(seq));
  go();
  await loading;
  await settle();
  assert.deepEqual(seqs(timeline), range(71, 122));
});

test("a hole is filled before anything behind it is shown", async () => {
  const timeline = await opened();
  head = 125;
  timeline.heard(message(125));
  assert.deepEqual(seqs(timeline).at(-1), 120, "a gap is never shown");
  await settle();
  assert.deepEqual(seqs(timeline), range(71, 125));
});

test("after a reconnect that resumes, the cursor goes on where it was", async () => {
  const timeline = await opened();
  timeline.connected(joined());
  assert.deepEqual(timeline.cursor, { after: 120, epoch: "e1" });
  timeline.heard(message(121));
  assert.deepEqual(timeline.cursor, { after: 121, epoch: "e1" });
  timeline.connected(joined({ head: 123, rev: 123, resumed: true }));
  for (const seq of [122, 123]) timeline.heard(message(seq));
  assert.deepEqual(seqs(timeline), range(71, 123));
  assert.equal(asked.length, 1);
});

test("one that does not resume loads what was missed", async () => {
  const timeline = await opened();
  timeline.connected(joined());
  head = 400;
  timeline.connected(joined({ head: 400, rev: 400 }));
  await settle();
  assert.deepEqual(seqs(timeline), range(71, 400));
  assert.deepEqual(timeline.cursor, { after: 400, epoch: "e1" });
});

test("too far behind, the newest page replaces the window", async () => {
  const timeline = await opened();
  timeline.connected(joined());
  head = 5000;
  timeline.connected(joined({ head: 5000, rev: 5000 }));
  await settle();
  assert.deepEqual(seqs(timeline), range(4951, 5000));
});

test("another history begins from nothing", async () => {
  const timeline = await opened();
  timeline.connected(joined());
  head = 3;
  timeline.connected(joined({ head: 3, rev: 3, epoch: "e2" }));
  await settle();
  assert.deepEqual(seqs(timeline), [1, 2, 3]);
  assert.equal(timeline.head, 3);
});

test("who reads far above is left there, and finds the way back", async () => {
  head = read = 1000;
  const timeline = await opened();
  await timeline.openAt(200);
  assert.deepEqual(seqs(timeline), range(175, 224));
  assert.equal(timeline.hasNewer, true);
  assert.equal(timeline.cursor, null, "it does not reach up to the present");
  head = 1001;
  timeline.heard(message(1001));
  await settle();
  assert.deepEqual(seqs(timeline), range(175, 224));
  await timeline.loadNewer();
  assert.deepEqual(seqs(timeline), range(175, 274));
  await timeline.loadNewest();
  assert.deepEqual(seqs(timeline), range(952, 1001));
});

test("a page for a window that was left is not taken", async () => {
  head = read = 1000;
  const timeline = await opened();
  let go;
  hold = new Promise((resolve) => (go = resolve));
  const older = timeline.loadOlder();
  const jump = timeline.openAt(200);
  go();
  await Promise.all([older, jump]);
  assert.deepEqual(seqs(timeline), range(175, 224));
});

test("a failure is told, and a retry mends it", async () => {
  fails = true;
  const timeline = await opened();
  assert.equal(timeline.state, "failed");
  fails = false;
  await timeline.retry();
  assert.equal(timeline.state, "ready");
  fails = true;
  await timeline.loadOlder();
  assert.deepEqual([timeline.state, timeline.loadingOlder], ["ready", false], "what is there stays");
});

test("a later state of a message replaces it, an earlier one does not", async () => {
  const timeline = await opened();
  timeline.heard(message(100, { rev: 130, content: "edited" }));
  timeline.heard(message(100, { rev: 125, content: "old" }));
  const row = timeline.rows.find((row) => row.message?.seq === 100);
  assert.equal(row.message.content, "edited");
});

test("the marker stands above the first unread message of another, until one leaves", async () => {
  read = 100;
  const timeline = await opened();
  const marker = () => timeline.rows.findIndex(({ kind }) => kind === "unread");
  assert.equal(timeline.rows[marker()].count, 20);
  assert.equal(timeline.rows[marker() + 1].message.seq, 101);
  read = 120;
  timeline.heard(message(121));
  assert.ok(marker() > 0, "reading does not take it away at once");
  timeline.leave();
  assert.equal(marker(), -1);
});

test("the day of the first unread message stands above the marker", async () => {
  [head, read] = [2, 0];
  const timeline = await opened();
  assert.deepEqual(timeline.rows.map(({ kind }) => kind), ["day", "unread", "message", "message"]);
});

test("what comes while somebody looks is not unread", async () => {
  [head, read] = [2, 1];
  const timeline = await opened();
  timeline.heard(message(3));
  const [, , marker] = timeline.rows;
  assert.deepEqual([marker.kind, marker.count], ["unread", 1]);

  [head, read] = [3, 2];
  timeline.leave();
  timeline.enter();
  // Only an own message was unread, if any.
  timeline.heard(message(3, { sender_id: "me", rev: 9 }));
  timeline.heard(message(4));
  assert.ok(timeline.rows.every(({ kind }) => kind !== "unread"));
});

test("so much is loaded that the marker is in sight", async () => {
  [head, read] = [500, 380];
  const timeline = await opened();
  assert.deepEqual(asked, ["limit=140"]);
  assert.ok(timeline.rows.some(({ kind }) => kind === "unread"));
});

test("rows that did not change keep their identity", async () => {
  const timeline = await opened();
  const before = timeline.rows;
  timeline.heard(message(121));
  const after = timeline.rows;
  assert.notEqual(before, after);
  before.forEach((row, at) => assert.equal(row, after[at]));
});

test("a message keeps its key from pending to sent", async () => {
  const timeline = await opened();
  const entry = { id: "c1", userId: "me", roomId: "general", content: "hi", createdAt: message(121).created_at, state: "pending" };
  outgoing = [entry];
  timeline.touch();
  const pending = timeline.rows.at(-1);
  assert.deepEqual([pending.send, pending.message.seq, pending.mine, pending.outgoingId], ["pending", 0, true, "c1"]);
  timeline.heard(message(121, { sender_id: "me", client_message_id: "c1", content: "hi" }));
  const sent = timeline.rows.at(-1);
  assert.equal(sent.key, pending.key);
  assert.deepEqual([sent.send, sent.message.seq], [null, 121]);
  assert.equal(timeline.rows.filter(({ key }) => key === sent.key).length, 1);
});

test("a failed one says why", async () => {
  const timeline = await opened();
  const problem = { code: "invalid_content", message: "no" };
  outgoing = [{ id: "c1", userId: "me", roomId: "general", content: "hi", createdAt: message(121).created_at, state: "failed", problem }];
  timeline.touch();
  const row = timeline.rows.at(-1);
  assert.deepEqual([row.send, row.problem], ["failed", problem]);
});

test("groups by author within five minutes, and a day begins with its date", async () => {
  head = read = 0;
  const timeline = await opened();
  const noon = new Date(2026, 0, 2, 12).getTime();
  const at = (minutes, more = {}) => ({ created_at: new Date(noon + minutes * 60_000).toISOString(), ...more });
  timeline.heard(message(1, at(0)));
  timeline.heard(message(2, at(4)));
  timeline.heard(message(3, at(10)));
  timeline.heard(message(4, at(11, { sender_id: "u3" })));
  timeline.heard(message(5, at(24 * 60, { sender_id: "u3" })));
  const shown = timeline.rows.map((row) => (row.kind === "message" ? row.first : row.kind));
  assert.deepEqual(shown, ["day", true, false, true, true, "day", true]);
});

test("notices fold: who came and went, and who left and came back", async () => {
  const timeline = await opened();
  const notice = (what, id) => timeline.noticed({ what, user: user(id), at: 0 });
  notice("joined", "a");
  notice("joined", "b");
  notice("left", "b");
  notice("left", "c");
  notice("left", "d");
  notice("joined", "d");
  const row = timeline.rows.at(-1);
  const ids = (people) => people.map(({ id }) => id);
  assert.equal(row.kind, "notices");
  assert.deepEqual([ids(row.joined), ids(row.passed), ids(row.left)], [["a"], ["b"], ["c"]]);
  timeline.heard(message(121));
  assert.equal(timeline.rows.at(-2).kind, "notices", "they stay where they were");
});

test("notices do not grow without end", async () => {
  const timeline = await opened();
  for (let at = 0; at < 1000; at += 1) timeline.noticed({ what: "joined", user: user(`p${at}`), at });
  assert.equal(timeline.rows.at(-1).joined.length, 200);
});
