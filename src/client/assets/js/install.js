// @ts-check
import { parse } from "./state/router.js";

/**
 * Has the page kept for times without a network, once it is there and nothing else is to be loaded,
 * and goes where a notification leads.
 *
 * @param {import("./navigation.js").Navigation} navigation
 */
export function keepPage(navigation) {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  const register = () => void serviceWorker.register("/sw.js").catch(() => {});
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
  serviceWorker.addEventListener("message", ({ data }) => {
    if (data.kind === "go") navigation.go(parse(data.path));
  });
}
