// @ts-check
import { View, fill, h, svg } from "./element.js";
import { localeTag, t } from "./text/text.js";
import { number } from "./text/times.js";

/** From here on a machine has not much left, in per cent. */
const MUCH = 90;

/** How the server and its machine are. */
export class Health extends View {
  /** @param {import("./state/api.js").Api} api */
  constructor(api) {
    super();
    this.api = api;
  }

  async load() {
    const ask = (/** @type {string} */ path) => this.api.plain("GET", path).catch((problem) => ({ problem }));
    const [health, ready] = await Promise.all([ask("/health"), ask("/health/ready")]);
    if (health.problem) this.showState(false, t().statistics.unreachable);
    else this.show(health, ready);
  }

  /**
   * @param {any} health
   * @param {any} ready
   */
  show({ version, uptime, system_info: machine }, ready) {
    const { serving, cpu, memory, swap, usedOf, facts } = t().statistics;
    const fact = (/** @type {string} */ name, /** @type {string} */ value) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, value));
    const used = (/** @type {number} */ part, /** @type {number} */ whole) => usedOf(bytes(part), bytes(whole));
    const meters = [
      meter(cpu, machine.cpu_usage, `${number(Math.round(machine.cpu_usage))} %`),
      meter(memory, machine.memory_usage_percent, used(machine.used_memory, machine.total_memory)),
    ];
    if (machine.total_swap > 0) {
      const share = (100 * machine.used_swap) / machine.total_swap;
      meters.push(meter(swap, share, used(machine.used_swap, machine.total_swap)));
    }
    this.showState(
      !ready.problem,
      ready.problem ? ready.problem.message : serving,
      h("div", { class: "meters" }, meters),
      h(
        "dl",
        { class: "facts" },
        fact(facts.version, version),
        fact(facts.uptime, duration(uptime)),
        fact(facts.host, machine.hostname),
        fact(facts.system, `${machine.os_name} ${machine.os_version}`.trim()),
        fact(facts.kernel, machine.kernel_version),
      ),
    );
  }

  /**
   * @param {boolean} well
   * @param {string} text
   * @param {...HTMLElement} more
   */
  showState(well, text, ...more) {
    const state = h("p", { class: "state", "data-well": String(well) }, h("span", { class: "lamp", "aria-hidden": "true" }), text);
    fill(this, state, more);
  }
}
customElements.define("parlor-health", Health);

/**
 * @param {string} name
 * @param {number} percent
 * @param {string} text
 */
function meter(name, percent, text) {
  const share = Math.min(100, Math.max(0, percent));
  const bar = svg(
    "svg",
    { class: share > MUCH ? "meter much" : "meter", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "whole", width: 100, height: 4 }),
    svg("rect", { class: "used", width: share, height: 4 }),
  );
  return h("div", {}, h("p", {}, h("span", {}, name), h("span", { class: "soft numbers" }, text)), bar);
}

/** @param {number} count */
function bytes(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = Math.min(units.length - 1, Math.floor(Math.log(Math.max(1, count)) / Math.log(1024)));
  const style = { style: "unit", unit: units[step], maximumFractionDigits: step > 2 ? 1 : 0 };
  const format = new Intl.NumberFormat(localeTag(), /** @type {any} */ (style));
  return format.format(count / 1024 ** step);
}

/** The two largest parts of a time. @param {number} seconds */
function duration(seconds) {
  /** @type {[string, number][]} */
  const units = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];
  let left = Math.floor(seconds);
  const parts = units.map(([unit, length]) => {
    const count = Math.floor(left / length);
    left -= count * length;
    return { unit, count };
  });
  const found = parts.findIndex(({ count }) => count > 0);
  const first = found < 0 ? 3 : found;
  const shown = parts.slice(first, first + 2).filter(({ count }, at) => count > 0 || at === 0);
  const name = (/** @type {{unit: string, count: number}} */ { unit, count }) =>
    new Intl.NumberFormat(localeTag(), { style: "unit", unit, unitDisplay: "long" }).format(count);
  return shown.map(name).join(" ");
}
