import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { ADMIN, PASSWORD, picture } from "./harness/site.mjs";
import { aSite } from "./harness/suite.mjs";

let ana, admin;
const at = aSite({
  prepare: async ({ server }) => {
    ana = await server.person("ana", "Ana Sousa");
    admin = await server.admin();
    for (const role of ["trainer", "client"]) {
      await server.api("PATCH", `/api/users/${ana.id}`, { token: admin.token, body: { role } });
    }
  },
});

test("the log tells who did what to whom, and is searched", async () => {
  const page = await at.site.signedIn(ADMIN, { path: "/people" });
  await page.getByRole("navigation", { name: "Administration" }).getByRole("link", { name: "Audit log" }).click();
  const entries = page.getByRole("list", { name: "Audit log" }).getByRole("listitem");
  await entries.filter({ hasText: "login.open" }).first().waitFor();
  await page.getByLabel("What was done").fill("user.role");
  await page.getByRole("button", { name: "Search" }).click();
  await entries.filter({ hasText: "login.open" }).first().waitFor({ state: "detached" });
  assert.equal(await entries.count(), 2);
  await entries.first().getByText("Role given", { exact: true }).waitFor();
  const newest = entries.first();
  await newest.getByRole("button", { name: "Administrator" }).waitFor();
  await newest.getByText("Ana Sousa").waitFor();
  await newest.getByText("Details").click();
  await newest.getByText('"trainer"').waitFor();
  await picture(page, "audit");

  await newest.getByRole("button", { name: "Administrator" }).click();
  await page.getByText("Done by Administrator").waitFor();
  await page.getByLabel("What was done").fill("user.create");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("Nothing fits this search.").waitFor();
  await page.getByRole("button", { name: "Show what everybody did" }).click();
  await entries.filter({ hasText: "user.create" }).first().waitFor();
});

test("what does not fit is told", async () => {
  const page = await at.site.signedIn(ADMIN, { path: "/audit" });
  await page.getByLabel("What was done").fill("Not a word!");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("button", { name: "Try again" }).waitFor();
});

test("the log is exported as lines of JSON", async () => {
  const page = await at.site.signedIn(ADMIN, { path: "/audit" });
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export" }).click()]);
  assert.equal(file.suggestedFilename(), "audit.jsonl");
  const lines = (await readFile(await file.path(), "utf8")).trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.some(({ act }) => act === "user.role"));
  assert.equal(lines.at(-1).act, "audit.export");
});

test("what was done is told in the reader's language", async () => {
  const page = await at.site.signedIn(ADMIN, { path: "/audit", locale: "pt-BR" });
  const entries = page.getByRole("list", { name: "Registro de auditoria" }).getByRole("listitem");
  await entries.getByText("Papel dado", { exact: true }).first().waitFor();
});

test("nobody else reads it", async () => {
  const page = await at.site.signedIn(ana, { path: "/audit" });
  await page.getByRole("heading", { name: "This page is not for you" }).waitFor();
  assert.equal((await at.site.server.ask("GET", "/api/audit", { token: ana.token })).status, 403);
  assert.equal(ana.password, PASSWORD);
});
