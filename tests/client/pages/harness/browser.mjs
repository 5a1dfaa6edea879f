/** Debian's Chromium, which trusts the server's own authority as a person's browser would. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const run = promisify(execFile);

/** Where the pictures go. */
export const SCREENS = fileURLToPath(new URL("../../../../target/screens/", import.meta.url));

/**
 * A Chromium whose home knows the authority: a page with a certificate that was only waved through
 * gets no service worker.
 *
 * @param {string} ca path of a PEM file
 */
export async function openBrowser(ca) {
  const home = await mkdtemp(join(tmpdir(), "parlor-home-"));
  const store = join(home, ".pki/nssdb");
  await mkdir(store, { recursive: true });
  const database = `sql:${store}`;
  await run("certutil", ["-d", database, "-N", "--empty-password"]);
  await run("certutil", ["-d", database, "-A", "-n", "parlor", "-t", "C,,", "-i", ca]);
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    // Its sandbox needs rights that a container does not give; it visits nobody but our own server.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
  });
  const close = async () => {
    await browser.close();
    await rm(home, { recursive: true, force: true });
  };
  return { browser, close };
}
