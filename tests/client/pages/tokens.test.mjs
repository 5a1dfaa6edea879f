import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN, picture } from "./harness/site.mjs";
import { aSite } from "./harness/suite.mjs";

const at = aSite();

test("a token is made for what one may do oneself, shown once, and revoked", async () => {
  const { server } = at.site;
  const ana = await server.person("ana", "Ana Sousa");
  const page = await at.site.signedIn(ana, { path: "/profile" });
  const card = page.getByRole("region", { name: "API tokens" });
  await card.getByRole("button", { name: "New token" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Backup script");
  await dialog.getByLabel("Current password").fill(ana.password);
  await dialog.getByRole("button", { name: "Make the token" }).click();
  await dialog.getByText("Choose at least one").waitFor();
  assert.equal(await dialog.getByRole("checkbox", { name: "roles.manage" }).count(), 0, "nobody gives what he has not");
  await dialog.getByRole("checkbox", { name: "messages.read" }).check();
  await picture(page, "token-dialog");
  await dialog.getByRole("button", { name: "Make the token" }).click();
  await page.getByText("It is shown only now.").waitFor();
  const token = (await page.locator("code.secret").innerText()).trim();
  assert.match(token, /^parlor_/);
  await picture(page, "token-made");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "I have kept it" }).click();
  await card.getByText("Backup script").waitFor();

  assert.equal((await server.ask("GET", "/api/chat/rooms", { token })).status, 200);
  const body = { content: "not in its scopes" };
  assert.equal((await server.ask("POST", "/api/chat/rooms/general/messages", { token, body })).status, 403);
  await page.reload();
  await card.getByText("messages.read").waitFor();
  assert.equal(await page.locator("code.secret").count(), 0);
  await card.getByRole("button", { name: "Revoke: Backup script" }).click();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await card.getByText("Backup script").waitFor({ state: "detached" });
  assert.equal((await server.ask("GET", "/api/chat/rooms", { token })).status, 401);
});

test("a service has a token and an account of its own", async () => {
  const page = await at.site.signedIn(ADMIN, { path: "/people" });
  await page.getByRole("link", { name: "Service tokens" }).click();
  await page.getByRole("button", { name: "New token" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Account of the service").fill("importer");
  await dialog.getByLabel("Name", { exact: true }).fill("Nightly import");
  await dialog.getByRole("checkbox", { name: "messages.send" }).check();
  await dialog.getByRole("button", { name: "Make the token" }).click();
  await page.getByText("It is shown only now.").waitFor();
  const token = (await page.locator("code.secret").innerText()).trim();
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.getByText("@importer, Client").waitFor();
  await picture(page, "service-tokens");
  const body = { content: "from the importer" };
  assert.equal((await at.site.server.ask("POST", "/api/chat/rooms/general/messages", { token, body })).status, 201);
  await page.getByRole("button", { name: "Revoke: Nightly import" }).click();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("@importer").waitFor({ state: "detached" });
  assert.equal((await at.site.server.ask("GET", "/api/chat/rooms", { token })).status, 401);
});
