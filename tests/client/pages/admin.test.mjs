import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN, PASSWORD, picture, room } from "./harness/site.mjs";
import { aSite } from "./harness/suite.mjs";

let ana, rui;
const at = aSite({
  prepare: async ({ server }) => {
    for (let number = 0; number < 22; number += 1) await server.person(`person${number}`, `Person ${number}`);
    ana = await server.person("ana", "Ana Sousa");
    rui = await server.person("rui", "Rui Costa");
    const { token } = await server.admin();
    await server.api("POST", "/api/roles", { token, body: { name: "auditor", permissions: ["audit.read"] } });
    for (const text of ["one", "two", "three"]) await server.say(ana, "general", text);
  },
});

test("the table is searched, sorted, paged and filtered", async () => {
  const page = await at.site.signedIn(ADMIN, { path: "/people" });
  const rows = page.getByRole("rowheader");
  await page.getByText("25 users").waitFor();
  assert.equal(await rows.count(), 20);
  await picture(page, "users");
  await page.getByRole("button", { name: "Next page" }).click();
  await page.getByText("2 of 2").waitFor();
  assert.equal(await rows.count(), 5);
  await page.getByRole("button", { name: "Name" }).click();
  await page.getByRole("columnheader", { name: "Name" }).and(page.locator("[aria-sort=ascending]")).waitFor();
  await page.getByText("1 of 2").waitFor();
  assert.match(await rows.first().innerText(), /Administrator/);
  await page.getByRole("button", { name: "Name" }).click();
  await page.getByRole("columnheader", { name: "Name" }).and(page.locator("[aria-sort=descending]")).waitFor();
  assert.match(await rows.first().innerText(), /Rui Costa/);
  await page.getByRole("searchbox").fill("sousa");
  await page.getByText("1 user", { exact: true }).waitFor();
  assert.match(await rows.first().innerText(), /Ana Sousa/);
  await page.getByRole("searchbox").fill("");
  await page.getByText("25 users").waitFor();
  await page.getByLabel("Role", { exact: true }).selectOption("admin");
  await page.getByText("1 user", { exact: true }).waitFor();
  assert.match(await rows.first().innerText(), /Administrator/);
  await page.getByRole("searchbox").fill("nobody is called so");
  await page.getByText("Nobody fits this search.").waitFor();
});

test("an admin deactivates somebody, who is signed out at once and hears nothing more", async () => {
  const [page, his] = await Promise.all([
    at.site.signedIn(ADMIN, { path: "/people" }),
    at.site.signedIn(rui),
  ]);
  await room(his).composer.waitFor();
  await page.getByRole("searchbox").fill("rui");
  const active = page.getByRole("switch", { name: "Rui Costa is active" });
  await active.click();
  await picture(page, "confirm");
  await page.getByRole("button", { name: "Cancel" }).click();
  await active.and(page.locator("[aria-checked=true]")).waitFor();
  await active.click();
  await page.getByRole("button", { name: "Deactivate" }).click();
  await active.and(page.locator("[aria-checked=false]")).waitFor();
  await his.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  await his.getByText("Your account was closed by an administrator.").waitFor();
  await picture(his, "closed");
  await his.getByLabel("Email").fill(rui.email);
  await his.getByLabel("Password").fill(rui.password);
  await his.getByRole("button", { name: "Sign in", exact: true }).click();
  await his.getByRole("alert").waitFor();

  await active.click();
  await page.getByRole("button", { name: "Activate" }).click();
  await active.and(page.locator("[aria-checked=true]")).waitFor();
  await his.getByRole("button", { name: "Sign in", exact: true }).click();
  await room(his).composer.waitFor();
});

test("somebody is deactivated for a reason until a day, and both are told to admins", async () => {
  const page = await at.site.signedIn(ADMIN, { path: "/people" });
  await page.getByRole("searchbox").fill("Person 7");
  const active = page.getByRole("switch", { name: "Person 7 is active" });
  await active.click();
  const dialog = page.getByRole("dialog");
  const day = new Date();
  day.setFullYear(day.getFullYear() + 1);
  const until = day.toISOString().slice(0, 10);
  await dialog.getByLabel("Reason").fill("  Sold things in the rooms. ");
  await dialog.getByLabel("Active again on").fill("2020-01-01");
  await dialog.getByRole("button", { name: "Deactivate" }).click();
  await dialog.locator("[name=inactive_until][aria-invalid=true]").waitFor();
  await dialog.getByLabel("Active again on").fill(until);
  await dialog.getByRole("button", { name: "Deactivate" }).click();
  await active.and(page.locator("[aria-checked=false]")).waitFor();
  const row = page.getByRole("row").filter({ hasText: "Person 7" });
  await row.getByText("Sold things in the rooms.").waitFor();
  assert.match(await row.innerText(), new RegExp(`until .*${day.getFullYear()}`));
  await picture(page, "deactivated");

  const admin = await at.site.server.admin();
  const { data } = await at.site.server.api("GET", "/api/audit?act=user.deactivate&limit=1", admin);
  assert.equal(data[0].details.reason, "Sold things in the rooms.");
  assert.ok(data[0].details.until.startsWith(String(day.getFullYear())));
  // What an admin says of somebody is not for everybody.
  const seen = await at.site.server.api("GET", "/api/users?search=person7", ana);
  assert.equal(JSON.stringify(seen).includes("Sold things"), false);
  await active.click();
  await page.getByRole("button", { name: "Activate" }).click();
  await active.and(page.locator("[aria-checked=true]")).waitFor();
});

test("a role is changed after a question, and what it allows is there at once", async () => {
  const [page, hers] = await Promise.all([at.site.signedIn(ADMIN, { path: "/people" }), at.site.signedIn(ana)]);
  await room(hers).composer.waitFor();
  assert.equal(await hers.getByRole("link", { name: "Statistics" }).count(), 0);
  await page.getByRole("searchbox").fill("sousa");
  const role = page.getByLabel("Role of Ana Sousa");
  await role.selectOption("trainer");
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await role.inputValue(), "client");
  await role.selectOption("trainer");
  await page.getByRole("button", { name: "Change role" }).click();
  await page.getByText("Saved").waitFor();
  await hers.reload();
  await hers.getByRole("link", { name: "Statistics" }).click();
  await hers.getByText("Up and serving").waitFor();
  await hers.goto("/people");
  await hers.getByText("Your role does not allow this.").waitFor();
});

test("the last admin stays one", async () => {
  const page = await at.site.signedIn(ADMIN, { path: "/people" });
  await page.getByRole("searchbox").fill("admin@");
  await page.getByRole("switch", { name: "Administrator is active" }).click();
  await page.getByRole("button", { name: "Deactivate" }).click();
  await page.getByText("This is the last active admin.").waitFor();
  await page.getByRole("switch", { name: "Administrator is active" }).and(page.locator("[aria-checked=true]")).waitFor();
});

test("the numbers are right, and are there as a table, too", async () => {
  const page = await at.site.signedIn(ADMIN, { path: "/statistics" });
  await page.getByText("Up and serving").waitFor();
  const { total, by_role: roles } = await at.site.server.api("GET", "/api/users/statistics", await at.site.server.admin());
  const part = page.getByRole("region", { name: "Users by role" });
  await part.getByRole("listitem").filter({ hasText: `Clients${roles.client}` }).waitFor();
  await part.getByRole("listitem").filter({ hasText: "auditor0" }).waitFor();
  await page.locator(".tiles").getByText(String(total), { exact: true }).waitFor();
  const messages = page.getByRole("region", { name: "Messages by day" }).first();
  await messages.getByText("Show as a table").click();
  assert.equal(await messages.getByRole("row").count(), 31);
  assert.match(await messages.getByRole("row").nth(1).innerText(), /3$/);
  await messages.getByLabel("7 days").check();
  await messages.locator("tbody tr").nth(7).waitFor({ state: "detached" });
  await messages.getByText("Show as a table").click();
  await messages.locator(".bar-mark").first().waitFor();
  await picture(page, "statistics");
});

test("somebody changes the own profile and password, and ends other logins", async () => {
  const person = await at.site.server.person("zoe", "Zoe Martin");
  await at.site.server.cookie(person);
  const page = await at.site.signedIn(person, { path: "/profile" });
  await page.getByLabel("Full name").fill("Zoé Martin");
  await page.getByLabel("Phone").fill("+351 21 000 00 00");
  await page.getByLabel("Bio").fill("Two words.\nTwo lines.");
  await page.getByLabel("Email").fill("not an address");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByLabel("Email").and(page.locator("[aria-invalid=true]")).waitFor();
  await page.getByLabel("Email").fill(person.email);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved").waitFor();
  const user = await at.site.server.api("GET", "/api/users/me", person);
  assert.deepEqual([user.full_name, user.phone_number, user.bio], ["Zoé Martin", "+351 21 000 00 00", "Two words.\nTwo lines."]);
  await picture(page, "profile");

  const logins = page.getByRole("region", { name: "Where you are signed in" });
  await logins.getByText("This one").waitFor();
  // The person's own, the cookie's and this page's.
  await logins.getByRole("listitem").nth(2).waitFor();
  await logins.getByRole("button", { name: /^End:/ }).first().click();
  await logins.getByRole("listitem").nth(2).waitFor({ state: "detached" });

  await page.getByLabel("Current password").fill("Wrong-password-1");
  await page.getByLabel("New password").fill("Another-horse-2");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("This is not your current password").waitFor();
  await page.getByLabel("Current password").fill(PASSWORD);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Password changed.").waitFor();
  await logins.getByRole("listitem").nth(1).waitFor({ state: "detached" });
  await page.reload();
  await page.getByRole("button", { name: "Change password" }).waitFor();
  assert.equal((await at.site.server.ask("GET", "/api/users/me", person)).status, 401);
});
