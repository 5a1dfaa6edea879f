// @ts-check
import { View, fill, h, svg } from "./element.js";
import { localeTag } from "./text/text.js";

/**
 * @typedef {object} Point
 * @property {string} label what it stands for, in full
 * @property {string} short the same below the axis
 * @property {number} value
 * @property {string} text the value for people
 */

/** Room for the numbers beside the axis and the words below it, in px. */
const LEFT = 44;
const BELOW = 24;
const ABOVE = 8;
const RIGHT = 4;
/** A word below the axis needs so much, in px. */
const WORD = 80;

/**
 * Draws in the pixels that there are, so that texts and lines keep their size. What it shows stands
 * in words beside it; the drawing itself says nothing aloud.
 */
class Chart extends View {
  /** @param {number} height in px */
  constructor(height) {
    super();
    this.height = height;
    /** @type {Point[]} */
    this.points = [];
    this.read = h("p", { class: "chart-read small", "aria-hidden": "true" });
    this.canvas = h("div", {});
  }

  appear() {
    this.classList.add("chart");
    fill(this, this.canvas, this.read);
    const observer = new ResizeObserver(() => this.draw());
    observer.observe(this);
    this.until(() => observer.disconnect());
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", () => this.say(-1));
  }

  /** @param {Point[]} points */
  show(points) {
    this.points = points;
    this.draw();
  }

  draw() {
    const width = Math.floor(this.clientWidth);
    if (width === 0) return;
    const most = Math.max(0, ...this.points.map(({ value }) => value));
    this.scale = scale(most);
    this.inner = { width: Math.max(1, width - LEFT - RIGHT), height: this.height - ABOVE - BELOW };
    fill(
      this.canvas,
      svg(
        "svg",
        { width, height: this.height, viewBox: `0 0 ${width} ${this.height}`, "aria-hidden": "true" },
        this.axis(width),
        this.words(),
        this.marks(),
      ),
    );
  }

  /** @param {number} value */
  y(value) {
    const { inner, scale: { top } = { top: 1 } } = this;
    return ABOVE + (inner?.height ?? 0) * (1 - value / top);
  }

  /** The middle of a point's place. @param {number} at */
  x(at) {
    return LEFT + ((at + 0.5) * (this.inner?.width ?? 0)) / Math.max(1, this.points.length);
  }

  /** @param {number} width */
  axis(width) {
    const { ticks = [] } = this.scale ?? {};
    return ticks.map((value) =>
      svg(
        "g",
        {},
        svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: this.y(value), y2: this.y(value) }),
        svg("text", { class: "tick", x: LEFT - 8, y: this.y(value), dy: "0.32em", "text-anchor": "end" }, short(value)),
      ),
    );
  }

  words() {
    const fit = Math.max(1, Math.floor((this.inner?.width ?? 0) / WORD));
    const step = Math.ceil(this.points.length / fit);
    const last = this.points.length - 1;
    // From the end: the newest has its word.
    return this.points.map(({ short: text }, at) => {
      if ((last - at) % step !== 0) return null;
      const edge = at === last && last > 0 ? "end" : "middle";
      const x = edge === "end" ? LEFT + (this.inner?.width ?? 0) : this.x(at);
      const place = { class: "tick", x, y: this.height - 6, "text-anchor": edge };
      return x < LEFT + WORD / 2 && edge === "middle" ? null : svg("text", place, text);
    });
  }

  /** @returns {import("./element.js").Child[]} */
  marks() {
    return [];
  }

  /** @param {PointerEvent} event */
  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / (this.inner?.width ?? 1);
    this.say(Math.floor(share * this.points.length));
  }

  /** @param {number} at */
  say(at) {
    const point = this.points[at];
    this.read.textContent = point ? `${point.label}: ${point.text}` : "";
    for (const mark of this.canvas.querySelectorAll("[data-at]")) {
      mark.classList.toggle("on", mark.getAttribute("data-at") === String(at));
    }
  }
}

/** One bar a point. */
export class BarChart extends Chart {
  marks() {
    const place = (this.inner?.width ?? 0) / Math.max(1, this.points.length);
    const width = Math.max(1, Math.min(40, place * 0.72));
    return this.points.map(({ value }, at) => {
      if (value === 0) return null;
      // What is little can still be seen.
      const height = Math.max(2, this.y(0) - this.y(value));
      const corner = Math.min(3, width / 2, height);
      const shape = { x: this.x(at) - width / 2, y: this.y(0) - height, width, height, rx: corner };
      return svg("rect", { class: "bar-mark", "data-at": at, ...shape });
    });
  }
}
customElements.define("parlor-bar-chart", BarChart);

/** A line through the points, and what lies below it. */
export class LineChart extends Chart {
  /** From edge to edge. @param {number} at */
  x(at) {
    return LEFT + (at * (this.inner?.width ?? 0)) / Math.max(1, this.points.length - 1);
  }

  marks() {
    if (this.points.length === 0) return [];
    const along = this.points.map(({ value }, at) => `${this.x(at).toFixed(1)} ${this.y(value).toFixed(1)}`);
    const [from, to] = [this.x(0), this.x(this.points.length - 1)];
    const last = this.points.length - 1;
    const end = { cx: to, cy: this.y(this.points[last].value), r: 3.5 };
    return [
      svg("path", { class: "area-mark", d: `M${from} ${this.y(0)}L${along.join("L")}L${to} ${this.y(0)}Z` }),
      svg("path", { class: "line-mark", d: `M${along.join("L")}` }),
      svg("circle", { class: "dot-mark", ...end }),
    ];
  }
}
customElements.define("parlor-line-chart", LineChart);

/**
 * Shares of a whole, as a ring.
 *
 * @param {{name: string, value: number}[]} parts
 */
export function ring(parts) {
  const total = parts.reduce((sum, { value }) => sum + value, 0);
  const around = 2 * Math.PI * 40;
  let before = 0;
  const arcs = parts.map(({ name, value }) => {
    const length = total === 0 ? 0 : (value / total) * around;
    const arc = { "stroke-dasharray": `${length} ${around - length}`, "stroke-dashoffset": -before };
    before += length;
    return value === 0 ? null : svg("circle", { class: `arc part-${name}`, cx: 50, cy: 50, r: 40, ...arc });
  });
  return svg(
    "svg",
    { class: "ring", viewBox: "0 0 100 100", "aria-hidden": "true" },
    svg("circle", { class: "arc none", cx: 50, cy: 50, r: 40 }),
    svg("g", { transform: "rotate(-90 50 50)" }, arcs),
  );
}

/**
 * Round numbers up to at least `most`, four steps or fewer.
 *
 * @param {number} most
 * @returns {{top: number, ticks: number[]}}
 */
export function scale(most) {
  const rough = Math.max(1, most / 4);
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * ten).find((value) => value >= rough) ?? rough;
  const steps = Math.max(1, Math.ceil(most / step));
  return { top: step * steps, ticks: Array.from({ length: steps + 1 }, (_, at) => at * step) };
}

/** @param {number} value */
function short(value) {
  return new Intl.NumberFormat(localeTag(), { notation: "compact" }).format(value);
}
