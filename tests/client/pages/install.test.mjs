import assert from "node:assert/strict";
import { test } from "node:test";
import { aSite } from "./harness/suite.mjs";

let ana;
const at = aSite({
  prepare: async ({ server }) => {
    ana = await server.person("ana", "Ana Sousa");
  },
});

/** Waits until the service worker keeps everything. @param {import("playwright-core").Page} page */
function kept(page) {
  return page.evaluate(async () => void (await navigator.serviceWorker.ready));
}

test("the shell opens without a network, at any address", async () => {
  const page = await at.site.signedIn(ana);
  await page.getByRole("button", { name: "Sign out" }).waitFor();
  await kept(page);
  await page.close();
  const context = at.site.contexts.at(-1);
  await context.setOffline(true);
  for (const path of ["/", "/rooms/random", "/profile"]) {
    const again = await context.newPage();
    await again.goto(path);
    await again.getByRole("button", { name: "Sign out" }).waitFor();
    await again.close();
  }
});

test("nothing that is personal is kept by the service worker", async () => {
  const page = await at.site.signedIn(ana);
  await page.getByRole("button", { name: "Sign out" }).waitFor();
  await kept(page);
  const addresses = await page.evaluate(async () => {
    const found = [];
    for (const name of await caches.keys()) {
      for (const request of await (await caches.open(name)).keys()) found.push(new URL(request.url).pathname);
    }
    return found;
  });
  assert.ok(addresses.length > 20);
  for (const address of addresses) assert.match(address, /^\/(assets\/.*|manifest\.webmanifest)?$/);
});

test("the manifest and its icons are there", async () => {
  const page = await at.site.signedIn(ana);
  const sizes = await page.evaluate(async () => {
    const manifest = await (await fetch("/manifest.webmanifest")).json();
    if (manifest.start_url !== "/" || manifest.display !== "standalone") throw new Error("not installable");
    const load = ({ src }) =>
      new Promise((resolve, reject) => {
        const image = Object.assign(new Image(), { src, onload: () => resolve(image.naturalWidth) });
        image.onerror = () => reject(new Error(src));
      });
    return Promise.all(manifest.icons.filter(({ type }) => type === "image/png").map(load));
  });
  assert.deepEqual(sizes, [192, 512, 512]);
});
