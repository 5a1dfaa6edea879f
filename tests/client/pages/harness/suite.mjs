/** What every file of page tests begins with. */
import assert from "node:assert/strict";
import { after, afterEach, before } from "node:test";
import { Site } from "./site.mjs";

/**
 * A server and a browser for the tests of this file. No page may throw or complain in any of them.
 *
 * @param {{settings?: Record<string, string>, prepare?: (site: Site) => Promise<void>}} [options]
 * @returns {{site: Site}} the site is there once the tests run
 */
export function aSite({ settings, prepare } = {}) {
  const at = { site: /** @type {any} */ (null) };
  before(async () => {
    at.site = await Site.open(settings);
    await prepare?.(at.site);
  });
  after(() => at.site?.close());
  afterEach(async () => {
    const complaints = [...at.site.complaints];
    await at.site.clear();
    assert.deepEqual(complaints, []);
  });
  return at;
}
