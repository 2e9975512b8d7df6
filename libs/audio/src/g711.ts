/** ITU-T G.711: PCM16 as bytes of 8 bits, segment by segment of a curve that is steep where it is quiet. */

/** Added before the logarithm, so that segments begin at powers of two (in steps of 4: 14 bit). */
const MU_LAW_BIAS = 33;
/** 13 bit of magnitude: what is louder is clipped. */
const MU_LAW_MAX = 0x1fff;
/** A-law inverts every other bit, µ-law all: silence would else be a line without a change. */
const A_LAW_INVERTED = 0x55;
const SIGN = 0x80;
const MANTISSA = 0x0f;

/** µ-law (`audio/pcmu`), one byte per sample. */
export const encodeMuLaw = (samples: Int16Array): Uint8Array => encode(samples, muLawOf);

/** A-law (`audio/pcma`), one byte per sample. */
export const encodeALaw = (samples: Int16Array): Uint8Array => encode(samples, aLawOf);

/** A loop: this is for every sample of every voice, and `Uint8Array.from` takes more than ten times as long. */
function encode(samples: Int16Array, byteOf: (sample: number) => number): Uint8Array {
  const bytes = new Uint8Array(samples.length);
  for (let n = 0; n < samples.length; n++) bytes[n] = byteOf(samples[n] ?? 0);
  return bytes;
}

/** One's complement, as in the reference (G.191): a value on the edge of two steps falls to the lower, on either side of zero. */
const magnitudeOf = (sample: number): number => (sample < 0 ? ~sample : sample);

function muLawOf(sample: number): number {
  const biased = Math.min((magnitudeOf(sample) >> 2) + MU_LAW_BIAS, MU_LAW_MAX);
  const segment = 26 - Math.clz32(biased);
  const code = (segment << 4) | ((biased >> (segment + 1)) & MANTISSA);
  return ~(sample < 0 ? code | SIGN : code);
}

function aLawOf(sample: number): number {
  const magnitude = magnitudeOf(sample) >> 4;
  // The first two segments are one straight line.
  const segment = Math.max(0, 28 - Math.clz32(magnitude));
  const code = (segment << 4) | ((magnitude >> Math.max(0, segment - 1)) & MANTISSA);
  return (sample < 0 ? code : code | SIGN) ^ A_LAW_INVERTED;
}
