// @ts-check
import { ApiProblem } from "./api.js";

/** @typedef {import("./types.js").Methods} Methods */

/** What every server can do. @type {Methods} */
const PLAIN = { password: true, registration: true, mail: false, passkeys: false, providers: [] };

/**
 * How one may get into this server. One that does not say, or cannot be reached, is believed to know
 * passwords only.
 *
 * @param {import("./api.js").Api} api
 * @returns {Promise<Methods>}
 */
export async function signInMethods(api) {
  try {
    return { ...PLAIN, ...(await api.plain("GET", "/api/auth/methods")) };
  } catch (problem) {
    if (problem instanceof ApiProblem) return PLAIN;
    throw problem;
  }
}

/**
 * Where signing in with a provider begins.
 *
 * @param {import("./types.js").Provider} provider
 * @param {string} back the path of the page to come back to
 */
export function providerAddress({ url }, back) {
  const [path, query] = url.split("?");
  const wanted = new URLSearchParams(query);
  wanted.set("return_to", back);
  return `${path}?${wanted}`;
}
