import { encodeALaw, encodeMuLaw } from './g711';

/**
 * G.711, tables 1 and 2, from their columns "number of intervals × interval size", upward from zero; in steps of the law's
 * own scale, of which one is `unit` of 16 bit.
 */
const MU_LAW = {
  unit: 4,
  intervals: [
    [1, 1],
    [15, 2],
    [16, 4],
    [16, 8],
    [16, 16],
    [16, 32],
    [16, 64],
    [16, 128],
    [16, 256],
  ] as const,
  /** The character signal of the n-th interval of a positive value. */
  codeOf: (n: number): number => 0xff - n,
};
const A_LAW = {
  unit: 8,
  intervals: [
    [32, 2],
    [16, 4],
    [16, 8],
    [16, 16],
    [16, 32],
    [16, 64],
    [16, 128],
  ] as const,
  codeOf: (n: number): number => (0x80 + n) ^ 0x55,
};

const LAWS = [
  ['µ-law', encodeMuLaw, MU_LAW],
  ['A-law', encodeALaw, A_LAW],
] as const;
type Law = (typeof LAWS)[number][2];

/** [lowest, highest] value in 16 bit of each interval. */
function intervalsOf({ unit, intervals }: Law): [number, number][] {
  const found: [number, number][] = [];
  let decision = 0;
  for (const [count, size] of intervals) {
    for (let n = 0; n < count; n++) {
      found.push([decision * unit, (decision + size) * unit - 1]);
      decision += size;
    }
  }
  return found;
}

const one = (encode: (samples: Int16Array) => Uint8Array, sample: number): number | undefined =>
  encode(Int16Array.of(sample))[0];

describe.each(LAWS)('%s', (_name, encode, law) => {
  const intervals = intervalsOf(law);

  it('has 128 intervals on either side of zero', () => {
    expect(intervals).toHaveLength(128);
  });

  it('gives every value of an interval its character signal, and the mirrored value the same with the other sign', () => {
    intervals.forEach(([lowest, highest], n) => {
      for (const value of [lowest, (lowest + highest) >> 1, highest]) {
        const code = law.codeOf(n);
        expect([value, one(encode, value)]).toEqual([value, code]);
        expect([~value, one(encode, ~value)]).toEqual([~value, code ^ 0x80]);
      }
    });
  });

  it('clips what is louder than its last interval', () => {
    const loudest = law.codeOf(127);
    expect([one(encode, 32_767), one(encode, -32_768)]).toEqual([loudest, loudest ^ 0x80]);
  });

  it('never gets quieter where the sound gets louder', () => {
    const place = new Map(intervals.map((_interval, n) => [law.codeOf(n), n]));
    const places = Array.from(encode(Int16Array.from({ length: 32_768 }, (_value, n) => n)), (code) => place.get(code));
    expect(places.every((each, n) => n === 0 || Number(each) >= Number(places[n - 1]))).toBe(true);
  });

  it('makes one byte of each sample', () => {
    expect(encode(new Int16Array(0))).toHaveLength(0);
    expect(encode(new Int16Array(160))).toHaveLength(160);
  });
});

describe('as SoX 14.4.2 encodes', () => {
  it.each([
    [0, 0xff, 0xd5],
    [8, 0xfe, 0xd5],
    [-9, 0x7e, 0x55],
    [100, 0xf2, 0xd3],
    [1_000, 0xce, 0xfa],
    [-1_000, 0x4e, 0x7a],
    [4_096, 0xaf, 0x85],
    [-5_000, 0x2b, 0x06],
    [8_031, 0xa0, 0x8a],
    [12_345, 0x97, 0xbd],
    [-16_384, 0x0f, 0x3a],
    [20_000, 0x8c, 0xa6],
    [-27_000, 0x05, 0x2f],
    [32_767, 0x80, 0xaa],
    [-32_768, 0x00, 0x2a],
  ])('%i', (sample, muLaw, aLaw) => {
    expect([one(encodeMuLaw, sample), one(encodeALaw, sample)]).toEqual([muLaw, aLaw]);
  });
});
