// @ts-check
import { admin } from "../text/admin.js";

/**
 * What was done, in words; an act of a later version is told by its own.
 *
 * @param {string} act such as `user.role`
 */
export function actText(act) {
  /** @type {Record<string, string>} */
  const known = admin().acts;
  return known[act] ?? act;
}
