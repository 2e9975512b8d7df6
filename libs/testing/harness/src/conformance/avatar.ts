import { type SegmentTimings, type Viseme, VISEMES } from '@parley/model';
import type { AvatarPort } from '@parley/ports';

const KEY = { sessionId: 'sess_conformance', epoch: 1, lane: 0, ordinal: 1, attempt: 1, segment: 0 } as const;

const stretch = (more: Partial<SegmentTimings>): SegmentTimings => ({
  ...KEY,
  text: '',
  startMs: 0,
  endMs: 1_000,
  words: [],
  phonemes: [],
  ...more,
});

const PHONEMES = [
  { phoneme: 'h', startMs: 11, durationMs: 51 },
  { phoneme: 'ə', startMs: 62, durationMs: 50 },
  { phoneme: 'l', startMs: 112, durationMs: 72 },
  { phoneme: 'ˈoʊ', startMs: 184, durationMs: 116 },
  { phoneme: '', startMs: 300, durationMs: 200 },
  { phoneme: 'ð', startMs: 500, durationMs: 100 },
  { phoneme: 'ˈɛɹ', startMs: 600, durationMs: 300 },
];

const WORDS = [
  { word: 'Hello', charStart: 0, charEnd: 5, startMs: 10, endMs: 300 },
  { word: 'there', charStart: 7, charEnd: 12, startMs: 500, endMs: 900 },
];

const speaks = (visemes: readonly Viseme[]): boolean => visemes.some(({ viseme }) => viseme !== 'sil');

/** Every way in which shapes contradict their stretch or each other. */
function faultsOf(visemes: readonly Viseme[], { startMs, endMs }: SegmentTimings): string[] {
  const faults: string[] = [];
  let fromMs = startMs;
  for (const [index, shape] of visemes.entries()) {
    if (!VISEMES.includes(shape.viseme)) faults.push(`${index}: no viseme`);
    if (!(shape.durationMs > 0)) faults.push(`${index}: without length`);
    // Sums of fractions do not meet exactly.
    if (shape.startMs < fromMs - 0.001) faults.push(`${index}: before its turn`);
    fromMs = shape.startMs + shape.durationMs;
    if (fromMs > endMs + 0.001) faults.push(`${index}: beyond the stretch`);
  }
  return faults;
}

/** What every face that is drawn from visemes does, case by case; none depends on which adapter it is. */
export function describeAvatarConformance(name: string, makeSubject: () => AvatarPort): void {
  describe(`${name} as a face`, () => {
    const animate = (more: Partial<SegmentTimings>) => {
      const timings = stretch(more);
      const visemes = makeSubject().animate(timings);
      expect(faultsOf(visemes, timings)).toEqual([]);
      return visemes;
    };

    it('moves with phonemes', () => {
      expect(speaks(animate({ text: 'Hello, there', phonemes: PHONEMES, words: WORDS }))).toBe(true);
    });

    it('is closed in the pause between phonemes', () => {
      const visemes = animate({ text: 'Hello, there', phonemes: PHONEMES });
      const inPause = visemes.filter(({ startMs, durationMs }) => startMs < 480 && startMs + durationMs > 320);
      expect(speaks(inPause)).toBe(false);
    });

    it('moves with words when there are no phonemes, only while they are spoken', () => {
      const visemes = animate({ text: 'Hello, there', words: WORDS });
      expect(speaks(visemes)).toBe(true);
      const between = visemes.filter(({ startMs, durationMs }) => startMs < 499 && startMs + durationMs > 301);
      expect(speaks(between)).toBe(false);
    });

    it.each(['Hello there', 'Привет', '你好', 'مرحبا', 'नमस्ते', '안녕', 'Γειά', 'x', '42'])(
      'moves with the text when there is nothing else: %s',
      (text) => {
        expect(speaks(animate({ text, startMs: 500, endMs: 900 }))).toBe(true);
      },
    );

    it.each(['', ' ', '...', '👋'])('does not move without anything spoken: %j', (text) => {
      expect(speaks(animate({ text }))).toBe(false);
    });

    it('stays inside the stretch when the voice tells of more', () => {
      animate({ text: 'Hello', phonemes: PHONEMES, startMs: 100, endMs: 250 });
      animate({ text: 'Hello', words: WORDS, startMs: 100, endMs: 250 });
    });

    it('bears timings that overlap, go back, or are empty', () => {
      const odd = [
        { phoneme: 'a', startMs: 100, durationMs: 400 },
        { phoneme: 's', startMs: 50, durationMs: 100 },
        { phoneme: 'o', startMs: 300, durationMs: 0 },
        { phoneme: 'p', startMs: 450, durationMs: 200 },
      ];
      expect(speaks(animate({ text: 'asop', phonemes: odd }))).toBe(true);
    });

    it('bears a stretch without length', () => {
      expect(animate({ text: 'Hello', startMs: 200, endMs: 200 })).toEqual([]);
    });

    it('bears a very long text', () => {
      expect(speaks(animate({ text: 'Hello there. '.repeat(2_000), endMs: 60_000 }))).toBe(true);
    });

    it('gives the same shapes for the same stretch, and leaves the stretch as it was', () => {
      const timings = stretch({ text: 'Hello, there', phonemes: PHONEMES, words: WORDS });
      const before = structuredClone(timings);
      const avatar = makeSubject();
      const first = avatar.animate(timings);
      avatar.animate(stretch({ text: 'Something else' }));
      expect(avatar.animate(timings)).toEqual(first);
      expect(timings).toEqual(before);
    });
  });
}
