// @ts-check
/** What the last id was made of: two of one millisecond must still sort as they were made. */
const last = { ms: 0, counter: 0 };

/**
 * A UUIDv7 (RFC 9562), greater than each that this page made before.
 *
 * @param {number} now ms since 1970
 * @param {(bytes: Uint8Array) => Uint8Array} random fills with random bytes
 * @returns {string}
 */
export function uuidv7(now, random) {
  const bytes = random(new Uint8Array(16));
  if (now > last.ms) {
    // The top bit stays free, so that the counter does not run over soon.
    last.ms = now;
    last.counter = ((bytes[6] << 8) | bytes[7]) & 0x7ff;
  } else if (++last.counter > 0xfff) {
    last.ms += 1;
    last.counter = 0;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(0, Math.floor(last.ms / 0x10000));
  view.setUint16(4, last.ms % 0x10000);
  view.setUint16(6, 0x7000 | last.counter);
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
