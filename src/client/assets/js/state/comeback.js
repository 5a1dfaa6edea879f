// @ts-check
/**
 * What follows from a close.
 *
 * @typedef {{kind: "again", ms: [number, number], freshToken: boolean}
 *   | {kind: "account_closed"} | {kind: "ended", code: string}} Comeback
 */

/** The longest wait between two attempts. */
const LONGEST_MS = 30_000;

/**
 * Whether and when to come back: as the server says in the close, else ever later.
 *
 * @param {{code: number, reason: string, failures: number}} close `failures` counts attempts in a row that did not come to be live
 * @returns {Comeback}
 */
export function comeback({ code, reason, failures }) {
  const told = read(reason);
  if (code === 4503) return { kind: "account_closed" };
  // A token that was taken back; a fresh one is refused, too, if the login is over.
  if (code === 4500) return { kind: "again", ms: later(failures), freshToken: true };
  if (code > 4500 && code < 5000) return { kind: "ended", code: told.code ?? String(code) };
  const freshToken = code === 4003;
  if (told.retry_ms && failures === 0) return { kind: "again", ms: told.retry_ms, freshToken };
  return { kind: "again", ms: later(failures), freshToken };
}

/**
 * Spread over twice the time, so that a thousand clients do not come at once.
 *
 * @param {number} failures
 * @returns {[number, number]}
 */
function later(failures) {
  const ms = Math.min(LONGEST_MS, 500 * 2 ** failures);
  return failures === 0 ? [0, 1_000] : [ms / 2, ms];
}

/**
 * @param {string} reason
 * @returns {{code?: string, retry_ms?: [number, number]}}
 */
function read(reason) {
  try {
    const { code, retry_ms: wait } = JSON.parse(reason);
    const fine = Array.isArray(wait) && wait.length === 2 && wait.every((ms) => ms >= 0);
    return { code, retry_ms: fine ? /** @type {[number, number]} */ (wait) : undefined };
  } catch {
    return {};
  }
}
