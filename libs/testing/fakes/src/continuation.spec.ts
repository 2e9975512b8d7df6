import { startFakeProviders } from './fake-providers';
import type { FakeProviders } from './fake-providers';
import type { ContinuationHabit, PrefillDialect } from './continuation';
import { HEADERS } from './spec-client';

const WHOLE = 'The sea is wide. It covers most of the earth. Fish live in it.';
const GIVEN = 'The sea is wide. It covers most';
const USER = { role: 'user', content: 'Tell me of the sea.' };
const PARTIAL = { role: 'assistant', content: GIVEN };
const TOLD = { role: 'user', content: 'Your answer was cut off. Please continue it.' };
const VLLM = { continue_final_message: true, add_generation_prompt: false };

let fakes: FakeProviders;

async function start(prefill: PrefillDialect): Promise<void> {
  fakes = await startFakeProviders({ prefill });
  fakes.setDefaultChat({ kind: 'answer', text: WHOLE });
}
afterEach(() => fakes.close());

interface Answer {
  readonly status: number;
  /** What it says, or what is wrong. */
  readonly said: string;
}

async function ask(messages: readonly object[], fields: object = {}): Promise<Answer> {
  const body = JSON.stringify({ model: 'm', messages, ...fields });
  const response = await fetch(`${fakes.url}/chat/completions`, { method: 'POST', headers: HEADERS, body });
  const answer = (await response.json()) as {
    choices?: [{ message: { content: string } }];
    error?: { message: string };
  };
  return { status: response.status, said: answer.choices?.[0].message.content ?? answer.error?.message ?? '' };
}

describe('an answer whose beginning the client gives', () => {
  it.each<[PrefillDialect, object, object, string]>([
    ['none', PARTIAL, {}, WHOLE],
    ['last_message', PARTIAL, {}, ' of the earth. Fish live in it.'],
    ['continue_final_message', PARTIAL, VLLM, ' of the earth. Fish live in it.'],
    ['continue_final_message', PARTIAL, {}, WHOLE],
    ['prefix', { ...PARTIAL, prefix: true }, {}, ' of the earth. Fish live in it.'],
  ])(
    'is completed by a server that does so, and is a message like any other to the rest: %s',
    async (dialect, last, fields, said) => {
      await start(dialect);
      expect(await ask([USER, last], fields)).toEqual({ status: 200, said });
    },
  );

  it.each<[ContinuationHabit, string]>([
    ['continues', 'of the earth. Fish live in it.'],
    ['starts-over', WHOLE],
    ['repeats-last-sentence', 'It covers most of the earth. Fish live in it.'],
  ])('is gone on with when the model is told to in words: one that %s', async (habit, said) => {
    await start('none');
    fakes.setContinuation(habit);
    expect(await ask([USER, PARTIAL, TOLD])).toEqual({ status: 200, said });
  });

  it('is gone on with in the habit that goes with the answer, before that of the server', async () => {
    await start('last_message');
    fakes.setContinuation('starts-over');
    fakes.chatRule(({ text }) =>
      text.includes('sea') ? { kind: 'answer', text: WHOLE, continuation: 'repeats-last-sentence' } : undefined,
    );
    expect((await ask([USER, PARTIAL])).said).toBe('It covers most of the earth. Fish live in it.');
    expect(
      (
        await ask([
          { role: 'user', content: 'Hi.' },
          { role: 'assistant', content: 'The sea' },
        ])
      ).said,
    ).toBe(WHOLE);
  });

  it.each([
    ['Is it? Yes! I see', 'I see it.', 'Is it? Yes! I see it.'],
    ['今天很好。我们', '我们走。', '今天很好。我们走。'],
    ['Only one', 'Only one sentence.', 'Only one sentence.'],
    ['He said “No.” And', 'And left.', 'He said “No.” And left.'],
    ['It is done.', 'It is done. Bye.', 'It is done. Bye.'],
  ])('and its last sentence is repeated: %s', async (given, said, whole) => {
    await start('last_message');
    fakes.nextChat({ kind: 'answer', text: whole, continuation: 'repeats-last-sentence' });
    expect((await ask([USER, { role: 'assistant', content: given }])).said).toBe(said);
  });

  it('is worked out from the request alone, and does not count as something asked', async () => {
    await start('none');
    fakes.setDefaultChat({
      kind: 'answer',
      text: (messages) => `${messages.length} message: ${String(messages[0]?.content)}`,
    });
    expect((await ask([USER, { role: 'assistant', content: '1\nmessage:' }, TOLD])).said).toBe('Tell me of the sea.');
    expect(fakes.requests[0]).toMatchObject({ text: USER.content, asked: [USER], given: '1\nmessage:' });
    await ask([USER]);
    expect(fakes.requests[1]).toMatchObject({ text: USER.content, asked: [USER], given: undefined });
  });

  it('is new when the words are a user’s', async () => {
    await start('none');
    for (const content of ['Please continue.', 'I was cut off.']) {
      expect((await ask([USER, PARTIAL, { role: 'user', content }])).said).toBe(WHOLE);
    }
    expect(fakes.requests.at(-1)?.text).toBe('I was cut off.');
  });

  it('fails the request when it is the beginning of another one', async () => {
    await start('last_message');
    const answer = await ask([USER, { role: 'assistant', content: 'The land' }]);
    expect(answer).toEqual({ status: 500, said: expect.stringContaining('not the beginning') as string });
  });

  it('may be complete', async () => {
    await start('last_message');
    expect(await ask([USER, { role: 'assistant', content: WHOLE }])).toEqual({ status: 200, said: '' });
  });
});

describe('a server refuses', () => {
  it.each<[PrefillDialect, string, readonly object[], object, number, string]>([
    ['none', 'what it does not know', [USER, PARTIAL], VLLM, 400, "'continue_final_message'"],
    ['none', 'a mark it does not know', [USER, { ...PARTIAL, prefix: true }], {}, 400, "'messages[1].prefix'"],
    ['last_message', 'two at the end', [USER, PARTIAL, PARTIAL], {}, 400, '2 or more'],
    [
      'continue_final_message',
      'a prompt as well',
      [USER, PARTIAL],
      { continue_final_message: true },
      400,
      'Cannot set both',
    ],
    ['continue_final_message', 'to complete a user', [USER], VLLM, 400, 'last message'],
    ['prefix', 'an answer without the mark', [USER, PARTIAL], {}, 400, 'Expected last role'],
    ['prefix', 'what it does not know', [USER, { ...PARTIAL, prefix: true }], VLLM, 422, 'not permitted'],
  ])('with prefill %s: %s', async (dialect, _what, messages, fields, status, said) => {
    await start(dialect);
    expect(await ask(messages, fields)).toEqual({ status, said: expect.stringContaining(said) as string });
  });
});
