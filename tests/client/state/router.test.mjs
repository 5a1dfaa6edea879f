import assert from "node:assert/strict";
import { test } from "node:test";
import { fragment, oauthCode, parse, pathOf } from "../../../src/client/assets/js/state/router.js";

test("every page has one address, and each address one page", () => {
  for (const path of ["/", "/sign-in", "/sign-in/complete", "/forgot", "/reset", "/verify", "/register", "/setup", "/people", "/roles", "/service-tokens", "/audit", "/jobs", "/statistics", "/profile", "/rooms/general", "/rooms/a-1/42"]) {
    assert.equal(pathOf(parse(path)), path);
  }
});

test("a room and a message in it", () => {
  assert.deepEqual(parse("/rooms/general"), { name: "room", room: "general" });
  assert.deepEqual(parse("/rooms/general/42"), { name: "room", room: "general", seq: 42 });
});

test("a slash at the end is forgiven", () => {
  assert.deepEqual(parse("/rooms/general/"), { name: "room", room: "general" });
  assert.deepEqual(parse("/rooms/"), { name: "home" });
});

test("anything else is unknown", () => {
  for (const path of ["/nowhere", "/rooms/UPPER", "/rooms/a/0", "/rooms/a/x", "/rooms/a/1/2", `/rooms/${"a".repeat(65)}`, "/rooms/../people", "//evil.example"]) {
    assert.deepEqual(parse(path), { name: "unknown" }, path);
  }
  assert.equal(pathOf({ name: "unknown" }), "/");
});

test("one-time tokens are in the fragment", () => {
  assert.equal(fragment("#token=abc").token, "abc");
  assert.deepEqual(fragment("#code=a%2Bb&return_to=%2Frooms%2Fgeneral"), { code: "a+b", return_to: "/rooms/general" });
  assert.equal(fragment("").token, undefined);
});

test("a provider's words have codes of their own where they mean something else", () => {
  assert.equal(oauthCode("expired"), "oauth_expired");
  assert.equal(oauthCode("registration_closed"), "registration_closed");
});
