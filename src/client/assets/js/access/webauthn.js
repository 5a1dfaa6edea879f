// @ts-check
import { creationOptions, requestOptions } from "../state/webauthn.js";

/** Whether this browser knows passkeys at all. */
export function passkeysExist() {
  return "PublicKeyCredential" in window && "credentials" in navigator;
}

/** @param {any} options of the server */
export function createPasskey(options) {
  return navigator.credentials.create({ publicKey: creationOptions(options) }).catch(told);
}

/**
 * @param {any} options of the server
 * @param {Partial<CredentialRequestOptions>} [how]
 */
export function usePasskey(options, how = {}) {
  return navigator.credentials.get({ ...how, publicKey: requestOptions(options) }).catch(told);
}

/**
 * What a browser says no for, in a code of ours.
 *
 * @param {DOMException} refusal
 * @returns {never}
 */
function told({ name }) {
  if (name === "AbortError") throw { code: "aborted" };
  if (name === "InvalidStateError") throw { code: "passkey_exists" };
  throw { code: name === "NotAllowedError" ? "passkey_cancelled" : "passkey_unsupported" };
}
