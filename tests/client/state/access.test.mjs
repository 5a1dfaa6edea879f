import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Access, passkeySignIn } from "../../../src/client/assets/js/state/access.js";
import { Api } from "../../../src/client/assets/js/state/api.js";
import { Login } from "../../../src/client/assets/js/state/login.js";
import { providerAddress, signInMethods } from "../../../src/client/assets/js/state/methods.js";
import { SecondStep } from "../../../src/client/assets/js/state/second-step.js";
import { bytes, creationOptions, credentialJson, requestOptions, text } from "../../../src/client/assets/js/state/webauthn.js";
import { FakeBrowser, user } from "./fake.mjs";

let browser, api, login, access, answers;

beforeEach(() => {
  browser = new FakeBrowser();
  answers = {};
  browser.answers = ({ method, path }) => answers[`${method} ${path}`] ?? { status: 404, body: { code: "not_found" } };
  const platform = browser.platform();
  api = new Api(platform);
  login = new Login(api, platform, platform.channel());
  access = new Access(api);
});

const SIGNED_IN = { body: { user: user("alice"), token: "token-1", expires_in: 3600 } };
const TICKET = { ticket: "t1", expires_in: 300, methods: ["totp", "recovery_code"] };
const last = () => browser.requests.at(-1);

/** Somebody who is signed in, for what asks for a token. */
async function signIn() {
  answers["POST /api/auth/login"] = SIGNED_IN;
  await login.signIn({ username: "alice", password: "right" });
}

test("a server that does not say how one gets in knows passwords", async () => {
  const plain = { password: true, registration: true, mail: false, passkeys: false, providers: [] };
  assert.deepEqual(await signInMethods(api), plain);
  browser.answers = async () => {
    throw new TypeError("no network");
  };
  assert.deepEqual(await signInMethods(api), plain);
});

test("what a server says of its ways in is believed", async () => {
  answers["GET /api/auth/methods"] = { body: { password: true, registration: false, mail: true, passkeys: true, providers: [] } };
  const { registration, mail, passkeys } = await signInMethods(api);
  assert.deepEqual([registration, mail, passkeys], [false, true, true]);
});

test("a provider brings one back to the page that was wanted", () => {
  const url = providerAddress({ name: "github", label: "GitHub", url: "/api/auth/oauth/github" }, "/rooms/a?b&c");
  assert.equal(url, "/api/auth/oauth/github?return_to=%2Frooms%2Fa%3Fb%26c");
});

test("a password that is not enough leads to the second step, and nobody is in before that", async () => {
  answers["POST /api/auth/login"] = { body: { second_factor: TICKET, message: "Second factor required" } };
  answers["POST /api/auth/login/second"] = SIGNED_IN;
  const { second, user: nobody } = await login.signIn({ username: "alice", password: "right" });
  assert.deepEqual([second, nobody, login.state], [TICKET, null, "unknown"]);
  const step = new SecondStep(api, login, second);
  assert.deepEqual([step.enrolls, step.recovers], [false, true]);
  const { user: alice, codes } = await step.confirm(" 123 456 ");
  assert.deepEqual([alice.id, codes, login.state], ["alice", [], "in"]);
  assert.deepEqual(last().body, { ticket: "t1", code: "123456", cookie: true });
});

test("a wrong code leaves one where one is", async () => {
  answers["POST /api/auth/login/second"] = { status: 403, body: { code: "wrong_code", message: "no" } };
  const step = new SecondStep(api, login, TICKET);
  await assert.rejects(step.confirm("000000"), { code: "wrong_code" });
  assert.equal(login.state, "unknown");
});

test("who must set up an app does so on the way in, and gets recovery codes", async () => {
  const enrolment = { secret: "ABCD", uri: "otpauth://totp/x", qr_svg: "<svg/>" };
  answers["POST /api/auth/login/enroll"] = { body: enrolment };
  answers["POST /api/auth/login/second"] = { body: { ...SIGNED_IN.body, recovery_codes: ["a", "b"] } };
  const step = new SecondStep(api, login, { ...TICKET, methods: ["enroll"] });
  assert.deepEqual([step.enrolls, step.recovers], [true, false]);
  assert.deepEqual(await step.enroll(), enrolment);
  assert.deepEqual(last().body, { ticket: "t1" });
  assert.deepEqual((await step.confirm("123456")).codes, ["a", "b"]);
});

test("an app is set up, renewed and taken away", async () => {
  await signIn();
  answers["POST /api/auth/two-factor/totp"] = { body: { secret: "ABCD" } };
  answers["POST /api/auth/two-factor/totp/confirm"] = { body: { recovery_codes: ["a"] } };
  answers["POST /api/auth/two-factor/recovery-codes"] = { body: { recovery_codes: ["b"] } };
  answers["POST /api/auth/two-factor/totp/remove"] = { status: 204 };
  await access.beginTotp({ password: "" });
  assert.deepEqual(last().body, {}, "an account without a password sends none");
  await access.beginTotp({ password: "right" });
  assert.deepEqual(last().body, { password: "right" });
  assert.deepEqual(await access.confirmTotp("123 456"), ["a"]);
  assert.deepEqual(last().body, { code: "123456" });
  assert.deepEqual(await access.newCodes({ password: "right", code: "123 456" }), ["b"]);
  assert.deepEqual(last().body, { password: "right", code: "123456" });
  await access.removeTotp({ code: "abcd efgh", password: "right" });
  assert.deepEqual(last().body, { code: "abcdefgh", password: "right" });
});

test("passwords are reset by mail without a token of a login, addresses confirmed with one", async () => {
  await signIn();
  for (const path of ["forgot", "reset"]) answers[`POST /api/auth/password/${path}`] = { status: 204 };
  answers["POST /api/auth/email/verify"] = { status: 204 };
  await access.forgotPassword("ana@example.com");
  assert.deepEqual(last().body, { email: "ana@example.com" });
  await access.resetPassword("secret", "Another-horse-2");
  assert.deepEqual(last().body, { token: "secret", password: "Another-horse-2" });
  await access.verifyEmail("secret");
  assert.deepEqual([last().body, last().headers.authorization], [{ token: "secret" }, "Bearer token-1"]);
});

test("an answer of 202 without a body is a success", async () => {
  const platform = browser.platform();
  platform.fetch = async () => new Response("", { status: 202 });
  assert.equal(await new Api(platform).plain("POST", "/api/auth/password/forgot", {}), null);
});

test("bytes are base64url and back", () => {
  for (const value of ["", "AA", "-_8", "SGVsbG8"]) assert.equal(text(bytes(value)), value);
  assert.equal(text(new Uint8Array([1, 2, 3, 4]).subarray(1, 3)), "AgM");
});

test("the server's options become what browsers take", () => {
  const creation = creationOptions({
    publicKey: { challenge: "AQI", rp: { name: "Parlor" }, user: { id: "Aw", name: "ana" }, excludeCredentials: [{ type: "public-key", id: "BA" }] },
  });
  assert.deepEqual([...creation.challenge], [1, 2]);
  assert.deepEqual([[...creation.user.id], creation.user.name], [[3], "ana"]);
  assert.deepEqual([...creation.excludeCredentials[0].id], [4]);
  const request = requestOptions({ challenge: "AQI", rpId: "localhost" });
  assert.deepEqual([[...request.challenge], request.rpId, request.allowCredentials], [[1, 2], "localhost", []]);
});

/** A credential as browsers hand it out: getters on a class, and bytes. */
class Credential {
  id = "AQ";
  rawId = new Uint8Array([1]).buffer;
  type = "public-key";
  authenticatorAttachment = "platform";
  response = {
    clientDataJSON: new Uint8Array([2]).buffer,
    authenticatorData: new Uint8Array([3]).buffer,
    signature: new Uint8Array([4]).buffer,
    userHandle: null,
  };
  getClientExtensionResults() {
    return { credProps: { rk: true }, prf: { results: { first: new Uint8Array([5]).buffer } } };
  }
}

test("a credential becomes JSON", () => {
  assert.deepEqual(credentialJson(new Credential()), {
    id: "AQ",
    rawId: "AQ",
    type: "public-key",
    authenticatorAttachment: "platform",
    clientExtensionResults: { credProps: { rk: true }, prf: { results: { first: "BQ" } } },
    response: { clientDataJSON: "Ag", authenticatorData: "Aw", signature: "BA" },
  });
});

test("a passkey signs in, and is added, in one ceremony each", async () => {
  answers["POST /api/auth/passkeys/login/start"] = { body: { ceremony: "c1", options: { challenge: "AQ" } } };
  answers["POST /api/auth/passkeys/login/finish"] = SIGNED_IN;
  const asked = [];
  const ask = async (options) => (asked.push(options), new Credential());
  const { user: alice } = await passkeySignIn(api, login, ask);
  assert.equal(alice.id, "alice");
  assert.deepEqual([last().body.ceremony, last().body.cookie], ["c1", true]);
  answers["POST /api/auth/passkeys/register/start"] = { body: { ceremony: "c2", options: { challenge: "Ag" } } };
  answers["POST /api/auth/passkeys/register/finish"] = { body: { id: "p1", name: "Phone" } };
  assert.equal((await access.addPasskey("Phone", ask, {})).id, "p1");
  assert.deepEqual([last().body.ceremony, last().body.name, last().body.credential.id], ["c2", "Phone", "AQ"]);
  assert.deepEqual(asked, [{ challenge: "AQ" }, { challenge: "Ag" }]);
});

test("a browser that refuses ends the ceremony without a request", async () => {
  answers["POST /api/auth/passkeys/login/start"] = { body: { ceremony: "c1", options: {} } };
  const refuse = () => Promise.reject({ code: "passkey_cancelled" });
  await assert.rejects(passkeySignIn(api, login, refuse), { code: "passkey_cancelled" });
  assert.equal(browser.requests.length, 1);
});
