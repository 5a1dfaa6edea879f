// @ts-check
/** @type {Map<string, Promise<void>>} */
const brought = new Map();

/**
 * Brings a style sheet that not every page needs. A page's module waits for it, so that the page is
 * never seen without.
 *
 * @param {string} name of a file in `css/`, without its ending
 * @returns {Promise<void>} never rejects: a page without its style is better than none
 */
export function styled(name) {
  const known = brought.get(name);
  if (known) return known;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(`../css/${name}.css`, import.meta.url).href;
  /** @type {Promise<void>} */
  const there = new Promise((resolve) => {
    link.onload = link.onerror = () => resolve();
  });
  brought.set(name, there);
  document.head.append(link);
  return there;
}
