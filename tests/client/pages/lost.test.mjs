import assert from "node:assert/strict";
import { test } from "node:test";
import { picture, room } from "./harness/site.mjs";
import { aSite } from "./harness/suite.mjs";

let ana, rui;
const at = aSite({
  prepare: async ({ server }) => {
    ana = await server.person("ana", "Ana Sousa");
    rui = await server.person("rui", "Rui Costa");
  },
});

/** What the page says of how it is connected. */
const status = (page, text) => page.getByRole("status").filter({ hasText: text }).first();

test("written offline, tab closed, come back: sent once, in order", async () => {
  const page = await at.site.signedIn(ana);
  const context = page.context();
  await room(page).say("before");
  await room(page).message("before").waitFor();
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  await context.setOffline(true);
  await status(page, "Offline").waitFor();
  const texts = Array.from({ length: 5 }, (_, number) => `offline ${number}`);
  for (const text of texts) {
    await room(page).say(text);
    await room(page).message(text).waitFor();
  }
  await room(page).composer.fill("a draft");
  await picture(page, "offline");
  await page.close();

  const offline = await context.newPage();
  await offline.goto("/rooms/general");
  await room(offline).message("offline 4").waitFor();
  await offline.waitForFunction(() => document.querySelector("textarea")?.value === "a draft");
  await offline.close();

  await context.setOffline(false);
  const back = await context.newPage();
  await back.goto("/rooms/random");
  await room(back).composer.waitFor();
  await back.goto("/rooms/general");
  await room(back).message("offline 4").waitFor();
  const witness = await at.site.signedIn(rui);
  await room(witness).message("offline 4").waitFor();
  const said = await at.site.server.said(rui, "general");
  assert.deepEqual(said, ["before", ...texts]);
  for (const text of texts) assert.equal(await room(back).message(text).count(), 1, text);
});

test("a server that dies and comes back in the middle of typing loses nothing", async () => {
  const { server } = at.site;
  const [page, other] = await Promise.all([at.site.signedIn(ana, { path: "/rooms/help" }), at.site.signedIn(rui, { path: "/rooms/help" })]);
  const [a, r] = [room(page), room(other)];
  await a.say("one");
  await r.message("one").waitFor();
  await a.composer.pressSequentially("half a sen");
  await server.kill();
  await status(page, /Reconnecting|Connecting/).waitFor();
  await picture(page, "reconnecting");
  await a.composer.pressSequentially("tence, whole");
  await a.composer.press("Enter");
  await a.message("half a sentence, whole").waitFor();
  await a.say("two");
  await r.say("three");
  await server.run();
  const all = ["one", "half a sentence, whole", "two", "three"];
  for (const { message } of [a, r]) for (const text of all) await message(text).waitFor();
  await status(page, "Connected").waitFor({ state: "attached" });
  // On the server, once each, one's own in the order of writing; and both pages show the same.
  await sent(page);
  await sent(other);
  const said = await server.said(ana, "help");
  assert.deepEqual([...said].sort(), [...all].sort());
  assert.ok(said.indexOf("half a sentence, whole") < said.indexOf("two"));
  assert.deepEqual(await shown(a), said);
  assert.deepEqual(await shown(r), said);
});

test("what was said while the line was cut is there afterwards, without a gap or a double", async () => {
  const { server } = at.site;
  const page = await at.site.signedIn(ana, { path: "/rooms/random" });
  await room(page).say("before the cut");
  await room(page).message("before the cut").waitFor();
  await page.context().setOffline(true);
  await status(page, "Offline").waitFor();
  for (let number = 0; number < 120; number += 1) await server.say(rui, "random", `missed ${number}`);
  await page.context().setOffline(false);
  await room(page).message("missed 119").waitFor();
  await room(page).log.focus();
  const read = await readUp(page);
  const said = await server.said(rui, "random");
  assert.deepEqual(read, said);
});

/** Waits until nothing of a page is still to be sent. @param {import("playwright-core").Page} page */
function sent(page) {
  return page.waitForFunction(
    () =>
      new Promise((resolve) => {
        const open = indexedDB.open("parlor");
        open.onsuccess = () => {
          const count = open.result.transaction("outbox").objectStore("outbox").count();
          count.onsuccess = () => {
            open.result.close();
            resolve(count.result === 0);
          };
        };
      }),
  );
}

/** The messages that a log has in the document, from top to bottom. */
function shown({ log }) {
  return log.evaluate((element) => [...element.querySelectorAll(".message .text")].map((text) => text.innerText));
}

/** Scrolls from the end to the beginning and collects every message, by its number. */
async function readUp(page) {
  const { log } = room(page);
  const found = new Map();
  for (let turn = 0; turn < 400 && !found.has(1); turn += 1) {
    const rows = await log.evaluate((element) => {
      element.scrollBy(0, -400);
      const messages = [...element.querySelectorAll(".message")];
      const number = (row) => Number(row.querySelector("a.at")?.pathname.split("/").at(-1));
      return messages.map((row) => [number(row), row.querySelector(".text").innerText]);
    });
    for (const [seq, text] of rows) found.set(seq, text);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
  return [...found].sort(([a], [b]) => a - b).map(([, text]) => text);
}
