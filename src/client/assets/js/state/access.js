// @ts-check
import { credentialJson } from "./webauthn.js";
import { bare } from "./second-step.js";

/**
 * @typedef {import("./types.js").Enrolment} Enrolment
 * @typedef {import("./types.js").Passkey} Passkey
 * @typedef {import("./types.js").Identity} Identity
 * @typedef {import("./types.js").ApiToken} ApiToken
 *
 * @typedef {object} TwoFactor
 * @property {boolean} totp
 * @property {number} recovery_codes_left
 * @property {boolean} required the role demands it
 */

/** What somebody proves with who they are, apart from the password, and who else may act for them. */
export class Access {
  #api;

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
  }

  /** @returns {Promise<TwoFactor>} */
  twoFactor() {
    return this.#api.get("/api/auth/two-factor");
  }

  /**
   * A secret that counts once `confirmTotp` has shown that an app knows it.
   *
   * @param {{password?: string}} proof none from who has no password
   * @returns {Promise<Enrolment>}
   */
  beginTotp({ password }) {
    return this.#api.post("/api/auth/two-factor/totp", password ? { password } : {});
  }

  /**
   * @param {string} code
   * @returns {Promise<string[]>} recovery codes, shown this once
   */
  async confirmTotp(code) {
    return (await this.#api.post("/api/auth/two-factor/totp/confirm", { code: bare(code) })).recovery_codes;
  }

  /** @param {{code: string, password?: string}} proof */
  removeTotp({ code, password }) {
    const proof = password ? { password } : {};
    return this.#api.post("/api/auth/two-factor/totp/remove", { ...proof, code: bare(code) });
  }

  /**
   * Makes new recovery codes; the ones before count no more.
   *
   * @param {string} code
   * @returns {Promise<string[]>}
   */
  async newCodes(code) {
    return (await this.#api.post("/api/auth/two-factor/recovery-codes", { code: bare(code) })).recovery_codes;
  }

  /** @returns {Promise<Passkey[]>} */
  async passkeys() {
    return (await this.#api.get("/api/auth/passkeys")).data;
  }

  /**
   * @param {string} name
   * @param {(options: any) => Promise<any>} create asks the browser; given the server's options
   * @param {{password?: string, code?: string}} [proof] what one has of these: a passkey is a way in for good
   * @returns {Promise<Passkey>}
   */
  async addPasskey(name, create, { password, code } = {}) {
    const proof = { ...(password && { password }), ...(code && { code: bare(code) }) };
    const { ceremony, options } = await this.#api.post("/api/auth/passkeys/register/start", proof);
    const credential = credentialJson(await create(options));
    return this.#api.post("/api/auth/passkeys/register/finish", { ceremony, name, credential });
  }

  /** @param {string} id @param {string} name */
  renamePasskey(id, name) {
    return this.#api.patch(`/api/auth/passkeys/${id}`, { name });
  }

  /** @param {string} id */
  removePasskey(id) {
    return this.#api.delete(`/api/auth/passkeys/${id}`);
  }

  /** @returns {Promise<Identity[]>} */
  async identities() {
    return (await this.#api.get("/api/auth/identities")).data;
  }

  /**
   * @param {string} provider
   * @returns {Promise<string>} where to go, to show who one is there
   */
  async link(provider) {
    return (await this.#api.post(`/api/auth/oauth/${encodeURIComponent(provider)}/link`)).url;
  }

  /** @param {string} id */
  unlink(id) {
    return this.#api.delete(`/api/auth/identities/${id}`);
  }

  /** @returns {Promise<ApiToken[]>} */
  async tokens() {
    return (await this.#api.get("/api/auth/tokens")).data;
  }

  /**
   * @param {{name: string, scopes: string[], expires_in_days?: number | null}} wanted
   * @returns {Promise<ApiToken & {token: string}>} with the token's text, shown this once
   */
  makeToken(wanted) {
    return this.#api.post("/api/auth/tokens", wanted);
  }

  /** @param {string} id */
  revokeToken(id) {
    return this.#api.delete(`/api/auth/tokens/${id}`);
  }

  /** Sends the link that proves the own address once more. */
  sendVerification() {
    return this.#api.post("/api/auth/email/verification");
  }

  /** @param {string} token of the link, which belongs to who is signed in */
  verifyEmail(token) {
    return this.#api.post("/api/auth/email/verify", { token });
  }

  /** @param {string} email */
  forgotPassword(email) {
    return this.#api.plain("POST", "/api/auth/password/forgot", { email });
  }

  /** @param {string} token of the link @param {string} password */
  resetPassword(token, password) {
    return this.#api.plain("POST", "/api/auth/password/reset", { token, password });
  }
}

/**
 * Signs in with a passkey.
 *
 * @param {import("./api.js").Api} api
 * @param {import("./login.js").Login} login
 * @param {(options: any) => Promise<any>} get asks the browser; given the server's options
 */
export async function passkeySignIn(api, login, get) {
  const { ceremony, options } = await api.plain("POST", "/api/auth/passkeys/login/start", {});
  const credential = credentialJson(await get(options));
  return login.begin("/api/auth/passkeys/login/finish", { ceremony, credential });
}
