import type { WireViseme } from '@parley/model';
import { CLOSED, closing, mouthAt } from './mouth';

const word: WireViseme[] = [
  { viseme: 'PP', start_ms: 100, duration_ms: 80 },
  { viseme: 'aa', start_ms: 180, duration_ms: 120 },
  { viseme: 'U', start_ms: 300, duration_ms: 100 },
];

describe('mouthAt', () => {
  it('is closed before the first, after the last and without visemes', () => {
    expect(mouthAt(word, 0)).toEqual(CLOSED);
    expect(mouthAt(word, 500)).toEqual(CLOSED);
    expect(mouthAt([], 100)).toEqual(CLOSED);
  });

  it('has the shape of the sound in its middle: lips shut for p, wide open for a, rounded for u', () => {
    expect(mouthAt(word, 140).open).toBeCloseTo(0);
    expect(mouthAt(word, 240).open).toBeCloseTo(1);
    expect(mouthAt(word, 350).round).toBeCloseTo(1);
  });

  it('is half way between two sounds at their border', () => {
    expect(mouthAt(word, 180).open).toBeCloseTo(0.5);
  });

  it('never jumps within a frame of 16 ms', () => {
    for (let ms = 0; ms < 500; ms++) {
      expect(Math.abs(mouthAt(word, ms + 16).open - mouthAt(word, ms).open)).toBeLessThan(0.35);
    }
  });

  it('stays between 0 and 1 where visemes overlap', () => {
    const overlapping: WireViseme[] = [
      { viseme: 'PP', start_ms: 0, duration_ms: 100 },
      { viseme: 'sil', start_ms: 50, duration_ms: 100 },
    ];
    expect(mouthAt(overlapping, 75).wide).toBeLessThanOrEqual(1);
  });
});

describe('closing', () => {
  it('closes a wide open mouth for good within 100 ms', () => {
    let mouth = mouthAt(word, 240);
    for (let ms = 0; ms < 100; ms += 16) mouth = closing(mouth, 16);
    expect(mouth).toEqual(CLOSED);
  });
});
