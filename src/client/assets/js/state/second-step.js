// @ts-check
/**
 * @typedef {import("./types.js").SecondFactor} SecondFactor
 * @typedef {import("./login.js").Outcome} Outcome
 */

/** The second step of a sign-in, until its ticket has run out. */
export class SecondStep {
  #api;
  #login;
  #factor;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./login.js").Login} login
   * @param {SecondFactor} factor as the first step was answered
   */
  constructor(api, login, factor) {
    this.#api = api;
    this.#login = login;
    this.#factor = factor;
  }

  /** Whether the role demands a second factor that is to be set up first. */
  get enrolls() {
    return this.#factor.methods.includes("enroll");
  }

  /** Whether one who has lost the device may take a code from paper. */
  get recovers() {
    return this.#factor.methods.includes("recovery_code");
  }

  /** @returns {Promise<import("./types.js").Enrolment>} */
  enroll() {
    return this.#api.plain("POST", "/api/auth/login/enroll", { ticket: this.#factor.ticket });
  }

  /**
   * @param {string} code of the app, or a recovery code
   * @returns {Promise<Outcome>}
   */
  confirm(code) {
    return this.#login.begin("/api/auth/login/second", { ticket: this.#factor.ticket, code: bare(code) });
  }
}

/**
 * A code without what people type for the eye: apps show six digits in two groups.
 *
 * @param {string} text
 */
export function bare(text) {
  return text.replace(/\s+/g, "");
}
