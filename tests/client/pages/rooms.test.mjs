import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { picture, room, Site } from "./harness/site.mjs";

let site, ana, rui;
before(async () => {
  site = await Site.open();
  ana = await site.server.person("ana", "Ana Sousa");
  rui = await site.server.person("rui", "Rui Costa");
});
after(() => site?.close());
afterEach(async () => {
  const complaints = [...site.complaints];
  await site.clear();
  assert.deepEqual(complaints, []);
});

test("people see each other come, type and go, and what they emphasise", async () => {
  const hers = await site.signedIn(ana);
  await room(hers).people.getByText("Ana Sousa").waitFor();
  const his = await site.signedIn(rui);
  await room(hers).people.getByText("Rui Costa").waitFor();
  await room(hers).message("Rui Costa joined").waitFor();

  await room(his).composer.pressSequentially("Hi");
  await hers.getByText("Rui Costa is typing…").waitFor();
  await room(his).composer.press("Shift+Enter");
  await room(his).composer.pressSequentially("Ana");
  assert.equal(await room(his).composer.inputValue(), "Hi\nAna");
  await room(his).sendButton.click();
  await room(hers).log.locator(".text", { hasText: /Hi\s*Ana/ }).waitFor();
  await hers.getByText("Rui Costa is typing…").waitFor({ state: "hidden" });
  assert.equal(await room(his).composer.inputValue(), "");

  await room(hers).say("Hello **Rui**, see `docs/api.md` and https://example.com/a?b=c");
  const answer = room(his).log.locator(".text", { hasText: "Hello Rui" });
  await answer.waitFor();
  assert.equal(await answer.locator("strong").textContent(), "Rui");
  assert.equal(await answer.locator("code").textContent(), "docs/api.md");
  const link = answer.getByRole("link", { name: "https://example.com/a?b=c" });
  assert.match(await link.getAttribute("rel"), /noopener/);
  await picture(hers, "talk");

  await his.close();
  await room(hers).people.getByText("Rui Costa").waitFor({ state: "hidden" });
});

test("what is unread is counted, marked and read", async () => {
  const path = "/api/chat/rooms/general";
  const { head } = await site.server.api("GET", path, { token: ana.token });
  await site.server.api("PUT", `${path}/read`, { token: ana.token, body: { seq: head } });
  const page = await site.signedIn(ana, { path: "/rooms/random" });
  await room(page).composer.waitFor();
  const general = room(page).rooms.getByRole("link", { name: /General/ });
  await general.waitFor();
  for (const text of ["one", "two", "three"]) await site.server.say(rui, "general", `${text} unread`);
  await room(page).rooms.getByRole("link", { name: "General 3 unread" }).waitFor();
  await page.waitForFunction(() => document.title.startsWith("(3) "));

  await general.click();
  await page.getByRole("separator", { name: "3 new messages" }).waitFor();
  await page.waitForFunction(() => !document.title.startsWith("("));
  assert.equal(new URL(page.url()).pathname, "/rooms/general");
  await page.goBack();
  await page.getByRole("heading", { name: "Random" }).first().waitFor();

  // The server knows it, too: another device begins there.
  await page.waitForFunction(async () => {
    const shown = document.querySelector("nav[aria-labelledby] a[href='/rooms/general']");
    return !shown.textContent.includes("unread");
  });
  const read = async () => {
    const { data } = await site.server.api("GET", "/api/chat/rooms", { token: ana.token });
    return data.find(({ id }) => id === "general");
  };
  let known = await read();
  for (let tries = 0; known.read < known.head && tries < 100; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    known = await read();
  }
  assert.equal(known.read, known.head);
});

test("a refused message says so, and is sent again or thrown away", async () => {
  const device = await site.device();
  await device.addCookies([await site.server.cookie(ana)]);
  const page = await device.newPage();
  let refuses = true;
  await page.routeWebSocket("**/api/chat/ws", (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const { type, ref } = JSON.parse(String(text));
      if (!refuses || type !== "message") return server.send(text);
      socket.send(JSON.stringify({ type: "error", code: "forbidden", error: "no", ref }));
    });
  });
  await page.goto("/rooms/help");
  await room(page).say("first try");
  await room(page).say("second thought");
  const alerts = room(page).log.getByRole("alert");
  await alerts.nth(1).waitFor();
  await picture(page, "refused");
  await alerts.nth(1).getByRole("button", { name: "Discard" }).click();
  await alerts.nth(1).waitFor({ state: "detached" });
  refuses = false;
  await alerts.getByRole("button", { name: "Try again" }).click();
  await alerts.waitFor({ state: "hidden" });
  // What is on the server has an address.
  const sent = room(page).log.locator(".message", { hasText: "first try" }).locator("a.at");
  await sent.waitFor({ state: "attached" });
  assert.equal(await room(page).message("second thought").count(), 0);
  const { data } = await site.server.api("GET", "/api/chat/rooms/help/messages", { token: ana.token });
  assert.deepEqual(data.map(({ content }) => content), ["first try"]);
});

test("a draft survives a reload, and its length is told before it is too long", async () => {
  const page = await site.signedIn(ana);
  await room(page).composer.fill("half a thou");
  await page.reload();
  await room(page).composer.waitFor();
  await page.waitForFunction(() => document.querySelector("textarea").value === "half a thou");

  await room(page).composer.fill("x".repeat(3990));
  await page.getByText("10 characters left").waitFor();
  await room(page).composer.fill("x".repeat(4001));
  await page.getByText("1 characters too many").waitFor();
  await room(page).composer.press("Enter");
  assert.equal((await room(page).composer.inputValue()).length, 4001, "it is not sent");
  assert.equal(await room(page).log.locator(".message.pending, .message.failed").count(), 0);
  await room(page).composer.fill("");
});

test("who is away is notified, once it was asked for", async () => {
  const device = await site.device({ permissions: ["notifications"] });
  await device.addCookies([await site.server.cookie(ana)]);
  const page = await device.newPage();
  await page.addInitScript(() => {
    const shown = (globalThis.shown = []);
    globalThis.away = false;
    document.hasFocus = () => !globalThis.away;
    globalThis.Notification = class extends Notification {
      constructor(title, options) {
        super(title, options);
        shown.push([title, options.body]);
      }
    };
  });
  await page.goto("/rooms/general");
  await room(page).composer.waitFor();
  const hear = async (text) => {
    await site.server.say(rui, "general", text);
    await room(page).message(text).waitFor();
  };
  await page.evaluate(() => (globalThis.away = true));
  await hear("nobody asked for this");
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("Notify me of new messages while I am away").check();
  await page.getByRole("button", { name: "Close" }).click();
  await hear("somebody did");
  await page.evaluate(() => (globalThis.away = false));
  await hear("seen anyway");
  assert.deepEqual(await page.evaluate(() => globalThis.shown), [["Rui Costa in General", "somebody did"]]);
});
