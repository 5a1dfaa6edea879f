import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ApiProblem } from "../../../src/client/assets/js/state/api.js";
import { ChatSocket } from "../../../src/client/assets/js/state/socket.js";
import { FakeBrowser, settle } from "./fake.mjs";

let browser, login, socket;

beforeEach(async () => {
  browser = new FakeBrowser();
  login = {
    state: "in",
    expiresAt: browser.now + 86_400_000,
    tokens: 1,
    endedWith: null,
    token: async () => `t${login.tokens}`,
    renew: async (used) => (used === `t${login.tokens}` ? `t${++login.tokens}` : `t${login.tokens}`),
    ended: (reason) => {
      login.endedWith = reason;
      login.state = "out";
      socket.stop();
    },
  };
  socket = new ChatSocket(browser.platform(), login);
  socket.start();
  await settle();
});

async function live() {
  await browser.socket.authenticate();
  assert.equal(socket.state.kind, "live");
}

test("the token goes as a subprotocol, never in the address", () => {
  assert.equal(browser.socket.url, "wss://parlor.test/api/chat/ws");
  assert.deepEqual(browser.socket.protocols, ["parlor.v1", "bearer.t1"]);
  assert.equal(socket.state.kind, "connecting");
});

test("an answer finds its request by ref, whatever comes in between", async () => {
  await live();
  const pong = socket.request({ type: "ping" });
  const joined = socket.request({ type: "connect", room_id: "general" });
  const heard = [];
  socket.on("frame", (frame) => heard.push(frame.type));
  const [ping, connect] = browser.socket.frames;
  await browser.socket.say({ type: "typing", room_id: "general" });
  await browser.socket.say({ type: "connected", ref: connect.ref, head: 7 });
  await browser.socket.say({ type: "pong", ref: ping.ref });
  assert.equal((await joined).head, 7);
  assert.equal((await pong).type, "pong");
  assert.deepEqual(heard, ["typing"]);
});

test("a refusal rejects with what the server says", async () => {
  await live();
  const told = { code: "overloaded", retryAfterMs: 300 };
  const refused = assert.rejects(socket.request({ type: "message" }), told);
  const { ref } = browser.socket.frames[0];
  await browser.socket.say({ type: "error", code: "overloaded", error: "x", retry_after_ms: 300, ref });
  await refused;
});

test("it waits as long as the close says, with jitter between the two times", async () => {
  await live();
  browser.random = 0.25;
  await browser.socket.end(4000, { code: "shutdown", retry_ms: [1000, 5000] });
  assert.deepEqual(socket.state, { kind: "waiting", until: browser.now + 2000 });
  await browser.pass(1999);
  assert.equal(browser.sockets.length, 1);
  await browser.pass(1);
  assert.equal(browser.sockets.length, 2);
});

test("without a word it comes back within a second, then ever later up to half a minute", async () => {
  await live();
  browser.random = 1;
  const waits = [];
  for (let turn = 0; turn < 9; turn += 1) {
    await browser.socket.end(1006);
    waits.push(socket.state.until - browser.now);
    await browser.pass(waits.at(-1));
  }
  assert.deepEqual(waits, [1000, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  await live();
  await browser.socket.end(1006);
  assert.equal(socket.state.until - browser.now, 1000, "a success begins anew");
});

test("closes from 4501 on end it, and only a person can begin again", async () => {
  for (const code of [4501, 4502, 4504]) {
    await live();
    await browser.socket.end(code, { code: "why" });
    assert.deepEqual(socket.state, { kind: "ended", code: "why" });
    await browser.pass(600_000);
    await browser.network(false);
    await browser.network(true);
    assert.equal(socket.state.kind, "ended");
    socket.retry();
    await settle();
  }
});

test("a closed account signs out", async () => {
  await live();
  await browser.socket.end(4503, { code: "account_closed" });
  assert.equal(login.endedWith, "account_closed");
  await browser.pass(600_000);
  assert.equal(browser.sockets.length, 1);
});

for (const code of [4003, 4500]) {
  test(`close ${code} brings a new token before it comes back`, async () => {
    await live();
    await browser.socket.end(code);
    await browser.pass(1000);
    assert.deepEqual(browser.socket.protocols, ["parlor.v1", "bearer.t2"]);
  });
}

test("a token that is about to expire is renewed on the open socket", async () => {
  await live();
  await browser.socket.say({ type: "error", code: "token_expiring", error: "soon" });
  const frame = browser.socket.last("authorization");
  assert.equal(frame.token, "t2");
  await browser.socket.say({ type: "authenticated", ref: frame.ref });
  assert.equal(browser.sockets.length, 1);
  assert.equal(socket.state.kind, "live");
});

test("it renews by itself two minutes before the end", async () => {
  login.expiresAt = browser.now + 300_000;
  await live();
  // Something is heard now and then, or the line would be asked whether it lives.
  for (let seconds = 0; seconds < 170; seconds += 10) {
    await browser.pass(10_000);
    await browser.socket.say({ type: "typing" });
  }
  assert.equal(browser.socket.last("authorization"), undefined);
  await browser.pass(10_000);
  assert.equal(browser.socket.last("authorization").token, "t2");
});

test("a line that died without a word is found by a ping that nobody answers", async () => {
  await live();
  await browser.pass(30_000);
  assert.equal(browser.socket.last("ping").type, "ping");
  const lost = [];
  socket.on("lost", () => lost.push(1));
  await browser.pass(20_000);
  assert.equal(lost.length, 1);
  await browser.pass(1_000);
  assert.equal(browser.sockets.length, 2);
});

test("what waits for an answer hears that the line was lost", async () => {
  await live();
  const sent = socket.request({ type: "message" });
  browser.socket.end(1006);
  await assert.rejects(sent, { code: "connection_lost" });
});

test("the browser's word that it is offline ends the wait, and online begins at once", async () => {
  await live();
  await browser.network(false);
  assert.equal(socket.state.kind, "offline");
  await browser.pass(60_000);
  assert.equal(browser.sockets.length, 1, "nothing is tried without a network");
  await browser.network(true);
  assert.equal(browser.sockets.length, 2);
});

test("a page that is looked at again does not wait", async () => {
  await live();
  await browser.socket.end(4000, { retry_ms: [60_000, 60_000] });
  await browser.wake();
  assert.equal(browser.sockets.length, 2);
});

test("what an earlier connection brings late is not heeded", async () => {
  await live();
  const old = browser.socket;
  await browser.socket.end(1006);
  await browser.pass(1000);
  const heard = [];
  socket.on("frame", (frame) => heard.push(frame));
  await old.say({ type: "message", seq: 1 });
  await old.end(4503);
  assert.deepEqual(heard, []);
  assert.equal(login.endedWith, null);
});

test("a server that says it will stop is left at the time that it gives", async () => {
  await live();
  const old = browser.socket;
  await old.say({ type: "reconnect", in_ms: 700 });
  await browser.pass(699);
  assert.equal(browser.sockets.length, 1);
  await browser.pass(1);
  assert.equal(old.closedWith, 1000);
  assert.equal(browser.sockets.length, 2);
});

test("a refused refresh ends it; one without an answer is tried again", async () => {
  await live();
  login.token = async () => {
    throw new ApiProblem(0, "offline", "");
  };
  await browser.socket.end(1006);
  await browser.pass(1000);
  assert.equal(socket.state.kind, "waiting");
  login.token = async () => {
    throw new ApiProblem(401, "unauthenticated", "");
  };
  await browser.pass(30_000);
  assert.equal(socket.state.kind, "idle");
});

test("a connection that is never made is given up after a while", async () => {
  await browser.pass(15_000);
  assert.equal(socket.state.kind, "waiting");
});

test("after stop nothing happens any more", async () => {
  await live();
  socket.stop();
  assert.equal(socket.state.kind, "idle");
  await browser.pass(600_000);
  await browser.wake();
  assert.equal(browser.sockets.length, 1);
  assert.equal(browser.timers.length, 0);
});
