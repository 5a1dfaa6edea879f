// @ts-check
import { h } from "../element.js";
import { may } from "../state/rights.js";
import { styled } from "../style.js";
import { admin } from "../text/admin.js";

await styled("admin");

/** @typedef {Exclude<keyof ReturnType<typeof admin>["tabs"], "label">} TabName */

/** The pages of those who keep this server, and who may see each. @type {[string, TabName, string][]} */
const TABS = [
  ["/people", "people", "users.write"],
  ["/roles", "roles", "roles.manage"],
  ["/service-tokens", "tokens", "tokens.manage"],
  ["/audit", "audit", "audit.read"],
  ["/jobs", "jobs", "jobs.manage"],
];

/**
 * Links from each of these pages to the others.
 *
 * @param {import("../state/types.js").User | null} user
 */
export function adminTabs(user) {
  const { tabs } = admin();
  const allowed = TABS.filter(([, , permission]) => may(user, permission));
  const links = allowed.map(([path, name]) =>
    h("a", { href: path, "aria-current": path === location.pathname && "page" }, tabs[name]),
  );
  return h("nav", { class: "tabs", "aria-label": tabs.label }, links);
}
