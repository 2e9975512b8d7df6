import { fnv1a32, indexedSampleAt } from '@parley/fakes';
import { expectedOf, heardFaults, isBeginning, runsIn, withoutPauses, type HeardFault } from './heard-samples';

const SAMPLES_PER_CHARACTER = 32;
const TEXTS = ['A first sentence. ', 'The second sentence. ', 'And the third.'];
const EXPECTED = expectedOf(TEXTS, SAMPLES_PER_CHARACTER);

const piece = (segment: number, from = 0, to = EXPECTED[segment]?.samples ?? 0): number[] =>
  Array.from({ length: to - from }, (_, at) => indexedSampleAt(EXPECTED[segment]?.textHash ?? 0, from + at));

const runsOf = (...pieces: number[][]): ReturnType<typeof runsIn> =>
  runsIn(Int16Array.from(pieces.flat()), (hash) => EXPECTED.find(({ textHash }) => textHash === hash)?.samples);

const faultsOf = (...pieces: number[][]): HeardFault[] => heardFaults(runsOf(...pieces), EXPECTED);

describe('what was heard, by content', () => {
  it('an answer heard once from its first to its last sample has no fault', () => {
    expect(faultsOf(piece(0), piece(1), piece(2))).toEqual([]);
  });

  it('how its samples were cut into pieces does not matter', () => {
    expect(faultsOf(piece(0, 0, 77), piece(0, 77), piece(1, 0, 1), piece(1, 1), piece(2))).toEqual([]);
  });

  it('samples that were heard twice are counted', () => {
    expect(faultsOf(piece(0, 0, 300), piece(0, 200), piece(1), piece(2))).toEqual([
      { kind: 'sample-twice', segment: 0, samples: 100 },
    ]);
  });

  it('one sample twice is a fault', () => {
    expect(faultsOf(piece(0), piece(1, 0, 100), piece(1, 99), piece(2))).toEqual([
      { kind: 'sample-twice', segment: 1, samples: 1 },
    ]);
  });

  it('a sample that is missing in the middle is a fault', () => {
    expect(faultsOf(piece(0), piece(1, 0, 100), piece(1, 101), piece(2))).toEqual([
      { kind: 'sample-missing', segment: 1, samples: 1 },
    ]);
  });

  it('the end that is missing is a fault, be it one sample', () => {
    const last = EXPECTED[2]?.samples ?? 0;
    expect(faultsOf(piece(0), piece(1), piece(2, 0, last - 1))).toEqual([
      { kind: 'sample-missing', segment: 2, samples: 1 },
    ]);
  });

  it('two segments that changed places are a fault', () => {
    expect(faultsOf(piece(0), piece(2), piece(1)).map(({ kind, segment }) => ({ kind, segment }))).toEqual([
      { kind: 'out-of-order', segment: 1 },
    ]);
  });

  it('a segment heard once more after the end is a fault', () => {
    expect(faultsOf(piece(0), piece(1), piece(2), piece(0)).map(({ kind }) => kind)).toEqual(['sample-twice']);
  });

  it('a segment that never came is a fault', () => {
    expect(faultsOf(piece(0), piece(2))).toEqual([
      { kind: 'sample-missing', segment: 1, samples: EXPECTED[1]?.samples },
    ]);
  });

  it('sound of another text, and what is no speech at all, is foreign', () => {
    const other = Array.from({ length: 310 }, (_, at) => indexedSampleAt(fnv1a32('Somebody else.'), at));
    expect(faultsOf(piece(0), other, piece(1), piece(2))).toEqual([
      { kind: 'foreign-sound', segment: undefined, samples: 310 },
    ]);
    expect(faultsOf(piece(0), piece(1), piece(2), Array<number>(50).fill(7))).toEqual([
      { kind: 'foreign-sound', segment: undefined, samples: 50 },
    ]);
  });

  it('a pause of any length is no sound, and what else is no text’s still is', () => {
    const heard = (...pieces: number[][]): HeardFault[] => {
      const pcm = Int16Array.from(pieces.flat());
      return heardFaults(withoutPauses(runsOf(...pieces), pcm), EXPECTED);
    };
    const pause = (samples: number): number[] => Array<number>(samples).fill(0);
    for (const samples of [1, 23, 24, 5_000]) {
      expect(heard(pause(300), piece(0, 0, 77), pause(samples), piece(0, 77), piece(1), pause(9), piece(2))).toEqual(
        [],
      );
    }
    expect(heard(piece(0), pause(3), [7], piece(1), piece(2))).toEqual([
      { kind: 'foreign-sound', segment: undefined, samples: 4 },
    ]);
    expect(heard(piece(0), pause(3), piece(1, 1), piece(2))).toEqual([
      { kind: 'sample-missing', segment: 1, samples: 1 },
    ]);
  });

  it('of an interrupted answer a beginning may be heard, and nothing else', () => {
    expect(isBeginning(runsOf(piece(0), piece(1, 0, 50)), EXPECTED)).toBe(true);
    expect(isBeginning(runsOf(), EXPECTED)).toBe(true);
    expect(isBeginning(runsOf(piece(0), piece(1, 50, 150)), EXPECTED)).toBe(false);
    expect(isBeginning(runsOf(piece(0, 0, 64), piece(0, 32, 128)), EXPECTED)).toBe(false);
    expect(isBeginning(runsOf(piece(1)), EXPECTED)).toBe(false);
  });
});
