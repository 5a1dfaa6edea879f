import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { Github } from "./harness/github.mjs";
import { PASSWORD, picture, room, Site } from "./harness/site.mjs";

let site, github;
before(async () => {
  github = await Github.start();
  site = await Site.open(github.settings);
});
beforeEach(() => {
  github.denies = false;
  github.person = { id: 1, login: "octo", name: "Octo Cat", email: "octo@example.com", verified: true };
});
after(async () => {
  await site?.close();
  github?.close();
});

/** A device, at a page that asks who one is. */
async function outside(path = "/sign-in", options = {}) {
  const page = await (await site.device(options)).newPage();
  await page.goto(path);
  await page.getByRole("link", { name: "Continue with GitHub" }).waitFor();
  return page;
}

test("somebody signs in with a provider, and comes to where one wanted to go", async () => {
  const page = await outside("/rooms/random");
  await picture(page, "sign-in-with");
  await page.getByRole("link", { name: "Continue with GitHub" }).click();
  await room(page).composer.waitFor();
  assert.equal(new URL(page.url()).pathname, "/rooms/random");
  assert.equal(new URL(page.url()).hash, "", "the code does not stay in the address");
  await page.reload();
  await room(page).composer.waitFor();
  await page.goBack();
  assert.doesNotMatch(page.url(), /code=/, "nor in the history");
  await site.clear();
});

test("whoever does not agree is told so, and may begin again", async () => {
  github.denies = true;
  const page = await outside();
  await page.getByRole("link", { name: "Continue with GitHub" }).click();
  await page.getByText("You did not allow the other service").waitFor();
  assert.equal(new URL(page.url()).hash, "");
  await picture(page, "oauth-denied");
  await page.getByRole("link", { name: "Back to sign-in" }).click();
  await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  await site.clear();
});

test("an account of the same address is not taken over: its owner connects it, and disconnects it", async () => {
  const ana = await site.server.person("ana", "Ana Sousa");
  github.person = { id: 2, login: "ana-s", name: "Ana S.", email: ana.email, verified: true };
  const stranger = await outside();
  await stranger.getByRole("link", { name: "Continue with GitHub" }).click();
  await stranger.getByText("There is an account with this e-mail address.").waitFor();

  const page = await site.signedIn(ana, { path: "/profile" });
  const prove = async (/** @type {string} */ name) => {
    await page.getByRole("dialog").getByLabel("Current password").fill(PASSWORD);
    await page.getByRole("dialog").getByRole("button", { name }).click();
  };
  await page.getByRole("button", { name: "Connect GitHub" }).click();
  await prove("Connect");
  await page.getByText("GitHub is connected").waitFor();
  assert.equal(new URL(page.url()).hash, "");
  const accounts = page.getByRole("region", { name: "Connected accounts" });
  await accounts.getByText("ana-s").waitFor();

  await stranger.getByRole("link", { name: "Back to sign-in" }).click();
  await stranger.getByRole("link", { name: "Continue with GitHub" }).click();
  await room(stranger).composer.waitFor();

  await accounts.getByRole("button", { name: "Disconnect GitHub" }).click();
  await prove("Disconnect");
  await accounts.getByRole("button", { name: "Connect GitHub" }).waitFor();
  await site.clear();
});

test("the last way in stays", async () => {
  github.person = { id: 3, login: "mono", name: "Mona", email: "mona@example.com", verified: true };
  const page = await outside("/profile");
  await page.getByRole("link", { name: "Continue with GitHub" }).click();
  await page.getByRole("button", { name: "Disconnect GitHub" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Disconnect" }).click();
  await page.getByText("This is your last way in.").waitFor();
  await site.clear();
});

test("who came by a provider sets a first password, and is asked for it from then on", async () => {
  github.person = { id: 4, login: "nina", name: "Nina", email: "nina@example.com", verified: true };
  const page = await outside("/profile");
  await page.getByRole("link", { name: "Continue with GitHub" }).click();
  await page.getByRole("button", { name: "Set a password" }).waitFor();
  assert.equal(await page.getByLabel("Current password").count(), 0);
  await picture(page, "first-password");
  await page.getByLabel("New password").fill("Another-horse-2");
  await page.getByRole("button", { name: "Set a password" }).click();
  await page.getByText("Password set.").waitFor();
  await page.getByRole("button", { name: "Change password" }).waitFor();
  await page.getByRole("button", { name: "Disconnect GitHub" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Current password").fill("Another-horse-2");
  await dialog.getByRole("button", { name: "Disconnect" }).click();
  await page.getByRole("button", { name: "Connect GitHub" }).waitFor();
  await site.clear();
});

test("an address without a code says that it is not complete", async () => {
  const page = await (await site.device()).newPage();
  await page.goto("/sign-in/complete");
  await page.getByText("This address is not complete.").waitFor();
  await page.goto("/sign-in/complete#code=made-up");
  await page.reload();
  await page.getByRole("alert").waitFor();
  await site.clear();
});
