// @ts-check
import { h } from "../element.js";
import { styled } from "../style.js";
import { admin } from "../text/admin.js";

await styled("admin");

/** The pages of those who keep this server, in this order. @type {[string, Exclude<keyof ReturnType<typeof admin>["tabs"], "label">][]} */
const TABS = [
  ["/people", "people"],
  ["/audit", "audit"],
];

/** Links from each of these pages to the others. */
export function adminTabs() {
  const { tabs } = admin();
  const links = TABS.map(([path, name]) =>
    h("a", { href: path, "aria-current": path === location.pathname && "page" }, tabs[name]),
  );
  return h("nav", { class: "tabs", "aria-label": tabs.label }, links);
}
