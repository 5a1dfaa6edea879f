import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { PASSWORD, picture, room } from "./harness/site.mjs";
import { aSite } from "./harness/suite.mjs";
import { totp } from "./harness/totp.mjs";

const at = aSite();

/** @param {import("playwright-core").Page} page @param {{email: string, password: string}} person */
async function signIn(page, { email, password }) {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** The secret that a page shows for those without a camera. @param {import("playwright-core").Page} page */
async function secretOf(page) {
  await page.getByRole("img", { name: "QR code for the authenticator app" }).waitFor();
  const image = page.getByRole("img", { name: "QR code for the authenticator app" });
  assert.ok(await image.evaluate((picture) => /** @type {HTMLImageElement} */ (picture).naturalWidth > 0), "the picture can be seen");
  return (await page.locator("code.secret").innerText()).replace(/\s/g, "");
}

/** Turns it on, as somebody who is at the profile. @param {import("playwright-core").Page} page */
async function turnOn(page) {
  const card = page.getByRole("region", { name: "Two-step sign-in" });
  await card.getByRole("button", { name: "Turn on" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Current password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Continue" }).click();
  const secret = await secretOf(page);
  await picture(page, "two-factor-enrolment");
  await dialog.getByLabel("Code").fill("000000");
  await dialog.getByRole("button", { name: "Turn on" }).click();
  await dialog.getByText("This code does not count").waitFor();
  await dialog.getByLabel("Code").fill(totp(secret));
  await dialog.getByRole("button", { name: "Turn on" }).click();
  const codes = page.getByRole("list", { name: "Recovery codes" });
  await codes.waitFor();
  await picture(page, "recovery-codes");
  const shown = await codes.getByRole("listitem").allInnerTexts();
  return { secret, codes: shown.map((code) => code.trim()), card };
}

test("somebody turns it on, keeps the codes, and signs in with the app, and with a code once", async () => {
  const ana = await at.site.server.person("ana", "Ana Sousa");
  const page = await at.site.signedIn(ana, { path: "/profile" });
  const { secret, codes, card } = await turnOn(page);
  assert.equal(codes.length, 10);
  await page.keyboard.press("Escape");
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
  assert.deepEqual((await readFile(await file.path(), "utf8")).trim().split("\n"), codes);
  await page.getByRole("button", { name: "I have kept them" }).click();
  await card.getByText("10 recovery codes left").waitFor();

  const other = await (await at.site.device()).newPage();
  await other.goto("/rooms/random");
  await signIn(other, ana);
  const code = other.getByLabel("Code");
  await code.waitFor();
  await picture(other, "second-step");
  assert.equal(await code.getAttribute("autocomplete"), "one-time-code");
  assert.ok(await code.evaluate((input) => input === document.activeElement), "one can type at once");
  await code.fill(totp(secret));
  await other.getByRole("button", { name: "Continue" }).click();
  await other.getByText("This code does not count").waitFor();
  const next = totp(secret, 1);
  await code.fill(`${next.slice(0, 3)} ${next.slice(3)}`);
  await other.getByRole("button", { name: "Continue" }).click();
  await room(other).composer.waitFor();
  assert.equal(new URL(other.url()).pathname, "/rooms/random");

  await other.getByRole("button", { name: "Sign out" }).click();
  await signIn(other, ana);
  await other.getByRole("button", { name: "Use a recovery code" }).click();
  await other.getByLabel("Recovery code").fill(codes[0]);
  await other.getByRole("button", { name: "Continue" }).click();
  await other.getByRole("button", { name: "Sign out" }).waitFor();
  await page.reload();
  await card.getByText("9 recovery codes left").waitFor();
});

test("somebody makes new codes, and turns it off", async () => {
  const rui = await at.site.server.person("rui", "Rui Costa");
  const page = await at.site.signedIn(rui, { path: "/profile" });
  const { codes, card } = await turnOn(page);
  await page.getByRole("button", { name: "I have kept them" }).click();
  await card.getByRole("button", { name: "New recovery codes" }).click();
  await page.getByRole("dialog").getByLabel("Current password").fill(PASSWORD);
  await page.getByRole("dialog").getByLabel("Code").fill(codes[0]);
  await page.getByRole("button", { name: "Make new codes" }).click();
  const shown = page.getByRole("list", { name: "Recovery codes" });
  await shown.waitFor();
  const fresh = (await shown.getByRole("listitem").allInnerTexts()).map((code) => code.trim());
  assert.equal(fresh.filter((code) => codes.includes(code)).length, 0);
  await page.getByRole("button", { name: "I have kept them" }).click();

  await card.getByRole("button", { name: "Turn off" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Code").fill(fresh[0]);
  await dialog.getByRole("button", { name: "Turn off" }).click();
  await dialog.locator("[aria-invalid=true]").waitFor();
  await dialog.getByLabel("Current password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Turn off" }).click();
  await card.getByRole("button", { name: "Turn on" }).waitFor();
});

test("who has a role that requires it sets it up on the way in, and gets codes", async () => {
  const { server } = at.site;
  const admin = await server.admin();
  const mia = await server.person("mia", "Mia");
  await server.api("POST", "/api/roles", { token: admin.token, body: { name: "keeper", permissions: ["messages.read", "messages.send"], requires_two_factor: true } });
  await server.api("PATCH", `/api/users/${mia.id}`, { token: admin.token, body: { role: "keeper" } });
  const page = await (await at.site.device({ viewport: { width: 320, height: 640 }, colorScheme: "dark" })).newPage();
  await page.goto("/rooms/general");
  await signIn(page, mia);
  await page.getByRole("heading", { name: "Protect your account" }).waitFor();
  const secret = await secretOf(page);
  await picture(page, "phone-enrolment-on-the-way-in");
  await page.getByLabel("Code").fill(totp(secret));
  await page.getByRole("button", { name: "Continue" }).click();
  const codes = page.getByRole("list", { name: "Recovery codes" });
  await codes.waitFor();
  assert.equal(await codes.getByRole("listitem").count(), 10);
  await page.getByRole("button", { name: "I have kept them" }).click();
  await room(page).composer.waitFor();
  await page.goto("/profile");
  const card = page.getByRole("region", { name: "Two-step sign-in" });
  await card.getByText("10 recovery codes left").waitFor();
  assert.equal(await card.getByRole("button", { name: "Turn off" }).count(), 0, "the role does not allow it");

  const keeper = await at.site.signedIn({ email: "admin@example.com", password: PASSWORD }, { path: "/people" });
  await keeper.getByRole("button", { name: "Reset the two-step sign-in of Mia" }).click();
  await keeper.getByRole("dialog").getByRole("button", { name: "Reset" }).click();
  await keeper.getByText("Saved").waitFor();
  await page.reload();
  await card.getByRole("button", { name: "Turn on" }).waitFor();
});
