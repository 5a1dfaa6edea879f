// @ts-check
/**
 * Between the JSON that the server speaks of passkeys and what browsers take: the same, but for bytes,
 * which JSON has as base64url. Older browsers do not do this by themselves.
 */

/**
 * What `navigator.credentials.create` takes.
 *
 * @param {any} options of the server, with or without `publicKey` around them
 * @returns {PublicKeyCredentialCreationOptions}
 */
export function creationOptions(options) {
  const json = options.publicKey ?? options;
  return {
    ...json,
    challenge: bytes(json.challenge),
    user: { ...json.user, id: bytes(json.user.id) },
    excludeCredentials: (json.excludeCredentials ?? []).map(descriptor),
  };
}

/**
 * What `navigator.credentials.get` takes.
 *
 * @param {any} options of the server, with or without `publicKey` around them
 * @returns {PublicKeyCredentialRequestOptions}
 */
export function requestOptions(options) {
  const json = options.publicKey ?? options;
  return {
    ...json,
    challenge: bytes(json.challenge),
    allowCredentials: (json.allowCredentials ?? []).map(descriptor),
  };
}

/**
 * What the server takes of a credential that was made or used.
 *
 * @param {any} credential a `PublicKeyCredential`
 */
export function credentialJson(credential) {
  const { id, rawId, type, response, authenticatorAttachment } = credential;
  const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const present = names.filter((name) => response[name]);
  const transports = response.getTransports?.();
  return {
    id,
    rawId: text(rawId),
    type,
    ...(authenticatorAttachment && { authenticatorAttachment }),
    clientExtensionResults: plain(credential.getClientExtensionResults()),
    response: {
      ...Object.fromEntries(present.map((name) => [name, text(response[name])])),
      ...(transports && { transports }),
    },
  };
}

/** @param {any} known a credential that the server names */
function descriptor(known) {
  return { ...known, id: bytes(known.id) };
}

/**
 * @param {any} value
 * @returns {any} the same, with text for bytes
 */
function plain(value) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return text(value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

/** @param {string} base64url */
export function bytes(base64url) {
  const letters = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}

/** @param {ArrayBuffer | ArrayBufferView} data */
export function text(data) {
  const view = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
  const letters = Array.from(view, (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
