import assert from "node:assert/strict";
import { test } from "node:test";
import { room } from "./harness/site.mjs";
import { aSite } from "./harness/suite.mjs";

/** The most that a first visit may bring over the line, in bytes. */
const BUDGET = 120_000;

let ana;
const at = aSite({
  prepare: async ({ server }) => {
    ana = await server.person("ana", "Ana Sousa");
    for (let number = 0; number < 20; number += 1) await server.say(ana, "general", `message ${number}`);
  },
});

/**
 * What goes over the line, told by the browser's own network layer.
 *
 * @param {import("playwright-core").Page} page
 */
async function meter(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const seen = new Map();
  const of = (id) => seen.get(id) ?? seen.set(id, { bytes: 0 }).get(id);
  session.on("Network.responseReceived", ({ requestId, response }) =>
    Object.assign(of(requestId), {
      url: new URL(response.url),
      protocol: response.protocol,
      headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), value])),
      cached: response.fromDiskCache || response.fromServiceWorker || response.fromPrefetchCache,
    }),
  );
  session.on("Network.requestServedFromCache", ({ requestId }) => (of(requestId).remembered = true));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => (of(requestId).bytes = encodedDataLength));
  const all = () => [...seen.values()].filter(({ url }) => url?.protocol === "https:");
  return { all, total: () => all().reduce((sum, { bytes }) => sum + bytes, 0), clear: () => seen.clear() };
}

async function inRoom(path, prepare) {
  const page = await at.site.signedIn(ana, { path: "/manifest.webmanifest" });
  const metered = await meter(page);
  await prepare?.(page);
  await page.goto(path);
  await room(page).message("message 19").waitFor();
  return { page, metered };
}

test("the first load is small, compressed, over HTTP/2, and cached for ever", async () => {
  const { page, metered } = await inRoom("/rooms/general");
  const files = metered.all();
  const told = files.map(({ url, bytes }) => `${bytes}\t${url.pathname}`).join("\n");
  console.log(`first load: ${metered.total()} bytes in ${files.length} answers`);
  assert.ok(files.length > 20, told);
  assert.ok(metered.total() < BUDGET, `${metered.total()} bytes:\n${told}`);
  for (const { url, protocol, headers, cached } of files) {
    if (cached) continue;
    assert.equal(protocol, "h2", url.pathname);
    if (!url.pathname.startsWith("/assets/")) continue;
    assert.equal(headers["cache-control"], "public, max-age=31536000, immutable", url.pathname);
    if (/\.(js|css)$/.test(url.pathname) && Number(headers["content-length"] ?? 9999) > 200) {
      assert.equal(headers["content-encoding"], "br", url.pathname);
    }
  }
});

test("the second load asks for nothing that it has", async () => {
  const { page, metered } = await inRoom("/rooms/general");
  metered.clear();
  await page.reload();
  await room(page).message("message 19").waitFor();
  const own = metered.all().filter(({ url }) => url.pathname.startsWith("/assets/"));
  assert.ok(own.length > 20);
  const again = own.filter(({ cached, remembered }) => !cached && !remembered);
  assert.deepEqual(again.map(({ url }) => url.pathname), []);
});

test("the page is there before the socket is", async () => {
  const refuse = (page) => page.routeWebSocket(/\/api\/chat\/ws/, () => {});
  const { page } = await inRoom("/rooms/general", refuse);
  await room(page).rooms.getByRole("link", { name: /General/ }).waitFor();
  await room(page).composer.fill("can be written in");
});

test("the first paint waits for little", async () => {
  const { page } = await inRoom("/rooms/general");
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  console.log(`first contentful paint after ${Math.round(paint)} ms`);
  assert.ok(paint < 5_000, `${paint} ms on a machine that may be busy`);
});
