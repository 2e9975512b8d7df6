import type { ToolCall, ToolDefinition } from '@parley/model';
import type { ChatMessage, LlmEvent, LlmRequest } from '@parley/ports';
import { ask, textOf, type LlmCase, type LlmKit } from './llm-kit';

const WEATHER: ToolDefinition = {
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
/** Without description and parameters, which are optional. */
const LIGHTS: ToolDefinition = { name: 'lights-off' };
export const TOOLS = [WEATHER, LIGHTS];

export const BOTH = 'Please use get_weather and then lights-off.';

export const namesOf = (events: readonly LlmEvent[]): string[] =>
  events.flatMap((event) => (event.kind === 'tool-called' ? [event.name] : []));

export const call = (callId: string, name: string): ToolCall => ({ callId, name, arguments: '{"city":"Paris"}' });

/** A conversation whose last turn called tools that have answered. */
export const answered = (content: string, calls: readonly ToolCall[], results: readonly string[]): LlmRequest => ({
  model: undefined,
  continues: null,
  tools: TOOLS,
  messages: [
    { role: 'user', content: BOTH },
    { role: 'assistant', content, toolCalls: calls },
    ...calls.map(({ callId }, index): ChatMessage => ({ role: 'tool', callId, content: results[index] ?? '' })),
  ],
});

async function expectText(kit: LlmKit, request: LlmRequest): Promise<string> {
  const events = await kit.all(request);
  expect(namesOf(events)).toEqual([]);
  expect(events.at(-1)).toMatchObject({ kind: 'finished', reason: 'stop' });
  expect(textOf(events).trim()).not.toBe('');
  return textOf(events);
}

/** Functions that the model may call, and what became of the calls. */
export const toolCases: LlmCase[] = [
  {
    title:
      'that the user asks for is called once, with an object as arguments, and `finished` follows as after any answer',
    async check(kit) {
      const events = await kit.all({ ...ask('Please use get_weather.'), tools: TOOLS });
      const [called] = events.filter((event) => event.kind === 'tool-called');
      expect(events.map(({ kind }) => kind)).toEqual(['tool-called', 'finished']);
      expect(called?.name).toBe('get_weather');
      expect(JSON.parse(called?.arguments ?? '')).toEqual({ city: expect.any(String) as string });
      expect(events.at(-1)).toMatchObject({ reason: 'stop' });
    },
  },
  {
    title: 'and another one are two events, the same ones each time',
    async check(kit) {
      const first = await kit.all({ ...ask(BOTH), tools: TOOLS });
      expect(namesOf(first)).toEqual(['get_weather', 'lights-off']);
      expect(await kit.all({ ...ask(BOTH), tools: TOOLS })).toEqual(first);
    },
  },
  {
    title: 'is not called when none was offered, none was asked for, or the choice forbids it',
    async check(kit) {
      await expectText(kit, ask(BOTH));
      await expectText(kit, { ...ask(BOTH), tools: [] });
      await expectText(kit, { ...ask('Hello!'), tools: TOOLS });
      await expectText(kit, { ...ask(BOTH), tools: TOOLS, toolChoice: 'none' });
    },
  },
  {
    title: 'is called when the choice demands it, and the one that it names',
    async check(kit) {
      expect(namesOf(await kit.all({ ...ask('Hello!'), tools: TOOLS, toolChoice: 'required' }))).toHaveLength(1);
      const named = await kit.all({ ...ask('Hello!'), tools: TOOLS, toolChoice: { name: 'lights-off' } });
      expect(namesOf(named)).toEqual(['lights-off']);
    },
  },
  {
    title: 'demanded where none is offered changes nothing',
    async check(kit) {
      await expectText(kit, { ...ask('Hello!'), toolChoice: 'required' });
      await expectText(kit, { ...ask('Hello!'), tools: [], toolChoice: { name: 'lights-off' } });
    },
  },
  {
    title: 'that has answered is told of, whatever ids the calls have, beside text or without',
    async check(kit) {
      const calls = [call('call_a-long-one/with anything in it', 'get_weather'), call('2', 'lights-off')];
      const text = await expectText(kit, answered('', calls, ['It rains.', 'It is dark.']));
      expect(text).toContain('It rains.');
      expect(text).toContain('It is dark.');
      expect(await expectText(kit, answered('One moment.', calls.slice(0, 1), ['It snows.']))).toContain('It snows.');
    },
  },
  {
    title: 'that has answered earlier does not keep the conversation from going on',
    async check(kit) {
      const { messages } = answered('', [call('1', 'get_weather')], ['It rains.']);
      const before: ChatMessage[] = [...messages, { role: 'assistant', content: 'It rains there.' }];
      await expectText(kit, { ...ask('Hello!', before), tools: TOOLS });
      await expectText(kit, ask('Hello!', before));
      expect(namesOf(await kit.all({ ...ask(BOTH, before), tools: TOOLS }))).toEqual(['get_weather', 'lights-off']);
    },
  },
  {
    title: 'is not called when the answer is aborted before, and the provider is freed',
    async check(kit) {
      const abort = new AbortController();
      const rest = kit.rest(kit.stream({ ...ask(BOTH), tools: TOOLS }, abort.signal));
      await kit.pause(5);
      abort.abort();
      expect((await rest).events).toEqual([]);
      await kit.providerIsFree();
    },
  },
  {
    title: 'is not called when the answer is aborted after another call',
    async check(kit) {
      const abort = new AbortController();
      const stream = kit.stream({ ...ask(BOTH), tools: TOOLS }, abort.signal);
      expect((await stream.next()).value).toMatchObject({ kind: 'tool-called', name: 'get_weather' });
      abort.abort();
      expect((await kit.rest(stream)).events).toEqual([]);
      await kit.providerIsFree();
    },
  },
];
