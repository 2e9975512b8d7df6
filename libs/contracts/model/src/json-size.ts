/**
 * A quarter of what NATS carries in one message by default, in bytes of JSON. What a client may say of a session or a response at
 * once, the session as a whole, and what an owner puts into one message are held to it: each fits with all that goes with it.
 */
export const PIECE_MAX_BYTES = 256 * 1024;

/** Of `value` as JSON in UTF-8. Not what it came in: a number of four characters (1e20) is written out again as 21. */
export function jsonBytes(value: object): number {
  const text = JSON.stringify(value);
  let bytes = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x80) bytes += 1;
    // Two halves of a surrogate pair are four bytes; JSON has no half alone.
    else bytes += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3;
  }
  return bytes;
}

/** The name of the field that takes most of an object: what to shorten where it is too large. */
export function largestField(object: Readonly<Record<string, unknown>>): string {
  const sizes = Object.entries(object).map(([name, value]) => ({ name, bytes: jsonBytes({ value }) }));
  return sizes.reduce((most, each) => (each.bytes > most.bytes ? each : most), { name: '', bytes: 0 }).name;
}
