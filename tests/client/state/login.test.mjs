import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Api, ApiProblem } from "../../../src/client/assets/js/state/api.js";
import { Login } from "../../../src/client/assets/js/state/login.js";
import { FakeBrowser, settle, user } from "./fake.mjs";

let browser, cookie, issued, down;

beforeEach(() => {
  browser = new FakeBrowser();
  [cookie, issued, down] = [null, 0, false];
  browser.answers = async (request) => {
    if (down) throw new TypeError("no network");
    await settle();
    return serve(request);
  };
});

function signedIn(id) {
  cookie = id;
  issued += 1;
  return { body: { user: user(id), token: `token-${issued}`, expires_in: 3600 } };
}

/** The server, as far as a login goes. */
function serve({ method, path, body, headers }) {
  const bearer = headers.authorization;
  if (path === "/api/auth/login" || path === "/api/auth/register") {
    assert.equal(body.cookie, true, "the refresh token must not reach a script");
    if (body.password === "right") return signedIn(body.username);
    const fields = [{ field: "password", code: "too_short", message: "at least 8" }];
    return { status: 401, body: { code: "unauthenticated", message: "no", fields } };
  }
  if (path === "/api/auth/refresh") {
    assert.equal(headers["x-parlor"], "1");
    return cookie ? signedIn(cookie) : { status: 401, body: { code: "unauthenticated" } };
  }
  if (path.startsWith("/api/auth/logout")) {
    cookie = null;
    return { status: 204 };
  }
  if (bearer !== `Bearer token-${issued}`) return { status: 401, body: { code: "unauthenticated" } };
  if (method === "PATCH") return { body: user(cookie, body) };
  return { body: { path } };
}

function tab() {
  const platform = browser.platform();
  const channel = platform.channel();
  const login = new Login(new Api(platform), platform, channel);
  channel.listen((note) => login.heard(note));
  return login;
}

async function inTab(id = "alice") {
  const login = tab();
  await login.signIn({ username: id, password: "right" });
  return login;
}

const paths = () => browser.requests.map(({ path }) => path);

test("signing in, and out", async () => {
  const login = await inTab();
  assert.deepEqual([login.state, login.user.id], ["in", "alice"]);
  await login.signOut();
  assert.deepEqual([login.state, login.user, login.reason, cookie], ["out", null, null, null]);
});

test("a refusal brings the fields' own errors", async () => {
  const refused = await tab().signIn({ username: "alice", password: "wrong" }).catch((problem) => problem);
  assert.ok(refused instanceof ApiProblem);
  assert.deepEqual([refused.status, refused.fields.password.code], [401, "too_short"]);
});

test("a reload asks the cookie; without one, one is out without a reason", async () => {
  await inTab();
  const again = tab();
  assert.equal(again.state, "unknown");
  await again.restore();
  assert.equal(again.user.id, "alice");
  cookie = null;
  const out = tab();
  await out.restore();
  assert.deepEqual([out.state, out.reason], ["out", null]);
});

test("an offline start believes the last user, and no token is anywhere on the disk", async () => {
  await inTab();
  await settle();
  down = true;
  const login = tab();
  await login.restore();
  assert.deepEqual([login.state, login.user.id], ["in", "alice"]);
  for (const table of ["page", "drafts", "outbox"]) {
    const kept = JSON.stringify(await browser.keep.list(table, ""));
    assert.doesNotMatch(kept, /token/);
  }
});

test("however many ask for a token, it is renewed once", async () => {
  await inTab();
  const login = tab();
  const tokens = await Promise.all([login.token(), login.token(), login.token()]);
  assert.equal(new Set(tokens).size, 1);
  assert.equal(paths().filter((path) => path.endsWith("refresh")).length, 1);
});

test("a token is used until a minute before its end", async () => {
  const login = await inTab();
  await browser.pass(3600_000 - 60_001);
  assert.equal(await login.token(), "token-1");
  await browser.pass(1);
  assert.equal(await login.token(), "token-2");
});

test("a refused token is renewed, and the request made again", async () => {
  const platform = browser.platform();
  const api = new Api(platform);
  const login = new Login(api, platform, platform.channel());
  await login.signIn({ username: "alice", password: "right" });
  issued += 1;
  assert.deepEqual(await api.get("/api/users/me"), { path: "/api/users/me" });
  assert.equal(paths().at(-2), "/api/auth/refresh");
});

test("two tabs renew one after the other", async () => {
  await inTab();
  const [a, b] = [tab(), tab()];
  let open = 0;
  let most = 0;
  const serveOne = browser.answers;
  browser.answers = async (request) => {
    most = Math.max(most, ++open);
    const answer = await serveOne(request);
    open -= 1;
    return answer;
  };
  await Promise.all([a.restore(), b.restore()]);
  assert.equal(most, 1);
  assert.deepEqual([a.state, b.state], ["in", "in"]);
});

test("a login that was ended elsewhere is told as such", async () => {
  const login = await inTab();
  cookie = null;
  await assert.rejects(login.renew("token-1"), { status: 401 });
  assert.deepEqual([login.state, login.reason], ["out", "ended"]);
});

test("a server that is away does not sign out", async () => {
  const login = await inTab();
  down = true;
  await assert.rejects(login.renew("token-1"), { code: "offline" });
  assert.equal(login.state, "in");
  await assert.rejects(login.signOut(), { code: "offline" });
  assert.equal(login.state, "in", "the cookie would sign in again");
});

test("another tab that signs out, or somebody else in, is followed", async () => {
  const a = await inTab();
  const b = tab();
  await b.restore();
  await a.signOut();
  await settle();
  assert.equal(b.state, "out");
  await a.signIn({ username: "bob", password: "right" });
  for (let turn = 0; turn < 5; turn += 1) await settle();
  assert.equal(b.user.id, "bob");
});

test("a closed account is out with that reason", async () => {
  const login = await inTab();
  let changes = 0;
  login.on("changed", () => (changes += 1));
  login.ended("account_closed");
  login.ended("ended");
  assert.deepEqual([login.state, login.reason, changes], ["out", "account_closed", 1]);
});

test("a changed profile is shown at once", async () => {
  const login = await inTab();
  await login.update({ full_name: "Alice B." });
  assert.equal(login.user.full_name, "Alice B.");
});

test("an answer that is no JSON is no success", async () => {
  const platform = browser.platform();
  platform.fetch = async () => new Response("<html>", { status: 502 });
  const refused = await new Api(platform).plain("GET", "/x").catch((problem) => problem);
  assert.deepEqual([refused.status, refused.code, refused.passes], [502, "internal", true]);
  platform.fetch = async () => new Response("<html>", { status: 200 });
  await assert.rejects(new Api(platform).plain("GET", "/x"), { code: "offline" });
});

test("a time to wait is brought along", async () => {
  browser.answers = () => ({ status: 429, headers: { "retry-after": "7" }, body: { code: "rate_limited", message: "slow" } });
  const platform = browser.platform();
  await assert.rejects(new Api(platform).plain("GET", "/x"), { retryAfterMs: 7000, code: "rate_limited" });
});
