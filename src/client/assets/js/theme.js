// @ts-check
/** @typedef {"auto" | "light" | "dark"} Theme */

const CHOICE = "parlor.theme";

/** @type {Theme[]} */
export const THEMES = ["auto", "light", "dark"];

/** What was chosen in this browser; `auto` does as the machine does. */
export function theme() {
  let chosen = null;
  try {
    chosen = localStorage.getItem(CHOICE);
  } catch {
    // A browser that keeps nothing.
  }
  return THEMES.find((known) => known === chosen) ?? "auto";
}

/** @param {Theme} chosen */
export function chooseTheme(chosen) {
  try {
    localStorage.setItem(CHOICE, chosen);
  } catch {
    // It lasts as long as the page.
  }
  applyTheme(chosen);
}

/** @param {Theme} chosen */
export function applyTheme(chosen = theme()) {
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
