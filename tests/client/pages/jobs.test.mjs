import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Post } from "./harness/post.mjs";
import { ADMIN, picture, Site, until } from "./harness/site.mjs";

let site, post;
before(async () => {
  post = await Post.start();
  site = await Site.open(post.settings);
});
after(async () => {
  await site?.close();
  post?.close();
});

test("a mail that nobody takes waits for an admin, who tries it again, or deletes it", async () => {
  post.refuses = true;
  await site.server.person("ana", "Ana Sousa");
  await site.server.person("rui", "Rui Costa");
  const { token } = await site.server.admin();
  const dead = async () => (await site.server.api("GET", "/api/admin/jobs?state=dead", { token })).data.length;
  await until(async () => (await dead()) === 2, "two mails are given up");
  const page = await site.signedIn(ADMIN, { path: "/people" });
  await page.getByRole("link", { name: "Jobs" }).click();
  const entries = page.getByRole("list").filter({ hasText: "no such user" }).getByRole("listitem");
  await entries.nth(1).waitFor();
  await picture(page, "jobs");

  post.refuses = false;
  await entries.first().getByRole("button", { name: /^Try again/ }).click();
  await until(async () => post.mails.some((mail) => /^To: .*ana@example\.com/m.test(mail)), "the mail is sent");
  await page.getByRole("button", { name: /^Delete/ }).first().waitFor();
  await until(async () => (await dead()) === 1, "one is left");
  await page.reload();
  await page.getByRole("button", { name: /^Delete/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("Nothing was given up.").waitFor();
  await page.getByLabel("Show").selectOption("waiting");
  await page.getByText("Nothing waits.").waitFor();
  assert.equal(await dead(), 0);
  assert.deepEqual(site.complaints, []);
});
