import { samplesOfMs, type WordTiming } from '@parley/model';
import fc from 'fast-check';
import { heardText, samplesPerCharacter, spokenCharacters, type SpokenSegment, type VoiceRate } from './heard-text';

const UNKNOWN: VoiceRate = { samples: 0, characters: 0 };
const segment = (text: string, ms: number, more: Partial<SpokenSegment> = {}): SpokenSegment => ({
  text,
  samples: samplesOfMs(ms),
  last: true,
  words: [],
  ...more,
});
const heard = (segments: SpokenSegment[], playedMs: number, rate = UNKNOWN): string =>
  heardText(segments, samplesOfMs(playedMs), rate);

/** Word timings of a text, each word as long as the next. */
function timed(text: string, ms: number): WordTiming[] {
  const words = [...text.matchAll(/[\p{L}\p{N}]+/gu)];
  return words.map((match, n) => ({
    word: match[0],
    charStart: match.index,
    charEnd: match.index + match[0].length,
    startMs: (n * ms) / words.length,
    endMs: ((n + 1) * ms) / words.length,
  }));
}

describe('heard text of whole segments (rule 1)', () => {
  const answer = [segment('It is sunny. ', 1000), segment('It will rain. ', 1000), segment('Bye.', 500)];

  it('is every segment that was played to its last sample, without trailing white space', () => {
    expect(heard(answer, 0)).toBe('');
    expect(heard(answer, 1000)).toBe('It is sunny.');
    expect(heard(answer, 2000)).toBe('It is sunny. It will rain.');
    expect(heard(answer, 2500)).toBe('It is sunny. It will rain. Bye.');
    expect(heard(answer, 9000)).toBe('It is sunny. It will rain. Bye.');
  });

  it('is not a segment of which one sample is missing', () => {
    expect(heardText(answer, samplesOfMs(2500) - 1, UNKNOWN)).not.toContain('Bye');
  });

  it('is not a segment whose last sample was not written', () => {
    expect(heard([segment('It is sunny. ', 400, { last: false })], 400)).toBe('It is');
  });

  it('counts what has no sound as heard once it was written and everything before it was played', () => {
    const pictures = [segment('Look! ', 500), segment('🎉🎉 ', 0), segment('Nice.', 500)];
    expect(heard(pictures, 400)).toBe('');
    expect(heard(pictures, 500)).toBe('Look! 🎉🎉');
    expect(heard([segment('Look! ', 500), segment('🎉🎉 ', 0, { last: false })], 500)).toBe('Look!');
  });

  it('is nothing of no segments', () => {
    expect(heard([], 5000)).toBe('');
  });
});

describe('heard text of the segment under way, by word timings (rule 2)', () => {
  const text = 'Well, it is (very) sunny!';
  const words = timed(text, 1000);

  it('is the words that ended at or before the position', () => {
    const spoken = [segment(text, 1000, { words })];
    expect(heardText(spoken, samplesOfMs(200) - 1, UNKNOWN)).toBe('');
    expect(heard(spoken, 200)).toBe('Well,');
    expect(heard(spoken, 399)).toBe('Well,');
    expect(heard(spoken, 400)).toBe('Well, it');
    expect(heard(spoken, 600)).toBe('Well, it is');
    expect(heard(spoken, 800)).toBe('Well, it is (very)');
    expect(heard(spoken, 999)).toBe('Well, it is (very)');
    expect(heard(spoken, 1000)).toBe(text);
  });

  it('needs neither the end of the segment nor proportions', () => {
    const spoken = [segment(text, 450, { words, last: false })];
    expect(heard(spoken, 450, { samples: 1, characters: 1_000 })).toBe('Well, it');
  });

  it('is the same in whatever order and how often the timings came', () => {
    for (const order of [[...words].reverse(), [...words, ...words], [...words.slice(3), ...words.slice(0, 3)]]) {
      const spoken = [segment(text, 1000, { words: order })];
      for (let ms = 0; ms <= 1000; ms += 100) {
        expect(heard(spoken, ms)).toBe(heard([segment(text, 1000, { words })], ms));
      }
    }
  });
});

describe('heard text of the segment under way, by proportion (rules 2 to 4)', () => {
  it('is the whole words before character floor(characters × played ÷ total) of a segment written to its end', () => {
    // 10 characters in 1,000 ms.
    const spoken = [segment('ab cd efgh ', 1000)];
    expect(heard(spoken, 199)).toBe('');
    expect(heard(spoken, 200)).toBe('ab');
    expect(heard(spoken, 499)).toBe('ab');
    expect(heard(spoken, 500)).toBe('ab cd');
    expect(heard(spoken, 999)).toBe('ab cd');
    expect(heard(spoken, 1000)).toBe('ab cd efgh');
  });

  it("is by the voice's own rate while the end is not known", () => {
    const spoken = [segment('ab cd efgh', 600, { last: false })];
    const rate = { samples: samplesOfMs(5000), characters: 50 };
    expect(samplesPerCharacter(rate)).toBe(samplesOfMs(100));
    expect(heard(spoken, 499, rate)).toBe('ab');
    expect(heard(spoken, 500, rate)).toBe('ab cd');
    expect(heard(spoken, 600, rate)).toBe('ab cd');
  });

  it('is by 1,440 samples per character before the voice has shown its own', () => {
    expect(samplesPerCharacter(UNKNOWN)).toBe(1_440);
    const spoken = [segment('ab cd efgh', 600, { last: false })];
    expect(heardText(spoken, 5 * 1_440 - 1, UNKNOWN)).toBe('ab');
    expect(heardText(spoken, 5 * 1_440, UNKNOWN)).toBe('ab cd');
  });

  it('is by what was received where that is more than the rate foretells', () => {
    const spoken = [segment('ab cd efgh', 4000, { last: false })];
    expect(heard(spoken, 1999)).toBe('ab');
    expect(heard(spoken, 2000)).toBe('ab cd');
  });

  it('takes each character for a word in scripts without spaces', () => {
    const spoken = [segment('今天天气很好', 600)];
    expect(heard(spoken, 99)).toBe('');
    expect(heard(spoken, 100)).toBe('今');
    expect(heard(spoken, 599)).toBe('今天天气很');
    expect(heard([segment('สวัสดี', 600)], 300)).toBe('สวั');
    expect(heard([segment('おはよう', 400)], 200)).toBe('おは');
  });

  it('never ends inside a character of two units', () => {
    const text = '𠮷𠮷𠮷';
    for (let played = 0; played <= 600; played += 10) {
      expect(heard([segment(text, 600)], played)).not.toMatch(/\p{Surrogate}/u);
    }
  });

  it('counts the characters of a text without the white space behind it', () => {
    expect(spokenCharacters(' ab \n\n')).toBe(3);
  });

  it('is nothing of white space', () => {
    expect(heard([segment('  ', 100, { last: false })], 100)).toBe('');
  });
});

describe('heard text, whatever was delivered and played', () => {
  const texts = fc.constantFrom(
    'It is sunny. ',
    'Well, (yes)! ',
    '今天天气很好。',
    '🎉 ',
    ' ',
    'Tomorrow it will rain. ',
  );
  const segments = fc
    .array(fc.record({ text: texts, ms: fc.constantFrom(0, 40, 500, 1200), timings: fc.boolean() }), { maxLength: 4 })
    .chain((parts) =>
      fc
        .boolean()
        .map((complete) =>
          parts.map(({ text, ms, timings }, n) =>
            segment(text, ms, { last: complete || n < parts.length - 1, words: timings ? timed(text, ms) : [] }),
          ),
        ),
    );
  const rates = fc.constantFrom(UNKNOWN, { samples: samplesOfMs(100), characters: 1 }, { samples: 24, characters: 1 });

  it('is a beginning of the answer, and grows with the position', () => {
    fc.assert(
      fc.property(
        segments,
        rates,
        fc.array(fc.nat(100_000), { minLength: 2, maxLength: 20 }),
        (spoken, rate, places) => {
          const delivered = spoken.reduce((sum, { samples }) => sum + samples, 0);
          const answer = spoken.map(({ text }) => text).join('');
          let before = '';
          for (const played of places.map((at) => Math.min(at, delivered)).sort((a, b) => a - b)) {
            const now = heardText(spoken, played, rate);
            expect(answer.startsWith(now)).toBe(true);
            expect(now.startsWith(before)).toBe(true);
            before = now;
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is never more than was played: no segment behind the position, no more of one than its share', () => {
    fc.assert(
      fc.property(segments, rates, fc.nat(100_000), (spoken, rate, at) => {
        const delivered = spoken.reduce((sum, { samples }) => sum + samples, 0);
        const played = Math.min(at, delivered);
        let start = 0;
        let most = '';
        for (const each of spoken) {
          if (each.last && played >= start + each.samples) most += each.text;
          else {
            if (each.words.length === 0 && played > start) {
              const share = (played - start) / Math.max(each.samples, 1);
              most += each.text.slice(0, Math.floor(spokenCharacters(each.text) * share));
            } else if (played > start) most += each.text;
            break;
          }
          start += each.samples;
        }
        expect(heardText(spoken, played, rate).length).toBeLessThanOrEqual(most.length);
      }),
      { numRuns: 500 },
    );
  });
});
