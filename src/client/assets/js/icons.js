// @ts-check
import { svg } from "./element.js";

/** Strokes on a grid of 24, drawn for Parlor. */
const PATHS = {
  menu: "M4 7h16M4 12h16M4 17h10",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  send: "M5 12l15-7-5 15-3-6.5zM12 13.5L20 5",
  down: "M12 5v14M6 13l6 6 6-6",
  people: "M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM3 20c0-3.6 2.6-5.5 6-5.5s6 1.9 6 5.5M16 4.4a3.5 3.5 0 010 6.2M18 14.8c1.9.8 3 2.5 3 5.2",
  person: "M12 12a4 4 0 100-8 4 4 0 000 8zM4.5 20.5c0-4 3.2-6 7.5-6s7.5 2 7.5 6",
  chart: "M4 20h16M7 20v-7M12 20V5M17 20v-10",
  shield: "M12 3l7 3v5.5c0 4.5-2.9 7.7-7 9.5-4.1-1.8-7-5-7-9.5V6zM9 12l2 2 4-4",
  leave: "M14 4h4a2 2 0 012 2v12a2 2 0 01-2 2h-4M10 8l-4 4 4 4M6 12h9",
  bell: "M6 16V11a6 6 0 0112 0v5l1.5 2h-15zM10 20.5a2.2 2.2 0 004 0",
  gear: "M4 7h9M19 7h1M4 17h1M11 17h9M16 9.2a2.2 2.2 0 100-4.4 2.2 2.2 0 000 4.4zM8 19.2a2.2 2.2 0 100-4.4 2.2 2.2 0 000 4.4z",
  help: "M12 21a9 9 0 100-18 9 9 0 000 18zM9.5 9.5a2.6 2.6 0 115 .9c-.4 1.3-2.5 1.6-2.5 3.1M12 17v.01",
  clock: "M12 21a9 9 0 100-18 9 9 0 000 18zM12 7.5V12l3 2",
  alert: "M12 4l9 16H3zM12 10v4.5M12 17.2v.01",
  check: "M5 12.5l4.5 4.5L19 7.5",
  search: "M11 18a7 7 0 100-14 7 7 0 000 14zM16 16l4.5 4.5",
  back: "M15 5l-7 7 7 7",
  forward: "M9 5l7 7-7 7",
  key: "M14.5 13a4.5 4.5 0 10-4.3-3.2L4 16v4h4v-2.5h2.5V15l1-1a4.500 4.500 0 003-1zM16 8v.01",
};

/** @typedef {keyof typeof PATHS} IconName */

/**
 * A picture beside a name; who cannot see it misses nothing.
 *
 * @param {IconName} name
 */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: PATHS[name] }),
  );
}
