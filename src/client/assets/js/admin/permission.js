// @ts-check
import { admin } from "../text/admin.js";

/**
 * What a permission allows, in words; one that is newer than this page, in the server's.
 *
 * @param {{name: string, about: string}} permission
 */
export function permissionText({ name, about }) {
  /** @type {Record<string, string>} */
  const known = admin().permissions;
  return known[name] ?? about;
}
