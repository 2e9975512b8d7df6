import type { ToolDefinition } from '@parley/model';
import type { ChatMessage, LlmRequest } from '@parley/ports';
import { demoAnswer } from './demo-answer';
import { demoCalls } from './demo-calls';

const NAMES = ['get_weather', 'lights-off', 'setTimer'];
const TOOLS: ToolDefinition[] = NAMES.map((name) => ({ name }));
const user = (content: string): ChatMessage => ({ role: 'user', content });

const callsAfter = (messages: ChatMessage[], more: Partial<LlmRequest> = {}): string[] =>
  demoCalls({ model: undefined, continues: null, messages, tools: TOOLS, ...more }).map(({ name }) => name);

describe('the demo calls a tool', () => {
  it.each([
    ['get_weather, please', ['get_weather']],
    ['Get weather for Paris!', ['get_weather']],
    ['turn the lights off', ['lights-off']],
    ['please set timer, then get weather', ['get_weather', 'setTimer']],
    ['setTimer', ['setTimer']],
    ['forget weathering', []],
    ['How is the weather?', []],
  ])('when the user says its name: %s', (said, names) => {
    expect(callsAfter([user(said)])).toEqual(names);
  });

  it('for what was said last, not before', () => {
    expect(callsAfter([user('Get weather.'), { role: 'assistant', content: 'Rain.' }, user('Thanks.')])).toEqual([]);
  });

  it('as the choice says', () => {
    expect(callsAfter([user('Get weather.')], { toolChoice: 'none' })).toEqual([]);
    expect(callsAfter([user('Hello.')], { toolChoice: 'required' })).toEqual(['get_weather']);
    expect(callsAfter([], { toolChoice: 'required' })).toEqual(['get_weather']);
    expect(callsAfter([user('Set timer.')], { toolChoice: 'required' })).toEqual(['setTimer']);
    expect(callsAfter([user('Set timer.')], { toolChoice: { name: 'lights-off' } })).toEqual(['lights-off']);
    expect(callsAfter([user('Set timer.')], { toolChoice: { name: 'unknown' } })).toEqual([]);
  });

  it('with something of the right type for all that is required', () => {
    const properties = {
      text: { type: 'string' },
      unit: { enum: ['C', 'F'] },
      days: { type: 'integer' },
      now: { type: 'boolean' },
      places: { type: 'array' },
      more: { type: 'object' },
      optional: { type: 'string' },
    };
    const required = [...Object.keys(properties).slice(0, -1), 'undescribed'];
    const tools = [{ name: 'get_weather', parameters: { type: 'object', properties, required } }];
    const [call] = demoCalls({ model: undefined, continues: null, messages: [user('Get weather.')], tools });
    expect(JSON.parse(call?.arguments ?? '')).toEqual({
      text: 'Get weather.',
      unit: 'C',
      days: 1,
      now: true,
      places: [],
      more: {},
      undescribed: 'Get weather.',
    });
  });

  it('with nothing where nothing is required', () => {
    const [call] = demoCalls({ model: undefined, continues: null, messages: [user('Get weather.')], tools: TOOLS });
    expect(call?.arguments).toBe('{}');
  });
});

describe('the demo tells results', () => {
  const asked: ChatMessage[] = [
    user('Get weather and set timer.'),
    {
      role: 'assistant',
      content: '',
      toolCalls: [
        { callId: 'a', name: 'get_weather', arguments: '{}' },
        { callId: 'b', name: 'setTimer', arguments: '{}' },
      ],
    },
    { role: 'tool', callId: 'b', content: 'Set.' },
    { role: 'tool', callId: 'a', content: 'Rain.' },
  ];

  it('with the tools’ names, and calls no other, whatever the choice', () => {
    expect(demoAnswer(asked)).toBe('Set timer answered: Set. Get weather answered: Rain.');
    expect(callsAfter(asked)).toEqual([]);
    expect(callsAfter(asked, { toolChoice: 'required' })).toEqual([]);
  });

  it('only once', () => {
    expect(demoAnswer([...asked, { role: 'assistant', content: 'Done.' }, user('Thanks.')])).toMatch(
      /^You are welcome/,
    );
  });
});
