// @ts-check
import { t } from "./text/text.js";

/**
 * What a role is called; one that was made here has its own name only.
 *
 * @param {string} role
 */
export function roleName(role) {
  /** @type {Record<string, string>} */
  const known = t().roles;
  return known[role] ?? role;
}
