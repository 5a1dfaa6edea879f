// @ts-check
import { credentialJson } from "./webauthn.js";
import { bare } from "./second-step.js";

/**
 * What proves that it is the owner who asks: the password, unless the account has none, and a code if there
 * is an app.
 *
 * @typedef {{password?: string, code?: string}} Proof
 */

/**
 * @typedef {import("./types.js").Enrolment} Enrolment
 * @typedef {import("./types.js").Passkey} Passkey
 * @typedef {import("./types.js").Identity} Identity
 * @typedef {import("./types.js").ApiToken} ApiToken
 *
 * @typedef {object} TwoFactor
 * @property {boolean} password the account has one
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
   * @param {Proof} proof
   * @returns {Promise<Enrolment>}
   */
  beginTotp(proof) {
    return this.#api.post("/api/auth/two-factor/totp", sent(proof));
  }

  /**
   * @param {string} code
   * @returns {Promise<string[]>} recovery codes, shown this once
   */
  async confirmTotp(code) {
    return (await this.#api.post("/api/auth/two-factor/totp/confirm", { code: bare(code) })).recovery_codes;
  }

  /** @param {Proof} proof */
  removeTotp(proof) {
    return this.#api.post("/api/auth/two-factor/totp/remove", sent(proof));
  }

  /**
   * Makes new recovery codes; the ones before count no more.
   *
   * @param {Proof} proof
   * @returns {Promise<string[]>}
   */
  async newCodes(proof) {
    return (await this.#api.post("/api/auth/two-factor/recovery-codes", sent(proof))).recovery_codes;
  }

  /** @returns {Promise<Passkey[]>} */
  async passkeys() {
    return (await this.#api.get("/api/auth/passkeys")).data;
  }

  /**
   * @param {string} name
   * @param {(options: any) => Promise<any>} create asks the browser; given the server's options
   * @param {Proof} proof
   * @returns {Promise<Passkey>}
   */
  async addPasskey(name, create, proof) {
    const { ceremony, options } = await this.#api.post("/api/auth/passkeys/register/start", sent(proof));
    const credential = credentialJson(await create(options));
    return this.#api.post("/api/auth/passkeys/register/finish", { ceremony, name, credential });
  }

  /** @param {string} id @param {string} name */
  renamePasskey(id, name) {
    return this.#api.patch(`/api/auth/passkeys/${id}`, { name });
  }

  /** @param {string} id @param {Proof} proof */
  removePasskey(id, proof) {
    return this.#api.post(`/api/auth/passkeys/${id}/remove`, sent(proof));
  }

  /** @returns {Promise<Identity[]>} */
  async identities() {
    return (await this.#api.get("/api/auth/identities")).data;
  }

  /**
   * @param {string} provider
   * @param {Proof} proof
   * @returns {Promise<string>} where to go, to show who one is there
   */
  async link(provider, proof) {
    return (await this.#api.post(`/api/auth/oauth/${encodeURIComponent(provider)}/link`, sent(proof))).url;
  }

  /** @param {string} id @param {Proof} proof */
  unlink(id, proof) {
    return this.#api.post(`/api/auth/identities/${id}/remove`, sent(proof));
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

/** What one has of a proof. @param {Proof} proof @returns {Proof} */
function sent({ password, code }) {
  return { ...(password && { password }), ...(code && { code: bare(code) }) };
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
