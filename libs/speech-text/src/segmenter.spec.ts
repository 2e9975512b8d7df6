import fc from 'fast-check';
import { takeSegments } from './segmenter';

/** The segments of a text that comes at once, the last one being what is left at the end. */
function segmentsOf(text: string): string[] {
  const { segments, rest } = takeSegments(text, true);
  return rest === '' ? segments : [...segments, rest];
}

/** The same for a text that comes in tokens. */
function segmentsOfTokens(tokens: readonly string[]): string[] {
  const segments: string[] = [];
  let rest = '';
  for (const token of tokens) {
    const taken = takeSegments(rest + token, segments.length === 0);
    segments.push(...taken.segments);
    rest = taken.rest;
  }
  return rest === '' ? segments : [...segments, rest];
}

const LONG = 'This sentence has more than twenty characters. ';

describe('the end of a sentence', () => {
  it('keeps a block of code in one piece, so that none of it is spoken', () => {
    const block = '```js\nconst a = 1. Then more;\nfoo();\n```\n';
    const { segments, rest } = takeSegments(`Look here: ${block}Then it runs well everywhere. And`, true);
    expect(segments).toEqual([`Look here: ${block}`, 'Then it runs well everywhere. ']);
    expect(rest).toBe('And');
    expect(takeSegments('```js\nconst a = 1. Then', true).segments).toEqual([]);
  });

  it.each([
    ['English', ['How is the weather today? ', 'It is sunny and very warm! ', 'Tomorrow it will rain… ', 'Bye.']],
    ['German', ['Wie ist das Wetter heute? ', 'Es ist sonnig, ca. 20 Grad. ', 'Nimm z.B. einen Hut mit. ', 'Tschüss.']],
    ['French', ['Quel temps fait-il aujourd’hui ? ', 'Il fait très beau, dit-il ! ', 'Demain il va pleuvoir.']],
    ['Spanish', ['¿Qué tiempo hace hoy en Madrid? ', '¡Hace un sol estupendo, amigo! ', 'Mañana lloverá.']],
    ['Russian', ['Какая сегодня погода в городе? ', 'Сегодня солнечно и тепло. ', 'Завтра дождь.']],
    ['Greek', ['Ο καιρός είναι καλός σήμερα. ', 'Αύριο θα βρέξει πολύ! ', 'Γεια.']],
    ['Arabic', ['كيف حال الطقس اليوم في المدينة؟ ', 'الطقس مشمس وجميل جدا اليوم. ', 'غدا مطر.']],
    ['Urdu', ['آج موسم بہت اچھا اور گرم ہے۔ ', 'کل بارش ہوگی۔']],
    ['Hindi', ['आज मौसम बहुत अच्छा और गर्म है। ', 'कल बारिश होगी।']],
    ['Korean', ['오늘 날씨가 정말 좋고 따뜻하네요. ', '내일은 비가 올 거예요.']],
    ['Chinese', ['今天天气怎么样？', '今天是晴天，气温二十度，非常暖和，适合出门散步。', '明天下雨。']],
    ['Japanese', ['今日の天気はどうですか？', '今日は晴れていて、とても暖かいですよ、出かけましょう。', '「はい！」']],
  ])('cuts %s', (_language, sentences) => {
    expect(segmentsOf(sentences.join(''))).toEqual(sentences);
  });

  it.each([
    ['a title', 'Dr. Smith met Mrs. Jones in St. Ives. '],
    ['initials', 'J. R. R. Tolkien wrote it in Oxford. '],
    ['letters with dots', 'The U.S. economy, e.g. the car industry, grew. '],
    ['an abbreviation', 'He likes tea, coffee, milk, etc. and bread. '],
    ['German ones', 'Das sind z.B. Äpfel, d.h. Obst, bzw. Früchte. '],
    ['a decimal number', 'It costs 3.50 and weighs 1.5 kilograms. '],
    ['a version or a file', 'Node.js 20.19.1 reads the package.json file. '],
    ['an address', 'Write to info@example.org or see example.org/path. '],
    ['a number with its sign', 'This is No. 5 on the list of the best. '],
  ])('is not the full stop of %s', (_what, sentence) => {
    expect(segmentsOf(`${sentence}Then more.`)).toEqual([sentence, 'Then more.']);
  });

  it('is the full stop after the word "I"', () => {
    expect(segmentsOf('So do I. Then we agree on that.')).toEqual(['So do I. ', 'Then we agree on that.']);
  });

  it.each(['"', "'", '”', '“', '’', '»', ')', ']', '!"', '…)', '.’”)'])('takes the closing %s along', (closing) => {
    const sentence = `They said that it is all very fine.${closing} `;
    expect(segmentsOf(`${sentence}Then more.`)).toEqual([sentence, 'Then more.']);
  });

  it('takes closing quotes along in scripts without spaces', () => {
    expect(segmentsOf('他说：“今天天气很好。”然后他走了。')).toEqual(['他说：“今天天气很好。”', '然后他走了。']);
  });

  it('is the end of a line', () => {
    const text = 'Wash the vegetables first\nThen cut them in small pieces\r\n\r\nThen cook them';
    expect(segmentsOf(text)).toEqual([
      'Wash the vegetables first\n',
      'Then cut them in small pieces\r\n\r\n',
      'Then cook them',
    ]);
  });

  it('is not the number of a list item', () => {
    const text = '1. Wash the vegetables.\n2. Cut them in small pieces.\n10. Cook them.';
    expect(segmentsOf(text)).toEqual(['1. Wash the vegetables.\n', '2. Cut them in small pieces.\n', '10. Cook them.']);
  });

  it('may be a number', () => {
    expect(segmentsOf('We are going to count up to 3. Then we stop.')[0]).toBe('We are going to count up to 3. ');
  });
});

describe('the length of a segment', () => {
  it('is whatever the first sentence has, so that the voice can begin', () => {
    expect(segmentsOf('Hi! Yes. No. That is a longer sentence.')[0]).toBe('Hi! ');
    expect(segmentsOf('好。今天')[0]).toBe('好。');
  });

  it('is at least 20 characters for the others: short sentences are spoken together', () => {
    expect(segmentsOf('Hi! Yes. No. Maybe it is so. Well.')).toEqual(['Hi! ', 'Yes. No. Maybe it is so. ', 'Well.']);
    expect(takeSegments('Yes. No. ', false)).toEqual({ segments: [], rest: 'Yes. No. ' });
    // White space at the edges does not count: 19 and 20 characters.
    expect(takeSegments(` ${'x'.repeat(18)}. `, false).segments).toEqual([]);
    expect(takeSegments(` ${'x'.repeat(19)}. `, false).segments).toHaveLength(1);
  });

  it('waits for the end of a sentence, up to 240 characters', () => {
    const words = 'word '.repeat(48);
    expect(words).toHaveLength(240);
    expect(takeSegments(words, true)).toEqual({ segments: [], rest: words });
    expect(takeSegments(`${words}x`, true)).toEqual({ segments: [words], rest: 'x' });
  });

  it.each([
    ['a comma', ', '],
    ['a colon', ': '],
    ['a dash', ' — '],
    ['an Arabic comma', '، '],
    ['a wide comma', '，'],
  ])('is cut behind %s where a sentence is too long', (_what, clause) => {
    const head = `${'word '.repeat(20)}end${clause}`;
    const { segments, rest } = takeSegments(`${head}${'more '.repeat(40)}`, true);
    expect(segments).toEqual([head]);
    expect(rest).toBe('more '.repeat(40));
  });

  it('is cut between words where the clause would be too short', () => {
    const [first] = takeSegments(`Well, ${'word '.repeat(60)}`, true).segments;
    expect(first).toBe(`Well, ${'word '.repeat(47)}`.slice(0, 241));
    expect(first?.endsWith('word ')).toBe(true);
  });

  it('is cut anywhere in a word without end', () => {
    expect(segmentsOf('x'.repeat(500)).map((segment) => segment.length)).toEqual([240, 240, 20]);
  });

  it('is never cut inside a surrogate pair', () => {
    for (const shift of ['', 'x']) {
      const text = shift + '𠮷'.repeat(300);
      const segments = segmentsOf(text);
      expect(segments.join('')).toBe(text);
      for (const segment of segments) expect(segment).not.toMatch(/\p{Surrogate}/u);
      expect(segments.length).toBeGreaterThan(2);
    }
  });
});

describe('a text that comes in tokens', () => {
  it('is cut as soon as a sentence is complete, and not before', () => {
    expect(takeSegments('It is sunny', true).segments).toEqual([]);
    // "3." may become "3.5": a full stop at the very end says nothing yet.
    expect(takeSegments('It is sunny.', true)).toEqual({ segments: [], rest: 'It is sunny.' });
    expect(takeSegments('It is sunny. ', true)).toEqual({ segments: ['It is sunny. '], rest: '' });
    expect(takeSegments('今天很好。', true)).toEqual({ segments: ['今天很好。'], rest: '' });
  });

  it('gives the same sentences for every place of one cut', () => {
    const text = `Hi there! ${LONG}It costs 3.50, says Dr. Smith (he knows). And so it ends.`;
    const whole = segmentsOf(text);
    expect(whole).toHaveLength(4);
    for (let at = 0; at <= text.length; at++) {
      expect(segmentsOfTokens([text.slice(0, at), text.slice(at)])).toEqual(whole);
    }
  });

  const piece = fc.oneof(
    fc.constantFrom(
      '. ',
      '.',
      '! ',
      '? ',
      '\n',
      ' ',
      ', ',
      '。',
      '，',
      '」',
      '"',
      '…',
      '1. ',
      'Dr. ',
      'e.g. ',
      '3.5',
      '٫',
      '۔ ',
    ),
    fc.constantFrom('word ', 'sentence', '今天', 'नमस्ते ', '𠮷', '👨‍👩‍👧', 'x'.repeat(250), '.'.repeat(300)),
    fc.string({ unit: 'binary', maxLength: 30 }),
  );

  it('is the joined segments, wherever its tokens are cut, and none is empty or out of bounds', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(400), { maxLength: 20 }), (pieces, cuts) => {
        const text = pieces.join('');
        const edges = [0, ...cuts.filter((at) => at < text.length).sort((a, b) => a - b), text.length];
        const tokens = edges.slice(1).map((end, n) => text.slice(edges[n], end));
        const segments = segmentsOfTokens(tokens);
        expect(segments.join('')).toBe(text);
        for (const segment of segments) {
          expect(segment.length).toBeGreaterThan(0);
          // Closing marks and white space belong to the segment before them.
          expect(segment.trimEnd().length).toBeLessThanOrEqual(240 + 8);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('comes to an end on a long text in one token', () => {
    for (const unit of ['.', '!', '"', ' ', 'x', '。', 'a. ', '. "', '\n']) {
      const text = unit.repeat(20_000);
      expect(segmentsOf(text).join('')).toBe(text);
    }
  });
});
