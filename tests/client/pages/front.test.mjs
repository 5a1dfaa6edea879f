import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { ADMIN, PASSWORD, picture, room, Site } from "./harness/site.mjs";

let site, fresh;
before(async () => {
  site = await Site.open();
  // A server on which nobody has an account yet.
  fresh = await Site.open({ ADMIN_EMAIL: "", ADMIN_PASSWORD: "" });
});
after(() => Promise.all([site?.close(), fresh?.close()]));
afterEach(async () => {
  const complaints = [...site.complaints, ...fresh.complaints];
  await Promise.all([site.clear(), fresh.clear()]);
  assert.deepEqual(complaints, []);
});

/** @param {import("playwright-core").Page} page @param {Record<string, string>} values by label */
async function fill(page, values) {
  for (const [label, value] of Object.entries(values)) {
    await page.getByLabel(label, { exact: true }).fill(value);
  }
}

const ANA = { "Full name": "Ana Sousa", Username: "ana", Email: "ana@example.com", Password: PASSWORD };

test("the printed address makes the first admin, once", async () => {
  const [address] = /https:\S+\/setup#\S+/.exec(fresh.server.log) ?? [];
  assert.ok(address, fresh.server.log);
  const page = await (await fresh.device()).newPage();
  await page.goto(address);
  await page.getByRole("heading", { name: "Set up Parlor" }).waitFor();
  assert.equal(new URL(page.url()).hash, "", "the token does not stay in the address bar");
  await picture(page, "setup");
  await fill(page, { ...ANA, Username: "boss", Email: "boss@example.com" });
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("link", { name: "Users" }).waitFor();

  const late = await (await fresh.device()).newPage();
  await late.goto(address);
  await late.getByText("This server is set up already").waitFor();
});

test("a login survives a reload, without anything that a script could steal", async () => {
  const page = await (await site.device()).newPage();
  await page.goto("/rooms/random");
  await fill(page, { Email: ADMIN.email, Password: "Wrong-horse-1" });
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("The e-mail address or the password is wrong").waitFor();
  await picture(page, "sign-in");
  await fill(page, { Password: ADMIN.password });
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await room(page).composer.waitFor();
  assert.equal(new URL(page.url()).pathname, "/rooms/random", "one comes to where one wanted to go");

  await page.reload();
  await room(page).composer.waitFor();
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
  assert.doesNotMatch(kept, /ey[\w-]+\.|token|refresh/i);
});

test("signing out ends the login", async () => {
  const ana = await site.server.person("zoe", "Zoe");
  const page = await site.signedIn(ana);
  await room(page).composer.waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  await page.goto("/rooms/general");
  await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  assert.equal(await room(page).composer.count(), 0);
});

test("the page speaks the browser's language, or the one that is chosen", async () => {
  const ana = await site.server.person("rui", "Rui Costa");
  const page = await site.signedIn(ana, { locale: "pt-BR" });
  await page.getByRole("textbox", { name: "Mensagem" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "pt");
  await page.getByRole("button", { name: "Configurações" }).click();
  await page.getByLabel("Idioma").selectOption("en");
  await room(page).composer.waitFor();
  await page.reload();
  await room(page).composer.waitFor();
});

test("a theme that is chosen stays", async () => {
  const mia = await site.server.person("mia", "Mia");
  const page = await site.signedIn(mia, { colorScheme: "light" });
  const dark = () => page.evaluate(() => getComputedStyle(document.body).getPropertyValue("color-scheme"));
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("Theme").selectOption("dark");
  assert.equal(await dark(), "dark");
  await page.reload();
  await room(page).composer.waitFor();
  assert.equal(await dark(), "dark");
});

test("who may not see a page is told so, and an address without a page too", async () => {
  const leo = await site.server.person("leo", "Leo");
  const page = await site.signedIn(leo, { path: "/people" });
  await page.getByRole("heading", { name: "This page is not for you" }).waitFor();
  await page.goto("/nowhere");
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  await page.goto("/rooms/nowhere");
  await page.getByText("There is no such room").waitFor();
});
