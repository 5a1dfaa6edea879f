// @ts-check
/**
 * Opens /api/docs in Chromium: it shows every operation of the document, the site's policy refuses nothing that it needs,
 * and it asks no other site for anything.
 *
 * node tests/contract/page.mjs URL
 */
import { chromium } from "playwright-core";

const [url] = process.argv.slice(2);
const document_ = await (await fetch(`${url}/api/openapi.json`)).json();
/** @type {string[]} */
const wrong = [];

// Its sandbox needs rights that a container does not give; it visits nobody but our own server.
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"],
});
try {
  const page = await browser.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) wrong.push(message.text());
  });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("data:")) {
      wrong.push(`asks ${request.url()}`);
    }
  });
  // The first one waits until its script is compressed, which takes an unoptimized server its time.
  await page.goto(`${url}/api/docs`, { timeout: 120_000 });
  await page.locator(".opblock").first().waitFor();
  const wanted = Object.values(document_.paths).flatMap((item) => Object.keys(item)).length;
  const shown = await page.locator(".opblock").count();
  if (shown !== wanted) wrong.push(`${shown} of ${wanted} operations are shown`);
  const login = page.locator("#operations-Signing_in-logIn");
  await login.locator(".opblock-summary-control").click();
  await login.locator(".responses-table").first().waitFor();
  console.log(`${shown} operations are shown`);
} finally {
  await browser.close();
}
if (wrong.length > 0) {
  console.error(wrong.join("\n"));
  process.exitCode = 1;
}
