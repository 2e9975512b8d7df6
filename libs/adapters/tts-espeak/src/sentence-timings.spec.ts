import type { EspeakEvent } from '@echogarden/espeak-ng-emscripten';
import { sentenceTimings } from './sentence-timings';
import { escapeSentence, sentencesOf } from './sentences';

const event = (
  type: EspeakEvent['type'],
  audio_position: number,
  text_position: number,
  word_length: number,
  id?: string,
): EspeakEvent => ({ type, audio_position, text_position, word_length, id });
const word = (ms: number, position: number, length: number) => event('word', ms, position, length);
const sound = (ms: number, id: string) => event('phoneme', ms, 1, 0, id);

const timingsOf = (text: string, events: EspeakEvent[], endMs: number) =>
  sentenceTimings(text, escapeSentence(text), events, endMs);

describe('sentenceTimings', () => {
  it('ends a phoneme where the next begins, and a word before its pause', () => {
    const events = [
      word(0, 1, 2),
      sound(0, 'h'),
      sound(60, 'aɪ'),
      sound(200, ''),
      word(300, 5, 3),
      sound(300, 'j'),
      sound(400, ''),
    ];
    expect(timingsOf('Hi, you', events, 450)).toEqual({
      words: [
        { word: 'Hi', charStart: 0, charEnd: 2, startMs: 0, endMs: 200 },
        { word: 'you', charStart: 4, charEnd: 7, startMs: 300, endMs: 400 },
      ],
      phonemes: [
        { phoneme: 'h', startMs: 0, durationMs: 60 },
        { phoneme: 'aɪ', startMs: 60, durationMs: 140 },
        { phoneme: '', startMs: 200, durationMs: 100 },
        { phoneme: 'j', startMs: 300, durationMs: 100 },
        { phoneme: '', startMs: 400, durationMs: 50 },
      ],
    });
  });

  it('makes one word of a number that the engine speaks as several', () => {
    const events = [word(0, 1, 4), sound(0, 'θ'), word(100, 2, 4), sound(100, 'p'), word(200, 2, 4), sound(200, 'f')];
    expect(timingsOf('3.50.', events, 300).words).toEqual([
      { word: '3.50', charStart: 0, charEnd: 4, startMs: 0, endMs: 300 },
    ]);
  });

  it('finds the words that the engine speaks as one phrase', () => {
    const events = [word(0, 1, 1), sound(0, 'ɐ'), word(300, 9, 4), sound(300, 'h')];
    expect(timingsOf('a while here', events, 400).words).toEqual([
      { word: 'a', charStart: 0, charEnd: 1, startMs: 0, endMs: 50 },
      { word: 'while', charStart: 2, charEnd: 7, startMs: 50, endMs: 300 },
      { word: 'here', charStart: 8, charEnd: 12, startMs: 300, endMs: 400 },
    ]);
  });

  it('counts characters as the engine does: code points of the escaped text', () => {
    const text = '👋 a<b & c';
    const { ssml, origin } = escapeSentence(text);
    expect(ssml).toBe('👋 a&lt;b &amp; c');
    expect(origin).toHaveLength([...ssml].length);
    const events = [
      word(0, 3, 1),
      sound(0, 'a'),
      word(10, 8, 1),
      sound(10, 'b'),
      word(20, 14, 1),
      word(30, 16, 1),
      sound(30, 's'),
    ];
    expect(timingsOf(text, events, 40).words.map(({ word: each, charStart }) => [each, charStart])).toEqual([
      ['a', text.indexOf('a')],
      ['b', text.indexOf('b')],
      ['c', text.indexOf('c')],
    ]);
  });

  it('leaves out what is no sound and what has no length', () => {
    const events = [sound(0, '(en)'), sound(0, 'a'), sound(50, 'b'), sound(50, 'c'), sound(90, 'd')];
    expect(timingsOf('x', events, 90).phonemes.map((each) => each.phoneme)).toEqual(['a', 'c']);
  });
});

describe('sentencesOf', () => {
  it('cuts at sentences and knows where they began', () => {
    const text = 'It is 3.50 now. Really?\nYes! 你好。再见。';
    const sentences = sentencesOf(text);
    expect(sentences.map((each) => each.text.trim())).toEqual([
      'It is 3.50 now.',
      'Really?',
      'Yes!',
      '你好。',
      '再见。',
    ]);
    for (const { text: part, start } of sentences) expect(text.startsWith(part, start)).toBe(true);
  });

  it('cuts what is too long between words, never inside a character', () => {
    for (const unit of ['word ', '你好世界', 'x', '𝒳']) {
      const text = unit.repeat(500);
      const sentences = sentencesOf(text);
      expect(sentences.map((each) => each.text).join('')).toBe(text);
      expect(sentences.every((each) => !/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/.test(each.text))).toBe(true);
      if (unit !== 'x' && unit !== '𝒳')
        expect(Math.max(...sentences.map((each) => each.text.length))).toBeLessThanOrEqual(400);
    }
  });

  it('leaves out what has nothing to say', () => {
    expect(sentencesOf('... !? \n')).toEqual([]);
  });
});
