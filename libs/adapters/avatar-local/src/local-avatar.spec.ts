import { describeAvatarConformance } from '@parley/harness';
import type { SegmentTimings } from '@parley/model';
import { createLocalAvatar } from './local-avatar';

describeAvatarConformance('avatar-local', createLocalAvatar);

const TIMINGS: SegmentTimings = {
  sessionId: 'sess_one',
  epoch: 1,
  lane: 0,
  ordinal: 1,
  attempt: 1,
  segment: 0,
  text: 'Hi you',
  startMs: 0,
  endMs: 600,
  words: [
    { word: 'Hi', charStart: 0, charEnd: 2, startMs: 0, endMs: 200 },
    { word: 'you', charStart: 3, charEnd: 6, startMs: 300, endMs: 600 },
  ],
  phonemes: [
    { phoneme: 'h', startMs: 0, durationMs: 60 },
    { phoneme: 'aɪ', startMs: 60, durationMs: 140 },
  ],
};

const namesOf = (timings: Partial<SegmentTimings>): string =>
  createLocalAvatar()
    .animate({ ...TIMINGS, ...timings })
    .map(({ viseme }) => viseme)
    .join(' ');

describe('the local face', () => {
  it('trusts phonemes before words, words before text', () => {
    expect(namesOf({})).toBe('kk aa I');
    expect(namesOf({ phonemes: [] })).toBe('kk I sil I aa U');
    expect(namesOf({ phonemes: [], words: [] })).toBe('kk I aa U');
  });

  it('does not close the mouth between words that follow each other', () => {
    const words = TIMINGS.words.map((word, index) => (index === 0 ? { ...word, endMs: 280 } : word));
    expect(namesOf({ phonemes: [], words })).toBe('kk I I aa U');
  });
});
