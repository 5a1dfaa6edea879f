import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN, picture, room } from "./harness/site.mjs";
import { aSite } from "./harness/suite.mjs";

const at = aSite();

test("a role is made, given, changed and deleted, and what it allows is there at once", async () => {
  const rui = await at.site.server.person("rui", "Rui Costa");
  const page = await at.site.signedIn(ADMIN, { path: "/people" });
  await page.getByRole("link", { name: "Roles" }).click();
  const roles = page.getByRole("list", { name: "Roles" });
  await roles.getByText("Trainer").waitFor();
  await page.getByRole("button", { name: "New role" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Not a name");
  await dialog.getByRole("button", { name: "Make the role" }).click();
  await dialog.locator("[aria-invalid=true]").waitFor();
  await dialog.getByLabel("Name").fill("auditor");
  await dialog.getByLabel("What it is for").fill("Reads the log.");
  for (const word of ["messages.read", "audit.read"]) await dialog.getByRole("checkbox", { name: word }).check();
  await picture(page, "role-dialog");
  await dialog.getByRole("button", { name: "Make the role" }).click();
  await roles.getByText("Reads the log.").waitFor();
  await roles.getByText("2 of 14 permissions").waitFor();
  await picture(page, "roles");

  await page.getByRole("link", { name: "Users" }).first().click();
  await page.getByLabel("Role of Rui Costa").selectOption("auditor");
  await page.getByRole("button", { name: "Change role" }).click();
  await page.getByText("Saved").waitFor();

  const his = await at.site.signedIn(rui, { path: "/profile" });
  await his.getByText("@rui · auditor").waitFor();
  await his.getByRole("link", { name: "Administration" }).click();
  await his.getByRole("heading", { name: "Audit log" }).waitFor();
  await his.getByText("role.create").first().waitFor();
  await his.goto("/people");
  await his.getByRole("heading", { name: "This page is not for you" }).waitFor();

  await page.goto("/roles");
  await page.getByRole("button", { name: "Edit: auditor" }).click();
  assert.ok(await dialog.getByRole("checkbox", { name: "audit.read" }).isChecked());
  await dialog.getByRole("checkbox", { name: "audit.read" }).uncheck();
  await dialog.getByRole("button", { name: "Save" }).click();
  await roles.getByText("1 of 14 permissions").waitFor();
  await his.goto("/audit");
  await his.getByRole("heading", { name: "This page is not for you" }).waitFor();

  await page.getByRole("button", { name: "Delete: auditor" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByText("Somebody still has this role.").waitFor();
});

test("an admin's permissions are not for editing", async () => {
  const page = await at.site.signedIn(ADMIN, { path: "/roles" });
  await page.getByRole("button", { name: "Edit: Admin" }).click();
  await page.getByText("Who has it may do everything.").waitFor();
  await page.getByRole("checkbox", { name: "Must sign in with a second step" }).waitFor();
  assert.equal(await page.getByRole("checkbox").count(), 1);
  assert.equal(await room(page).composer.count(), 0);
});
