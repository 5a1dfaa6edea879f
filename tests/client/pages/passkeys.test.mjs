/** Passkeys in a real browser, with Chromium's own virtual authenticator. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD } from "./harness/site.mjs";
import { aSite } from "./harness/suite.mjs";

const at = aSite();

/** A page of the site, where an authenticator is at hand that verifies its owner. */
async function device({ verified = true } = {}) {
  const context = await at.site.device();
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: verified,
      automaticPresenceSimulation: true,
    },
  });
  // Any page of the origin will do; this one has no script of its own.
  await page.goto("/manifest.webmanifest");
  const verify = (isUserVerified) => cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
  const credentials = async () =>
    (await cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
  return { page, verify, credentials };
}

/** Asks the authenticator for a new credential; gives the JSON of it, or the name of the refusal. */
function create(page, options) {
  return page.evaluate(async ({ publicKey }) => {
    const parsed = PublicKeyCredential.parseCreationOptionsFromJSON(publicKey);
    try {
      return (await navigator.credentials.create({ publicKey: parsed })).toJSON();
    } catch (refusal) {
      return refusal.name;
    }
  }, options);
}

/** Asks the authenticator to sign; gives the JSON of it, or the name of the refusal. */
function sign(page, options) {
  return page.evaluate(async ({ publicKey }) => {
    const parsed = PublicKeyCredential.parseRequestOptionsFromJSON(publicKey);
    try {
      return (await navigator.credentials.get({ publicKey: parsed })).toJSON();
    } catch (refusal) {
      return refusal.name;
    }
  }, options);
}

/** Adds a passkey of the device's authenticator to somebody's account. */
async function add(page, { token }, name) {
  const { server } = at.site;
  const proof = { password: PASSWORD };
  const begun = await server.api("POST", "/api/auth/passkeys/register/start", { token, body: proof });
  const credential = await create(page, begun.options);
  if (typeof credential === "string") return credential;
  const body = { ceremony: begun.ceremony, name, credential };
  return server.api("POST", "/api/auth/passkeys/register/finish", { token, body });
}

/** Signs in with whatever passkey the device has. */
async function signIn(page) {
  const { server } = at.site;
  const { ceremony, options } = await server.api("POST", "/api/auth/passkeys/login/start", { body: {} });
  const credential = await sign(page, options);
  if (typeof credential === "string") return { status: 0, text: credential };
  const body = { ceremony, credential };
  return server.ask("POST", "/api/auth/passkeys/login/finish", { body });
}

test("a passkey of a real browser signs in, as often as one likes", async () => {
  const { server } = at.site;
  const ada = await server.person("ada");
  const { page, credentials } = await device();
  const passkey = await add(page, ada, "This computer");
  assert.equal(passkey.name, "This computer");
  const [kept] = await credentials();
  assert.equal(kept.isResidentCredential, true);
  assert.equal(kept.rpId, "localhost");
  for (let time = 0; time < 2; time += 1) {
    const { status, text } = await signIn(page);
    assert.equal(status, 200, text);
    const { user, token } = JSON.parse(text);
    assert.equal(user.id, ada.id);
    assert.equal((await server.api("GET", "/api/users/me", { token })).id, ada.id);
  }
  const { data } = await server.api("GET", "/api/auth/passkeys", ada);
  assert.equal(data.length, 1);
  assert.ok(data[0].last_used_at);
  assert.equal(await add(page, ada, "Again"), "InvalidStateError", "it has one already");

  const { id } = passkey;
  const proof = { token: ada.token, body: { password: PASSWORD } };
  await server.api("POST", `/api/auth/passkeys/${id}/remove`, proof);
  const { status } = await signIn(page);
  assert.equal(status, 401, "the authenticator still has it, the server does not");
});

test("an authenticator tells two people apart", async () => {
  const { server } = at.site;
  const [bob, eve] = [await server.person("bob"), await server.person("eve")];
  const [bobs, eves] = [await device(), await device()];
  await add(bobs.page, bob, "Bob's");
  await add(eves.page, eve, "Eve's");
  for (const [{ page }, person] of /** @type {const} */ ([[bobs, bob], [eves, eve]])) {
    const { text } = await signIn(page);
    assert.equal(JSON.parse(text).user.id, person.id);
  }
});

test("who is not verified neither adds a passkey nor signs in", async () => {
  const { server } = at.site;
  const joe = await server.person("joe");
  const { page, verify } = await device();
  await add(page, joe, "Joe's");
  await verify(false);
  assert.equal((await signIn(page)).text, "NotAllowedError");
  await verify(true);
  assert.equal((await signIn(page)).status, 200);
});
