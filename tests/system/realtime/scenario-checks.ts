import { lastUserText, type FakeProviders, type RecordedChat } from '@parley/fakes';
import { INSTRUCTIONS } from '../support/faked-cluster';
import { indexedAudio } from '../support/indexed-audio';
import { answersIn, receivedBy, sentBy, type Answer, type Played } from './client-program';
import questions from './clients/questions.json';
import { fieldsOf, type Fields } from '../support/fields';

/** What the providers do in the scenarios, and what must have come of each: at the client, and at the model. */

const SAMPLES_PER_CHARACTER = 120;
const CHARACTERS_PER_MS = 24 / SAMPLES_PER_CHARACTER;
const MARK = ' [interrupted by the user]';
const CITY = '{"city":"Ulm"}';
const PROMISE = 'One moment please, I am going to have a look at it.';
/** The voice of the response that calls is not through when the result of the call comes. */
const PROMISE_AFTER_MS = 600;
const TITLE = 'On gardens.';
const STORY = Array.from(
  { length: 40 },
  (_, number) => `Sentence ${number} of this story is so long that the voice takes half a second until it is told.`,
).join(' ');
/** Between its sentences, in a second of it. */
const PAUSES_MS = 200;
/** Told as fast as it is heard. */
const STORY_TOKEN_MS = 25;

/** They decide by what they are asked: several clients talk at a time. */
export function scriptProviders(llm: FakeProviders, voice: FakeProviders): void {
  llm.setDefaultChat({ kind: 'answer', text: (messages) => `You asked me this: ${lastUserText(messages)}` });
  llm.chatRule(({ text, body }) => {
    const last = body.messages?.at(-1);
    if (last?.role === 'tool') return { kind: 'answer', text: `It is ${String(last.content)} degrees in Ulm.` };
    if (text.startsWith(questions.story)) return { kind: 'answer', text: STORY, tokenDelayMs: STORY_TOKEN_MS };
    if (text.startsWith(questions.title)) return { kind: 'answer', text: TITLE };
    if (!text.startsWith(questions.weather)) return undefined;
    return { kind: 'answer', text: PROMISE, toolCalls: [{ name: 'weather', arguments: CITY }] };
  });
  voice.speechRule(({ text }) =>
    PROMISE.startsWith(text)
      ? {
          ...{ kind: 'voice', samplesPerCharacter: SAMPLES_PER_CHARACTER, content: 'indexed' },
          firstByteDelayMs: PROMISE_AFTER_MS,
        }
      : undefined,
  );
}

/** What the model was asked in a scenario, oldest first; each is a conversation of its own. */
export type Asked = readonly RecordedChat[];

export const askedIn = (llm: FakeProviders, client: string, scenario: string): Asked =>
  llm.requests.filter(
    (request): request is RecordedChat =>
      request.kind === 'chat' && JSON.stringify(request.body.messages).includes(`(${client}, ${scenario})`),
  );

/** Whoever plays it. */
export function expectHeard(played: Played): void {
  const answers = answersIn(played);
  for (const answer of answers) expectAudio(answer);
  expect(played.told.audioBytes).toBe(answers.reduce((sum, { audio }) => sum + audio.length, 0));
  const completed = answers.filter(({ response, texts }) => response['status'] === 'completed' && texts.length > 0);
  expect(played.told.answers).toEqual(expect.arrayContaining(completed.map(({ texts }) => texts.join(''))));
}

const formatOf = (answer: Pick<Answer, 'response'> | undefined): unknown =>
  fieldsOf(fieldsOf(fieldsOf(answer?.response['audio'])['output'])['format'])['type'];

/** Of a response that was spoken to its end exactly the samples of its texts; µ-law has one byte for three samples. */
function expectAudio({ response, texts, audio }: Answer): void {
  const isSpoken = JSON.stringify(response['output_modalities']) === '["audio"]';
  if (response['status'] !== 'completed' || !isSpoken) return;
  const pcm = Buffer.concat(texts.map((text) => indexedAudio(text.trim(), SAMPLES_PER_CHARACTER)));
  if (formatOf({ response }) === 'audio/pcm') expect(audio.equals(pcm)).toBe(true);
  else expect(Math.abs(audio.length - pcm.length / 2 / 3)).toBeLessThanOrEqual(texts.length);
}

const messagesOf = ({ body }: RecordedChat): { role: string; content: string }[] =>
  (body.messages ?? []).map(({ role, content }) => ({ role, content: String(content) }));
/** Without the instructions. */
const talkOf = (request: RecordedChat): string[] =>
  messagesOf(request)
    .slice(1)
    .map(({ role, content }) => `${role}: ${content}`);
const answerTo = (question: string): string => `You asked me this: ${question}`;

interface Scene {
  played: Played;
  asked: Asked;
  /** A question as this client puts it in this scenario. */
  say: (question: string) => string;
  /** It asks for one response after the other (agents-realtime). */
  isPatient: boolean;
  /** It takes for heard what could have been heard by the clock, pauses in the voice included (agents-realtime). */
  byTheClock: boolean;
  /** What the client has set, or the server's. */
  instructions: string;
}

/** The turns of a conversation that was only talked, as the model gets them with the last one. */
const turns = (say: Scene['say'], asked: readonly string[]): string[] =>
  asked.flatMap((question, index) => [
    `user: ${say(question)}`,
    ...(index === asked.length - 1 ? [] : [`assistant: ${answerTo(say(question))}`]),
  ]);

export const CHECKS: Readonly<Record<string, (scene: Scene) => void>> = {
  'text turn': ({ asked, say, instructions }) => {
    expect(asked.map(messagesOf)).toEqual([
      [
        { role: 'system', content: instructions },
        { role: 'user', content: say(questions.garden) },
      ],
    ]);
  },

  'several turns': ({ asked, say }) => {
    const three = [questions.garden, questions.pond, questions.attic];
    expect(asked.map(talkOf)).toEqual([1, 2, 3].map((count) => turns(say, three.slice(0, count))));
  },

  'interruption, truncate, retrieve': ({ played, asked, say, byTheClock }) => {
    const [story] = answersIn(played);
    expect(story?.response).toMatchObject({
      ...{ status: 'cancelled', status_details: { type: 'cancelled', reason: 'client_cancelled' } },
    });
    const [truncate] = sentBy(played).filter(({ type }) => type === 'conversation.item.truncate');
    const [truncated] = receivedBy(played).filter(({ type }) => type === 'conversation.item.truncated');
    expect(truncated).toMatchObject({ item_id: truncate?.['item_id'], audio_end_ms: truncate?.['audio_end_ms'] });
    const [retrieved] = receivedBy(played).filter(({ type }) => type === 'conversation.item.retrieved');
    expect(retrieved?.['item']).toMatchObject({ id: truncate?.['item_id'], role: 'assistant', status: 'incomplete' });
    const [user, assistant = '', next] = asked.at(-1) ? talkOf(asked.at(-1) as RecordedChat) : [];
    expect([user, next]).toEqual([`user: ${say(questions.story)}`, `user: ${say(questions.where)}`]);
    const receivedMs = (story?.audio.length ?? 0) / bytesPerMs(story);
    const heardMs = Math.min(Number(truncate?.['audio_end_ms']), receivedMs);
    expectHeardPrefix(assistant, heardMs, byTheClock ? PAUSES_MS : 0);
  },

  'function call': ({ played, asked, say }) => {
    const isEnd = (passed: Played['wire'][number]): boolean =>
      'received' in passed && passed.received.type === 'response.done';
    const isOutput = (passed: Played['wire'][number]): boolean =>
      'sent' in passed && fieldsOf(passed.sent['item'])['type'] === 'function_call_output';
    const { wire } = played;
    expect(wire.findIndex(isOutput)).toBeGreaterThan(0);
    expect(wire.findIndex(isOutput)).toBeLessThan(wire.findIndex(isEnd));
    const [first, second, ...others] = asked;
    expect(others).toEqual([]);
    expect(first?.body.tools).toMatchObject([{ type: 'function', function: { name: 'weather' } }]);
    const [user, call, result] = (second?.body.messages ?? []).slice(1) as unknown as Fields[];
    expect(user).toMatchObject({ role: 'user', content: say(questions.weather) });
    expect(call).toMatchObject({ role: 'assistant', content: PROMISE });
    const [{ id, ...made } = {}] = call?.['tool_calls'] as Fields[];
    expect(made).toEqual({ type: 'function', function: { name: 'weather', arguments: CITY } });
    expect(result).toEqual({ role: 'tool', tool_call_id: id, content: '22' });
    expect(answersIn(played).at(-1)?.texts.join('')).toBe('It is 22 degrees in Ulm.');
  },

  'out of band': ({ played, asked, say, isPatient }) => {
    const answers = answersIn(played);
    const isTitle = ({ response }: Answer): boolean => response['conversation_id'] === null;
    // Beside the story, not after it.
    expect(answers.findIndex(isTitle)).toBe(isPatient ? 1 : 0);
    const title = answers.find(isTitle);
    expect(title?.texts.join('')).toBe(TITLE);
    expect(title?.response).toMatchObject({
      ...{ status: 'completed', metadata: { purpose: 'title' }, output_modalities: ['text'] },
      output: [{ content: [{ type: 'output_text', text: TITLE }] }],
    });
    const [created] = receivedBy(played).filter(
      ({ type, response }) => type === 'response.created' && fieldsOf(response)['conversation_id'] === null,
    );
    expect(created?.['response']).toMatchObject({ metadata: { purpose: 'title' } });
    // It has the input that it was given and nothing else; the conversation knows nothing of it.
    expect(asked.map(talkOf)).toContainEqual([`user: ${say(questions.title)}`]);
    expect(asked.at(-1)?.text).toBe(say(questions.where));
    expect(JSON.stringify(asked.at(-1)?.body.messages)).not.toContain(TITLE);
  },

  'error and recovery': ({ played, asked, say }) => {
    expect(played.told.errors).toEqual(['response_cancel_not_active', 'unknown_parameter']);
    const errors = receivedBy(played).filter(({ type }) => type === 'error');
    expect(errors.map(({ error }) => fieldsOf(error)['event_id'])).toEqual(['nothing_runs', 'unknown_field']);
    expect(asked.map(talkOf)).toEqual([turns(say, [questions.garden])]);
  },

  'session update': ({ asked, say, instructions }) => {
    expect(asked.map((request) => messagesOf(request)[0])).toEqual([
      { role: 'system', content: instructions },
      { role: 'system', content: questions.instructions },
    ]);
    expect(asked.map(talkOf).at(-1)).toEqual(turns(say, [questions.garden, questions.pond]));
  },
};

const bytesPerMs = (answer: Answer | undefined): number => (formatOf(answer) === 'audio/pcm' ? 48 : 8);

/** What the client sets by itself when it connects. */
export const instructionsOf = (client: string): string => (client === 'agents-realtime' ? 'Be brief.' : INSTRUCTIONS);

/** Of the story, whole words, as far as the voice had come: 120 samples for each character. */
function expectHeardPrefix(message: string, audioEndMs: number, pausesMs: number): void {
  expect(message.startsWith('assistant: ') && message.endsWith(MARK)).toBe(true);
  const heard = message.slice('assistant: '.length, -MARK.length);
  expect(`${STORY} `.startsWith(`${heard} `)).toBe(true);
  const characters = audioEndMs * CHARACTERS_PER_MS;
  const longestWord = Math.max(...STORY.split(' ').map(({ length }) => length));
  // The blanks between sentences are not spoken.
  const sentences = heard.split('.').length;
  expect(heard.length).toBeLessThanOrEqual(characters + sentences);
  expect(heard.length).toBeGreaterThan(characters - pausesMs * CHARACTERS_PER_MS - longestWord - 1);
}
