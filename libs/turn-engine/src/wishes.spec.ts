import type { ResponseOptions } from '@parley/model';
import { EngineDriver } from './testing/engine-driver';

const FIRST = 'It is sunny today. ';
const CALL = { callId: 'call_9', name: 'weather', arguments: '{}' };

const request = (talk: EngineDriver) => talk.effect('start-generation')[0];
const messagesOf = (options: ResponseOptions, talk = EngineDriver.attached().says('Earlier').modelFails()) =>
  request(talk.asks(options))?.messages;

describe('what one response has of its own', () => {
  it('[RW1] is given to the model for that response alone', () => {
    const tools = [{ name: 'weather' }];
    const talk = EngineDriver.attached().asks({
      instructions: 'Sing.',
      ...{ tools, toolChoice: 'required', maxOutputTokens: 12 },
    });
    expect(request(talk)).toMatchObject({ tools, toolChoice: 'required', maxOutputTokens: 12 });
    expect(request(talk)?.messages).toEqual([{ role: 'system', content: 'Sing.' }]);
    talk.modelFails().asks();
    expect(request(talk)).toMatchObject({ tools: [], toolChoice: 'auto', maxOutputTokens: 'inf' });
    expect(request(talk)?.messages).toEqual([{ role: 'system', content: 'Be brief.' }]);
  });

  it('[RW1] is as the session has it where nothing is named', () => {
    const talk = EngineDriver.attached();
    const tools = [{ name: 'clock' }];
    talk.client({
      kind: 'session-updated',
      patch: { tools, toolChoice: { name: 'clock' }, settings: { max_output_tokens: 77 } },
    });
    expect(request(talk.says('Hello'))).toMatchObject({ tools, toolChoice: { name: 'clock' }, maxOutputTokens: 77 });
    expect(talk.output('announce')).toMatchObject([{ maxOutputTokens: 77, modality: 'audio' }]);
    talk.modelFails().asks({ tools: [], maxOutputTokens: 'inf' });
    expect(request(talk)).toMatchObject({ tools: [], maxOutputTokens: 'inf' });
  });

  it('[RW1] goes with the answer to another owner', () => {
    const tools = [{ name: 'weather' }];
    const talk = EngineDriver.attached();
    talk.asks({ instructions: 'Sing.', tools, toolChoice: 'none', maxOutputTokens: 12, input: [] });
    talk.binds().writes(FIRST).changesOwner();
    expect(request(talk)).toMatchObject({ tools, toolChoice: 'none', maxOutputTokens: 12, continues: FIRST });
    expect(request(talk)?.messages).toEqual([{ role: 'system', content: 'Sing.' }]);
  });

  it('[RW2] is told with the announcement, and the session stays as it is', () => {
    const talk = EngineDriver.attached().asks({
      ...{ voice: 'anna', format: { type: 'audio/pcmu' }, modality: 'audio', maxOutputTokens: 5 },
      metadata: { a: 'b' },
    });
    expect(talk.output('announce')).toMatchObject([
      { voice: 'anna', format: { type: 'audio/pcmu' }, modality: 'audio', maxOutputTokens: 5, metadata: { a: 'b' } },
    ]);
    expect(talk.effect('open-voice')).toMatchObject([{ voice: 'anna', speed: 1 }]);
    talk.modelFails().asks();
    expect(talk.output('announce')).toMatchObject([
      { voice: null, format: { type: 'audio/pcm' }, modality: 'audio', maxOutputTokens: 'inf', metadata: null },
    ]);
  });

  it('[RW2][VO9] keeps voice and speed in every rendering of it', () => {
    const talk = EngineDriver.attached();
    talk.client({ kind: 'session-updated', patch: { settings: { audio: { output: { speed: 1.25 } } } } });
    talk.asks({ voice: 'anna' }).binds().writes(FIRST);
    talk.client({ kind: 'session-updated', patch: { settings: { audio: { output: { speed: 0.5 } } } } });
    talk.losesVoice();
    expect(talk.effect('open-voice')).toMatchObject([{ attempt: 2, voice: 'anna', speed: 1.25 }]);
  });

  it('[RW3] has its input in place of the conversation', () => {
    expect(
      messagesOf({
        input: [
          { role: 'system', text: 'Rules' },
          { role: 'call', call: CALL },
          { role: 'result', callId: 'call_9', output: 'sunny' },
          { role: 'assistant', text: 'Sunny.' },
          { role: 'user', text: 'And now?' },
        ],
      }),
    ).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'system', content: 'Rules' },
      { role: 'assistant', content: '', toolCalls: [CALL] },
      { role: 'tool', callId: 'call_9', content: 'sunny' },
      { role: 'assistant', content: 'Sunny.' },
      { role: 'user', content: 'And now?' },
    ]);
    expect(messagesOf({ input: [] })).toEqual([{ role: 'system', content: 'Be brief.' }]);
  });

  it('[RW3] has each result with its own call', () => {
    const other = { ...CALL, callId: 'call_8' };
    const results = messagesOf({
      input: [
        { role: 'call', call: CALL },
        { role: 'call', call: other },
        { role: 'result', callId: 'call_8', output: 'rainy' },
        { role: 'result', callId: 'call_9', output: 'sunny' },
      ],
    });
    expect(results?.flatMap((each) => (each.role === 'tool' ? [[each.callId, each.content]] : []))).toEqual([
      ['call_9', 'sunny'],
      ['call_8', 'rainy'],
    ]);
  });

  it('[RW3] takes items of the conversation by their ids, each once', () => {
    const talk = EngineDriver.attached().says('Earlier').modelFails();
    const input: ResponseOptions['input'] = [
      { role: 'user', text: 'New' },
      { role: 'reference', itemId: 'user_1' },
      { role: 'reference', itemId: 'user_1' },
    ];
    expect(messagesOf({ input }, talk)?.map(({ content }) => content)).toEqual(['Be brief.', 'New', 'Earlier']);
  });

  it('[RW3] answers into the conversation all the same', () => {
    const talk = EngineDriver.attached().says('Earlier').modelFails();
    talk.asks({ input: [{ role: 'user', text: 'New' }] });
    expect(talk.state.history.map(({ id }) => id)).toEqual(['user_1', 'answer_2']);
    expect(talk.output('announce')).toMatchObject([{ lane: 0, previousItemId: 'user_1' }]);
  });

  it('[RW3][IT4] bounds its input as it does the conversation', () => {
    const talk = EngineDriver.attached({ maxContextChars: 25 });
    talk.asks({
      input: [
        { role: 'user', text: 'x'.repeat(90) },
        { role: 'user', text: 'y'.repeat(60) },
      ],
    });
    expect(talk.state.phase).toMatchObject({ response: { wishes: { input: [{ text: 'y'.repeat(60) }] } } });
  });

  it.each<[ResponseOptions['input'], string, string]>([
    [[{ role: 'reference', itemId: 'none' }], 'item_not_found', 'response.input[0].id'],
    [
      [
        { role: 'user', text: 'Hi' },
        { role: 'result', callId: 'call_9', output: '' },
      ],
      'invalid_tool_call_id',
      'response.input[1].call_id',
    ],
    [
      [
        { role: 'result', callId: 'call_9', output: '' },
        { role: 'call', call: CALL },
      ],
      'invalid_tool_call_id',
      'response.input[0].call_id',
    ],
  ])('[RW4] is refused where its input names what is not there: %j', (input = [], code, param) => {
    for (const outOfBand of [{}, { outOfBand: true }] as const) {
      const talk = EngineDriver.attached()
        .guesses('A question')
        .asks({ input, ...outOfBand }, 'event_1');
      expect(talk.output('error')).toMatchObject([{ error: { code, param }, clientEventId: 'event_1' }]);
      expect(talk.effects).toHaveLength(1);
      expect(talk.state.speculation.run).not.toBeNull();
    }
  });
});

describe('a response of text alone', () => {
  const texting = (): EngineDriver => EngineDriver.attached().asks({ modality: 'text' });

  it('[TX1] asks for no voice, and says so', () => {
    const talk = EngineDriver.attached({}, { avatar: 'stream' }).asks({ modality: 'text' });
    expect(talk.order).toEqual(['parley.turn.accepted', 'announce', 'start-generation', 'parley.state']);
    expect(talk.output('announce')).toMatchObject([{ modality: 'text' }]);
    talk.writes(FIRST);
    expect(talk.order).toEqual(['text', 'observe first-token'].reverse());
    talk.finishes();
    expect(talk.order).toEqual(['end']);
    expect(talk.output('end')).toMatchObject([{ segments: 1, spokenSegments: 0, status: 'completed' }]);
  });

  it('[TX1] is what every response is in a session of text', () => {
    const talk = EngineDriver.attached();
    talk.client({ kind: 'session-updated', patch: { settings: { output_modalities: ['text'] } } }).says('Hello');
    expect(talk.effect('open-voice')).toEqual([]);
    expect(talk.output('announce')).toMatchObject([{ modality: 'text' }]);
    talk.modelFails().asks({ modality: 'audio' });
    expect(talk.effect('open-voice')).toHaveLength(1);
  });

  it('[TX2] holds the floor until it is closed, and leaves no tail', () => {
    const talk = texting().writes(FIRST).finishes();
    expect(talk.floor).toEqual({ state: 'thinking', responseId: 'resp_1' });
    talk.hears({ closed: true });
    expect(talk.floor.state).toBe('listening');
    expect(talk.state.tails).toEqual([]);
    expect(talk.answersInContext()).toEqual([FIRST]);
  });

  it('[TX2] is closed when the gateway says nothing', () => {
    const talk = texting().writes(FIRST).finishes();
    talk.pass(talk.policy.voiceTimeoutMs);
    expect(talk.output('close')).toHaveLength(1);
    expect(talk.phase).toBe('listening');
  });

  it('[TX3] keeps what was sent of it when it is interrupted', () => {
    const talk = texting().writes(`${FIRST}Tomo`).interrupts();
    expect(talk.output('interrupted')).toMatchObject([{ heardMs: 0, heardText: FIRST }]);
    expect(talk.answersInContext()[0]).toContain(FIRST.trim());
    expect(talk.state.history.at(-1)).toMatchObject({ modality: 'text', text: FIRST, interrupted: true });
  });

  it('[TX3] keeps what was sent of it when it fails', () => {
    const talk = texting().writes(`${FIRST}Tomo`).modelFails();
    expect(talk.output('end')).toMatchObject([{ status: 'failed' }]);
    expect(talk.state.history.at(-1)).toMatchObject({ text: FIRST, interrupted: true });
  });

  it('[TX3][IN10] cannot be truncated', () => {
    const talk = texting().writes(FIRST).truncates('answer_1', 0);
    expect(talk.errors).toMatchObject([{ code: 'unsupported_content_type' }]);
    expect(talk.phase).toBe('thinking');
  });

  it('[TX3][RS2] is not cut by a client that comes back in the middle of it', () => {
    const talk = EngineDriver.attached({}, { resumable: true }).asks({ modality: 'text' }).writes(FIRST);
    talk.losesGateway().comesBack([talk.has(1, [])]);
    expect(talk.effect('open-voice')).toEqual([]);
    talk.writes('More. ').finishes();
    expect(talk.state.history.at(-1)).toMatchObject({ text: `${FIRST}More. `, interrupted: false });
  });
});
