import assert from "node:assert/strict";
import { test } from "node:test";
import { picture, room, until } from "./harness/site.mjs";
import { aSite } from "./harness/suite.mjs";

let ana, rui;
const at = aSite({
  // A client tells it every three seconds; with the same limit here one may just miss the other.
  settings: { TYPING_SECONDS: "1" },
  prepare: async ({ server }) => {
    ana = await server.person("ana", "Ana Sousa");
    rui = await server.person("rui", "Rui Costa");
  },
});

/** Two people in a room, who see each other. */
async function both(path = "/rooms/general") {
  const pages = await Promise.all([at.site.signedIn(ana, { path }), at.site.signedIn(rui, { path })]);
  const [a, r] = pages.map(room);
  await a.people.getByText("Rui Costa").waitFor();
  await r.people.getByText("Ana Sousa").waitFor();
  return { a, r, pages };
}

test("two people talk", async () => {
  const { a, r, pages } = await both();
  await a.say("Good morning, Rui");
  await r.message("Good morning, Rui").waitFor();
  await r.say("Good morning, **Ana**");
  await a.log.locator(".text strong", { hasText: "Ana" }).waitFor();
  // It is told every three seconds at most, and the last time was just now.
  const seen = pages[0].getByText("Rui Costa is typing…");
  await until(async () => {
    await r.composer.pressSequentially("x");
    return seen.isVisible();
  }, "typing is seen");
  await picture(pages[0], "talk");
});

test("a line break is written with Shift and Enter, and a paste keeps its lines", async () => {
  const { a, r } = await both();
  await a.composer.pressSequentially("first");
  await a.composer.press("Shift+Enter");
  await a.composer.pressSequentially("second");
  await a.sendButton.click();
  await r.log.getByText("second").waitFor();
  const said = await at.site.server.said(ana, "general");
  assert.equal(said.at(-1), "first\nsecond");
});

test("what somebody writes is text, whatever it looks like", async () => {
  const { a, r, pages } = await both();
  const nasty = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
  await a.say(nasty);
  await r.message(nasty).waitFor();
  await a.say("[click](javascript:document.title=3) https://example.com/safe");
  const link = r.log.getByRole("link", { name: "https://example.com/safe" });
  await link.waitFor();
  assert.match(await link.getAttribute("rel"), /noopener/);
  assert.equal(await r.log.locator("img, script, a[href^='javascript']").count(), 0);
  assert.doesNotMatch(await pages[1].title(), /^[123]/);
});

test("who leaves the room is no longer among the people", async () => {
  const { a, pages } = await both();
  await pages[1].close();
  await a.people.getByText("Rui Costa").waitFor({ state: "detached" });
});

test("a new room is made, and others find it", async () => {
  const { pages } = await both();
  await pages[0].getByRole("button", { name: "New room" }).click();
  const dialog = pages[0].getByRole("dialog");
  await dialog.getByRole("textbox").first().fill("Tea and books");
  await picture(pages[0], "new-room");
  await dialog.getByRole("textbox").first().press("Enter");
  await pages[0].waitForURL("**/rooms/tea-and-books");
  await room(pages[0]).say("First!");
  await pages[1].goto("/rooms/tea-and-books");
  await room(pages[1]).message("First!").waitFor();
});

test("a link leads to a room, and back leads back", async () => {
  const page = await at.site.signedIn(ana, { path: "/rooms/random" });
  const { rooms, composer } = room(page);
  await page.getByRole("heading", { name: "Random" }).waitFor();
  await rooms.getByRole("link", { name: /Help/ }).click();
  await page.getByRole("heading", { name: "Help" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/rooms/help");
  await page.goBack();
  await page.getByRole("heading", { name: "Random" }).waitFor();
  await composer.waitFor();
  await page.goForward();
  await page.getByRole("heading", { name: "Help" }).waitFor();
});

test("who opens a link signed out comes to it after signing in, and stays in after a reload", async () => {
  const context = await at.site.device();
  const page = await context.newPage();
  await page.goto("/rooms/random");
  await page.getByLabel("Email").fill(ana.email);
  await page.getByLabel("Password").fill("Wrong-password-1");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("alert").waitFor();
  await picture(page, "sign-in");
  await page.getByLabel("Password").fill(ana.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { name: "Random" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Random" }).waitFor();
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, cookie: document.cookie }));
  assert.doesNotMatch(kept, /eyJ|refresh/, "no token where a script could take it");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
});

test("somebody new makes an account, told what is wrong where it is wrong", async () => {
  const context = await at.site.device();
  const page = await context.newPage();
  await page.goto("/register");
  await page.getByLabel("Full name").fill("Zoe Martin");
  await page.getByLabel("Username").fill("ana");
  await page.getByLabel("Email").fill("zoe@example.com");
  await page.getByLabel("Password").fill("short");
  const create = page.getByRole("button", { name: "Create account" });
  await create.click();
  await page.getByLabel("Password").and(page.locator("[aria-invalid=true]")).waitFor();
  await picture(page, "register");
  await page.getByLabel("Password").fill(ana.password);
  await create.click();
  await page.getByLabel("Username").and(page.locator("[aria-invalid=true]")).waitFor();
  await page.getByLabel("Username").fill("zoe");
  await create.click();
  await room(page).composer.waitFor();
});

test("two tabs agree: what one sends, reads and begins to write, the other knows", async () => {
  const page = await at.site.signedIn(ana);
  const other = await page.context().newPage();
  await other.goto("/rooms/general");
  const [one, two] = [room(page), room(other)];
  await two.composer.waitFor();
  await one.say("from the first tab");
  await two.message("from the first tab").waitFor();
  await two.say("from the second tab");
  await one.message("from the second tab").waitFor();
  for (const { message } of [one, two]) {
    assert.equal(await message("from the first tab").count(), 1);
    assert.equal(await message("from the second tab").count(), 1);
  }
  await one.composer.fill("half a sen");
  await other.waitForFunction(() => document.querySelector("textarea")?.value === "half a sen");
  await page.getByRole("button", { name: "Sign out" }).click();
  await other.getByRole("button", { name: "Sign in", exact: true }).waitFor();
});
