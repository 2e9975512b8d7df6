import { mapSpeakable, speakable } from './speakable';

describe('speakable', () => {
  it.each([
    ['Latin', 'Hello, world! It’s 3.50 € — isn’t it?'],
    ['Cyrillic', 'Привет, как дела? Всё хорошо.'],
    ['Chinese', '你好，世界。今天天气很好！'],
    ['Japanese', 'こんにちは。元気ですか？'],
    ['Korean', '안녕하세요. 잘 지내세요?'],
    ['Arabic', 'مرحبا، كيف حالك؟'],
    ['Persian with its joiner', 'می‌خواهم بروم'],
    ['Devanagari with its joiner', 'नमस्ते, क्‍या हाल है?'],
    ['combining marks', 'Cafe\u0301 au lait'],
    ['products and differences', 'So 2*3 is 6, 2 * 3 too, and 5 - 3 is 2.'],
    ['words with hyphens', 'A well-known rock-and-roll band.'],
  ])('keeps plain text as it is: %s', (_script, text) => {
    expect(speakable(text)).toBe(text);
  });

  it.each([
    [
      '**Bold**, *italic*, ***both***, __strong__, _weak_ and ~~struck~~.',
      'Bold, italic, both, strong, weak and struck.',
    ],
    ['这是**重点**内容', '这是重点内容'],
    ['**Half of a bold sentence.', 'Half of a bold sentence.'],
    ['The other half.** ', 'The other half.'],
    ['Use `npm start` now.', 'Use npm start now.'],
    ['A snake_case_name here.', 'A snake case name here.'],
    ['# Title\nText', 'Title\nText'],
    ['## Title ##', 'Title'],
    ['> quoted\n> > twice', 'quoted\ntwice'],
    ['- one\n* two\n+ three\n• four', 'one\ntwo\nthree\nfour'],
    ['1. first\n2. second', '1. first\n2. second'],
    ['- [ ] open\n- [x] done', 'open\ndone'],
    ['Above\n\n---\n\nbelow', 'Above\nbelow'],
    ['| Name | Age |\n|------|-----|\n| Ann | 7 |', 'Name Age\nAnn 7'],
    ['1\\. Not a list, 5 \\* 3', '1. Not a list, 5 * 3'],
    ['<b>bold</b> and<br/>broken', 'bold and\nbroken'],
    ['2 < 3 and 5 > 4', '2 < 3 and 5 > 4'],
  ])('takes markdown off: %j', (raw, spoken) => {
    expect(speakable(raw)).toBe(spoken);
  });

  it.each([
    ['See [the manual](https://example.org/a_(b)).', 'See the manual.'],
    ['See [the manual][1].\n[1]: https://example.org', 'See the manual.'],
    ['![A cat](cat.png)', 'A cat'],
    ['Go to https://example.org/path?q=1#x, then rest.', 'Go to, then rest.'],
    ['Go to <https://example.org>.', 'Go to.'],
    ['It is at www.example.org (https://example.org).', 'It is at.'],
    ['请看https://example.org。谢谢', '请看。谢谢'],
  ])('says the words of a link and never the address: %j', (raw, spoken) => {
    expect(speakable(raw)).toBe(spoken);
  });

  it.each([
    ['Run:\n```ts\nconst a = 1;\n```\nDone.', 'Run:\nDone.'],
    ['Run:\n```python\nprint(1)\n', 'Run:'],
    ['```\nNow the rest.', 'Now the rest.'],
    ['~~~\ncode\n~~~\nafter', 'after'],
  ])('leaves out blocks of code: %j', (raw, spoken) => {
    expect(speakable(raw)).toBe(spoken);
  });

  it.each([
    ['Great 👍🏽 work 🎉!', 'Great work!'],
    ['👨‍👩‍👧‍👦 The family ❤️', 'The family'],
    ['From 🇩🇪 to 🏴󠁧󠁢󠁥󠁮󠁧󠁿', 'From to'],
    ['Press 1️⃣ now', 'Press 1 now'],
  ])('leaves out pictures: %j', (raw, spoken) => {
    expect(speakable(raw)).toBe(spoken);
  });

  it.each([
    '',
    '   \n',
    '...',
    '🎉🎉',
    '---',
    '```\n```',
    '```js\nlet a;\n```',
    'https://example.org',
    '**',
    '#',
    '|---|---|',
  ])('is empty when nothing can be said: %j', (raw) => {
    expect(mapSpeakable(raw)).toEqual({ text: '', origin: [] });
  });

  it('folds white space and keeps the end of a line as a pause', () => {
    expect(speakable('  One \t two\u00a0three \n \n  four  ')).toBe('One two three\nfour');
  });

  it('is stable: what it made speakable stays as it is', () => {
    const raw = '# Hi **there** 👋\n- see [docs](https://x.y)\n- `code_name` 2 * 3';
    expect(speakable(speakable(raw))).toBe(speakable(raw));
  });

  it('knows where each spoken character stood', () => {
    const raw = '  **Hello** 👋 [big](https://example.org) world';
    const { text, origin } = mapSpeakable(raw);
    expect(text).toBe('Hello big world');
    expect(origin).toHaveLength(text.length);
    for (const word of ['Hello', 'big', 'world']) expect(origin[text.indexOf(word)]).toBe(raw.indexOf(word));
    expect(origin).toEqual([...origin].sort((a, b) => a - b));
  });

  it('maps plain text one to one', () => {
    const raw = 'Plain words, 你好, ok.';
    expect(mapSpeakable(raw).origin).toEqual(Array.from(raw, (_, index) => index));
  });

  it('comes to an end on long rows of marks', () => {
    for (const unit of ['`', '*_', '[', '![](', '```\n', '<a', '| -', '- ', '#', 'www.', '> ', '🏽', '\n ']) {
      const raw = `${unit.repeat(2_000)}end`;
      expect(speakable(raw).length).toBeLessThanOrEqual(raw.length);
    }
  });
});
