// @ts-check
/** An answer that is no success, or none at all (`code` is then `offline`, `status` 0). */
export class ApiProblem extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   * @param {Record<string, {code: string, message: string}>} [fields]
   * @param {number} [retryAfterMs]
   */
  constructor(status, code, message, fields = {}, retryAfterMs = undefined) {
    super(message);
    this.name = "ApiProblem";
    this.status = status;
    this.code = code;
    this.fields = fields;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may succeed later. */
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * What brings and renews the token.
 *
 * @typedef {object} Credentials
 * @property {() => Promise<string>} token one that is valid for a while
 * @property {(used: string) => Promise<string>} renew after the server refused `used`
 */

/** REST with the token. */
export class Api {
  /** @type {import("./platform.js").Platform} */
  #platform;
  /** @type {Credentials | null} */
  #credentials = null;

  /** @param {import("./platform.js").Platform} platform */
  constructor(platform) {
    this.#platform = platform;
  }

  /** @param {Credentials} credentials */
  use(credentials) {
    this.#credentials = credentials;
  }

  /** @param {string} path */
  get(path) {
    return this.#signed("GET", path);
  }

  /**
   * @param {string} path
   * @param {any} [body]
   */
  post(path, body) {
    return this.#signed("POST", path, body);
  }

  /**
   * @param {string} path
   * @param {any} [body]
   */
  put(path, body) {
    return this.#signed("PUT", path, body);
  }

  /**
   * @param {string} path
   * @param {any} body
   */
  patch(path, body) {
    return this.#signed("PATCH", path, body);
  }

  /** @param {string} path */
  delete(path) {
    return this.#signed("DELETE", path);
  }

  /**
   * A file, as it is.
   *
   * @param {string} path
   * @returns {Promise<Blob>}
   */
  blob(path) {
    return this.#signed("GET", path, undefined, (response) => response.blob());
  }

  /**
   * A request without a token. The cookie goes with it, and the header that proves our page.
   *
   * @param {string} method
   * @param {string} path
   * @param {any} [body]
   * @param {Record<string, string>} [headers]
   * @param {(response: Response) => Promise<any>} [read] what an answer that is a success is read with
   * @returns {Promise<any>}
   */
  async plain(method, path, body, headers = {}, read = json) {
    /** @type {RequestInit} */
    const init = { method, headers: { accept: "application/json", "x-parlor": "1", ...headers } };
    init.credentials = "same-origin";
    init.cache = "no-store";
    // What was read is told while the page goes away, too.
    init.keepalive = method === "PUT";
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { ...init.headers, "content-type": "application/json" };
    }
    let response;
    try {
      response = await this.#platform.fetch(this.#platform.origin + path, init);
    } catch {
      throw new ApiProblem(0, "offline", "The server cannot be reached");
    }
    return response.ok ? read(response) : refuse(response);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {any} [body]
   * @param {(response: Response) => Promise<any>} [read]
   * @returns {Promise<any>}
   */
  async #signed(method, path, body, read) {
    if (!this.#credentials) throw new ApiProblem(401, "unauthenticated", "Sign in first");
    const token = await this.#credentials.token();
    try {
      return await this.plain(method, path, body, { authorization: `Bearer ${token}` }, read);
    } catch (problem) {
      if (!(problem instanceof ApiProblem) || problem.status !== 401) throw problem;
      const fresh = await this.#credentials.renew(token);
      return this.plain(method, path, body, { authorization: `Bearer ${fresh}` }, read);
    }
  }
}

/**
 * What an answer says; some say nothing.
 *
 * @param {Response} response
 * @returns {Promise<any>}
 */
async function json(response) {
  try {
    const text = await response.text();
    return text === "" ? null : JSON.parse(text);
  } catch {
    // A proxy's page, or an answer that was cut off.
    throw new ApiProblem(0, "offline", "The answer cannot be read");
  }
}

/**
 * @param {Response} response one that is no success
 * @returns {Promise<never>}
 */
async function refuse(response) {
  const body = await response.json().catch(() => ({ message: "The answer cannot be read" }));
  /** @type {Record<string, {code: string, message: string}>} */
  const fields = {};
  for (const { field, code, message } of body.fields ?? []) fields[field] ??= { code, message };
  const seconds = Number(response.headers.get("retry-after"));
  const wait = seconds > 0 ? seconds * 1000 : undefined;
  throw new ApiProblem(response.status, body.code ?? "internal", body.message ?? "", fields, wait);
}
