import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { picture, room, Site } from "./harness/site.mjs";

/** So many messages are in the long room. */
const LENGTH = 1_200;

let site, ana, rui;
before(async () => {
  site = await Site.open();
  ana = await site.server.person("ana", "Ana Sousa");
  rui = await site.server.person("rui", "Rui Costa");
  await site.server.api("POST", "/api/chat/rooms", { token: ana.token, body: { id: "long", name: "Long" } });
  for (let done = 0; done < LENGTH; done += 20) {
    const some = Array.from({ length: 20 }, (_, at) => done + at + 1);
    await Promise.all(some.map((n) => site.server.say(n % 3 ? ana : rui, "long", `line ${n} ${"and more ".repeat(n % 17)}`)));
  }
});
after(() => site?.close());
afterEach(async () => {
  const complaints = [...site.complaints];
  await site.clear();
  assert.deepEqual(complaints, []);
});

/** Everything was read, or what is behind `seq` was not. */
async function hasRead(seq) {
  const path = "/api/chat/rooms/long";
  const { head } = await site.server.api("GET", path, { token: ana.token });
  await site.server.api("PUT", `${path}/read`, { token: ana.token, body: { seq: seq ?? head } });
}

/** How far the end of the timeline is below the view, in px. */
function belowView(page) {
  return room(page).log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
}

/** Waits until the end of the room is shown, and stays so. */
function settled(page) {
  return page.waitForFunction(() => {
    const log = document.querySelector("[role=log]");
    return log?.scrollTop > 500 && !log.querySelector(".rows").hasAttribute("aria-live");
  });
}

test("who was away for long begins at the first message that is unread", async () => {
  await hasRead(600);
  const page = await site.signedIn(ana, { path: "/rooms/long" });
  await page.getByRole("separator", { name: "600 new messages" }).waitFor();
  const first = room(page).log.locator("a.at[href='/rooms/long/601']");
  await first.waitFor({ state: "attached" });
  assert.ok(await first.evaluate((link) => link.getBoundingClientRect().top < innerHeight));
  await page.getByRole("button", { name: /^\d+ new messages/ }).click();
  await settled(page);
  await page.waitForFunction(() => !document.title.startsWith("("));
});

test("older messages come while one scrolls up, and what is read does not jump", async () => {
  await hasRead();
  const page = await site.signedIn(ana, { path: "/rooms/long" });
  await settled(page);
  const outcome = await room(page).log.evaluate(async (log) => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const inView = () => {
      const { top } = log.getBoundingClientRect();
      return [...log.querySelectorAll(".message")].find((row) => row.getBoundingClientRect().top > top);
    };
    const seqs = new Set();
    let [worst, most, steps] = [0, 0, 0];
    for (; !log.querySelector(".start .big") && steps < 5_000; steps += 1) {
      const row = inView();
      const [before, was] = [row?.getBoundingClientRect().top ?? 0, log.scrollTop];
      log.scrollTop -= 200;
      const moved = was - log.scrollTop;
      await frame();
      if (row?.isConnected && moved > 0) {
        worst = Math.max(worst, Math.abs(row.getBoundingClientRect().top - before - moved));
      }
      for (const link of log.querySelectorAll("a.at")) seqs.add(Number(link.pathname.split("/")[3]));
      most = Math.max(most, log.querySelectorAll(".message").length);
    }
    return { worst, most, seen: seqs.size };
  });
  assert.ok(outcome.worst < 2, `it jumped by ${outcome.worst} px`);
  assert.ok(outcome.most < 150, `${outcome.most} rows were in the document`);
  assert.equal(outcome.seen, LENGTH, "every message was shown on the way");
  await picture(page, "beginning");
});

test("who reads above is told how much is new, and comes back to it by a button", async () => {
  await hasRead();
  const page = await site.signedIn(ana, { path: "/rooms/long" });
  await settled(page);
  await room(page).log.evaluate((log) => (log.scrollTop -= 1_500));
  await page.getByRole("button", { name: "Jump to newest" }).waitFor();
  const [seen, before] = await room(page).log.evaluate((log) => {
    const { top } = log.getBoundingClientRect();
    const row = [...log.querySelectorAll(".message")].find((row) => row.getBoundingClientRect().top > top);
    return [row.querySelector("a.at").pathname, row.getBoundingClientRect().top];
  });
  for (const text of ["late 1", "late 2"]) await site.server.say(rui, "long", text);
  const jump = page.getByRole("button", { name: "2 new messages" });
  await jump.waitFor();
  const after = await page.evaluate((path) => {
    return document.querySelector(`a.at[href='${path}']`).closest(".message").getBoundingClientRect().top;
  }, seen);
  assert.ok(Math.abs(after - before) < 2, "what is read stays where it is");
  await picture(page, "reading-above");
  await jump.click();
  await room(page).message("late 2").waitFor();
  await jump.waitFor({ state: "hidden" });
  assert.ok((await belowView(page)) < 2);
});

test("a link to a message leads to it, and back to the present", async () => {
  const page = await site.signedIn(ana, { path: "/rooms/long/300" });
  const pointed = room(page).log.locator(`a.at[href='/rooms/long/300']`);
  await pointed.waitFor({ state: "attached" });
  await page.waitForFunction(() => {
    const at = document.querySelector("a.at[href='/rooms/long/300']")?.getBoundingClientRect();
    const view = document.querySelector("[role=log]").getBoundingClientRect();
    return at && at.top > view.top && at.bottom < view.bottom;
  });
  await room(page).say("from far above");
  await room(page).message("from far above").waitFor();
  await page.waitForFunction(() => {
    const log = document.querySelector("[role=log]");
    return log.scrollHeight - log.scrollTop - log.clientHeight < 2;
  });
});

test("a screen reader hears what is new, not what is scrolled to", async () => {
  await hasRead();
  const page = await site.signedIn(ana, { path: "/rooms/long" });
  const { log } = room(page);
  await settled(page);
  assert.equal(await log.getAttribute("aria-live"), "polite");
  await log.evaluate((element) => (element.scrollTop -= 2_000));
  await page.waitForFunction(() => document.querySelector("[role=log] .rows").getAttribute("aria-live") === "off");
});
