import type { PhonemeTiming, Viseme } from '@parley/model';
import { visemesOfText } from './text-visemes';
import { visemesOfPhonemes } from './visemes';

/** Phonemes of 100 ms each, one after the other. */
const spoken = (...phonemes: string[]): PhonemeTiming[] =>
  phonemes.map((phoneme, index) => ({ phoneme, startMs: index * 100, durationMs: 100 }));

const names = (visemes: readonly Viseme[]): string => visemes.map(({ viseme }) => viseme).join(' ');

describe('visemesOfPhonemes', () => {
  it.each([
    ['hello', ['h', 'ə', 'l', 'ˈoʊ'], 'kk E nn O U'],
    ['think of judge', ['θ', 'ˈɪ', 'ŋ', 'k', 'ʌ', 'v', 'dʒ', 'ˈʌ', 'dʒ'], 'TH I kk aa FF DD CH aa DD CH'],
    ['French', ['ʁ', 'ɛ̃', 'ʒ', 'ø', 'y'], 'RR E CH E I'],
    ['German', ['ç', 'aː', 'pf', 'ts', 'ɡ'], 'kk aa PP FF DD SS kk'],
    ['Russian with palatalisation', ['tʲ', 'ɨ', 'rʲ'], 'DD I RR'],
    ['Chinese with tones', ['ɕ', 'i', 'ɛ5', 'ʂ', 'ɑu'], 'CH I E SS aa U'],
    ['Arabic', ['ħ', 'ʔ', 'sˤ', 'uː'], 'kk SS U'],
  ])('maps IPA: %s', (_title, phonemes, expected) => {
    expect(names(visemesOfPhonemes(spoken(...phonemes)))).toBe(expected);
  });

  it('splits a diphthong over its time', () => {
    expect(visemesOfPhonemes([{ phoneme: 'ˈoʊ', startMs: 184, durationMs: 120 }])).toEqual([
      { viseme: 'O', startMs: 184, durationMs: 60 },
      { viseme: 'U', startMs: 244, durationMs: 60 },
    ]);
  });

  it('closes the mouth in a pause', () => {
    expect(visemesOfPhonemes(spoken('a', '', '', 'a'))).toEqual([
      { viseme: 'aa', startMs: 0, durationMs: 100 },
      { viseme: 'sil', startMs: 100, durationMs: 200 },
      { viseme: 'aa', startMs: 300, durationMs: 100 },
    ]);
  });

  it('makes one of equal neighbours, not of equal ones apart', () => {
    expect(visemesOfPhonemes(spoken('p', 'b', 'm'))).toEqual([{ viseme: 'PP', startMs: 0, durationMs: 300 }]);
    const apart = [
      { phoneme: 'p', startMs: 0, durationMs: 100 },
      { phoneme: 'b', startMs: 150, durationMs: 100 },
    ];
    expect(visemesOfPhonemes(apart)).toHaveLength(2);
  });

  it('leaves the mouth as it was for what has no shape', () => {
    expect(visemesOfPhonemes(spoken('a', 'ʲ', 's'))).toEqual([
      { viseme: 'aa', startMs: 0, durationMs: 200 },
      { viseme: 'SS', startMs: 200, durationMs: 100 },
    ]);
    expect(visemesOfPhonemes(spoken('ʲ'))).toEqual([]);
  });
});

describe('visemesOfText', () => {
  it.each([
    ['The fish', 'TH E FF I CH'],
    ['Book', 'PP U kk'],
    ['Queen', 'kk U I nn'],
    ['Schule', 'CH U nn E'],
    ['über Größe', 'U PP E RR kk RR O SS E'],
    ['łódź', 'U O DD SS'],
  ])('reads Latin letters: %s', (text, expected) => {
    expect(names(visemesOfText(text, 0, 1_000))).toBe(expected);
  });

  it.each(['Привет', '你好世界', 'こんにちは', '안녕하세요', 'مرحبا', 'नमस्ते', 'γειά', '42'])(
    'opens and closes the mouth for other writing: %s',
    (text) => {
      const visemes = visemesOfText(text, 0, 1_000).map(({ viseme }) => viseme);
      const vowels = visemes.filter((viseme) => ['aa', 'E', 'I', 'O', 'U'].includes(viseme));
      expect(vowels.length).toBeGreaterThan(0);
      expect(visemes.length).toBeGreaterThan(vowels.length);
    },
  );

  it('fills its stretch exactly, vowels longer than consonants', () => {
    expect(visemesOfText('pa', 500, 800)).toEqual([
      { viseme: 'PP', startMs: 500, durationMs: 100 },
      { viseme: 'aa', startMs: 600, durationMs: 200 },
    ]);
  });

  it('pauses at marks', () => {
    expect(names(visemesOfText('Ah, no. Ok', 0, 1_000))).toBe('aa kk sil nn O sil O kk');
  });

  it.each(['', '  ', '...', '👋', '—'])('is empty when nothing is spoken: %j', (text) => {
    expect(visemesOfText(text, 0, 1_000)).toEqual([]);
  });

  it('gives the same for the same text', () => {
    expect(visemesOfText('Привет 你好', 0, 900)).toEqual(visemesOfText('Привет 你好', 0, 900));
  });
});
