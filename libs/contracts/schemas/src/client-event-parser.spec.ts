import { DEFAULT_POLICY, wirePolicy, type ClientError, type ErrorCode } from '@parley/model';
import { parseClientEvent, parseClientText, type ParsedClientEvent } from './client-event-parser';

const parley = { parley: true };
const realtime = { parley: false };

const errorOf = (parsed: ParsedClientEvent): ClientError => {
  if (parsed.ok) throw new Error(`accepted: ${JSON.stringify(parsed.event)}`);
  return parsed.error;
};

const item = (over: object = {}): object => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }], ...over },
});
const part = (type: string, text: unknown = 'x'): object => ({ type, text });

describe('client events that are accepted', () => {
  const accepted: [string, object][] = [
    ['session.update with nothing to change', { type: 'session.update', session: { type: 'realtime' } }],
    [
      'session.update with everything',
      {
        type: 'session.update',
        event_id: 'e1',
        session: { type: 'realtime', instructions: 'Be brief.', audio: { output: { voice: 'alloy' } } },
      },
    ],
    [
      // As @openai/agents-realtime sends it.
      'session.update with the settings of an agent',
      {
        type: 'session.update',
        session: {
          type: 'realtime',
          instructions: 'Be nice',
          model: 'my-model',
          output_modalities: ['audio'],
          audio: {
            input: {
              format: { type: 'audio/pcm', rate: 24_000 },
              noise_reduction: null,
              transcription: { model: 'gpt-4o-mini-transcribe' },
              turn_detection: { type: 'semantic_vad' },
            },
            output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'marin', speed: 1 },
          },
        },
      },
    ],
    [
      // As the declarations of `openai` and the API's reference have it beyond that.
      'session.update of what listens, whole',
      {
        type: 'session.update',
        session: {
          type: 'realtime',
          audio: {
            input: {
              noise_reduction: { type: 'near_field', strength: 0.5 },
              transcription: {
                ...{ model: 'gpt-realtime-whisper', language: 'de', languages: ['de', 'en'] },
                ...{ prompt: 'Names of plants.', keywords: ['quokka'], delay: 'low' },
              },
            },
          },
        },
      },
    ],
    ['session.update of tracing alone', { type: 'session.update', session: { type: 'realtime', tracing: 'auto' } }],
    [
      'session.update with every other setting',
      {
        type: 'session.update',
        session: {
          type: 'realtime',
          max_output_tokens: 'inf',
          parallel_tool_calls: true,
          reasoning: { effort: 'low' },
          truncation: { type: 'retention_ratio', retention_ratio: 0.5, token_limits: { post_instructions: 900 } },
          prompt: { id: 'pmpt_1', version: null, variables: { name: 'Ada' } },
          include: ['item.input_audio_transcription.logprobs'],
          audio: {
            input: {
              format: { type: 'audio/pcmu' },
              noise_reduction: { type: 'far_field' },
              turn_detection: { threshold: 0.7, idle_timeout_ms: null },
            },
            output: { format: { type: 'audio/pcma' }, voice: { id: 'voice_1' } },
          },
        },
      },
    ],
    [
      'session.update that puts instructions back',
      { type: 'session.update', session: { type: 'realtime', instructions: null } },
    ],
    ['a user item', item()],
    ['a system item', item({ role: 'system' })],
    ['an assistant item', item({ role: 'assistant', content: [part('output_text')] })],
    ['an item with an id of its own', item({ id: 'item_1' })],
    ['an item at the front', { ...item(), previous_item_id: 'root' }],
    ['an item after nothing', { ...item(), previous_item_id: null }],
    ['a truncation', { type: 'conversation.item.truncate', item_id: 'i', content_index: 0, audio_end_ms: 1500 }],
    ['a truncation at zero', { type: 'conversation.item.truncate', item_id: 'i', content_index: 0, audio_end_ms: 0 }],
    ['response.create', { type: 'response.create' }],
    ['response.create without wishes', { type: 'response.create', response: {} }],
    [
      'response.create with metadata',
      { type: 'response.create', response: { instructions: 'Be brief.', metadata: { client_event_id: 'x' } } },
    ],
    [
      'response.create with everything',
      {
        type: 'response.create',
        response: {
          conversation: 'none',
          input: [
            { type: 'item_reference', id: 'item_1' },
            {
              type: 'message',
              role: 'user',
              content: [part('input_text')],
              status: 'completed',
              object: 'realtime.item',
            },
            { type: 'function_call', name: 'weather', arguments: '{}', call_id: 'call_1' },
            { type: 'function_call_output', call_id: 'call_1', output: 'sunny' },
          ],
          instructions: 'Be brief.',
          tools: [{ type: 'function', name: 'weather' }],
          tool_choice: { type: 'function', name: 'weather' },
          max_output_tokens: 4096,
          output_modalities: ['text'],
          audio: { output: { format: { type: 'audio/pcmu' }, voice: { id: 'marin' } } },
          metadata: { a: 'b' },
          parallel_tool_calls: false,
          prompt: { id: 'pmpt_1' },
          reasoning: { effort: 'low' },
        },
      },
    ],
    ['response.create with an empty input', { type: 'response.create', response: { input: [] } }],
    [
      'an item that was called',
      item({ type: 'function_call', role: undefined, content: undefined, name: 'f', arguments: '' }),
    ],
    ['a retrieval', { type: 'conversation.item.retrieve', item_id: 'item_1' }],
    ['a deletion', { type: 'conversation.item.delete', item_id: 'item_1' }],
    [
      'session.update to text, few tokens and a fast voice',
      {
        type: 'session.update',
        session: {
          type: 'realtime',
          output_modalities: ['text'],
          max_output_tokens: 1,
          audio: { output: { speed: 1.5 } },
        },
      },
    ],
    ['response.create with null metadata', { type: 'response.create', response: { metadata: null } }],
    ['response.cancel', { type: 'response.cancel' }],
    ['response.cancel of a response', { type: 'response.cancel', response_id: 'resp_1' }],
    ['a transcript', { type: 'parley.transcript.final', turn_id: 't1', text: 'What is the time?' }],
    ['a transcript without a turn id', { type: 'parley.transcript.final', text: 'hi' }],
    ['speech', { type: 'parley.speech.started' }],
    ['the end of speech', { type: 'parley.speech.stopped' }],
    ['partial words', { type: 'parley.transcript.partial', turn_id: 't1', text: 'What is' }],
    ['words for the agent', { type: 'parley.say', text: 'Hello.', interruptible: false }],
    ['mute', { type: 'parley.mute', muted: true }],
    [
      'a whole policy',
      {
        type: 'parley.policy.update',
        policy: { ...wirePolicy(DEFAULT_POLICY), away_after_ms: 15_000, away_prompt: 'Ask.' },
      },
    ],
    [
      'tools',
      {
        type: 'session.update',
        session: {
          type: 'realtime',
          tools: [{ type: 'function', name: 'weather', description: 'x', parameters: { type: 'object' } }],
          tool_choice: { type: 'function', name: 'weather' },
        },
      },
    ],
    [
      'the result of a function',
      { type: 'conversation.item.create', item: { type: 'function_call_output', id: 'i', call_id: 'c', output: '' } },
    ],
    ['an interrupt', { type: 'parley.interrupt' }],
    ['an interrupt of a response', { type: 'parley.interrupt', response_id: 'resp_1' }],
    ['a playback report', { type: 'parley.playback', response_id: 'resp_1', played_ms: 12.5 }],
    ['the last playback report', { type: 'parley.playback', response_id: 'resp_1', played_ms: 0, ended: true }],
    ['a ping', { type: 'parley.ping', event_id: 'p' }],
    ['text of the greatest length', { type: 'parley.transcript.final', text: 'a'.repeat(32_768) }],
    ['ids of the greatest length', { type: 'response.cancel', event_id: 'e'.repeat(64) }],
  ];
  it.each(accepted)('%s', (_, event) => {
    expect(parseClientText(JSON.stringify(event), parley)).toEqual({ ok: true, event });
  });

  it('sixteen metadata entries of 64 and 512 characters', () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 16 }, (_, i) => [`${i}`.padStart(64, 'k'), 'v'.repeat(512)]),
    );
    const event = { type: 'response.create', response: { metadata } };
    expect(parseClientEvent(event, realtime)).toEqual({ ok: true, event });
  });
});

describe('client events that are refused', () => {
  const long = 'a'.repeat(32_769);
  const longId = 'i'.repeat(65);
  const truncate = { type: 'conversation.item.truncate', item_id: 'i', content_index: 0, audio_end_ms: 10 };
  const playback = { type: 'parley.playback', response_id: 'resp_1', played_ms: 10 };
  const without = (event: object, key: string): object =>
    Object.fromEntries(Object.entries(event).filter(([name]) => name !== key));
  const create = (response: unknown): object => ({ type: 'response.create', response });
  const session = (value: unknown): object => ({ type: 'session.update', session: value });
  const listening = (input: object): object => session({ type: 'realtime', audio: { input } });
  const tools = (value: unknown): object => session({ type: 'realtime', tools: value });
  const weather = { type: 'function', name: 'weather' };
  const policy = (value: object): object => ({ type: 'parley.policy.update', policy: value });
  const result = (more: object): object => ({
    type: 'conversation.item.create',
    item: { type: 'function_call_output', call_id: 'call_1', output: '22', ...more },
  });
  const response = (value: object): object => ({ type: 'response.create', response: value });
  const final = (text: unknown): object => ({ type: 'parley.transcript.final', text });

  const refused: [string, unknown, ErrorCode, string | null][] = [
    ['null', null, 'invalid_json', null],
    ['an array', [], 'invalid_json', null],
    ['a string', 'session.update', 'invalid_json', null],
    ['a number', 7, 'invalid_json', null],
    ['an event without a type', {}, 'missing_required_parameter', 'type'],
    ['a type that is a number', { type: 7 }, 'invalid_value', 'type'],
    ['a type that is null', { type: null }, 'invalid_value', 'type'],
    ['a type nobody knows', { type: 'session.upgrade' }, 'unknown_event', 'type'],
    ['a type that objects inherit', { type: 'constructor' }, 'unknown_event', 'type'],
    ['a type that names the prototype', { type: '__proto__' }, 'unknown_event', 'type'],
    ['an unknown field of the event', { type: 'response.cancel', reason: 'x' }, 'unknown_parameter', 'reason'],
    ['session.update without a session', { type: 'session.update' }, 'missing_required_parameter', 'session'],
    ['a session that is an array', session([]), 'invalid_value', 'session'],
    ['a session without a type', session({ instructions: 'x' }), 'missing_required_parameter', 'session.type'],
    ['a session of another type', session({ type: 'transcription' }), 'invalid_value', 'session.type'],
    ['a gain of the microphone', listening({ gain: 2 }), 'unknown_parameter', 'session.audio.input.gain'],
    [
      'a format nobody knows',
      listening({ format: { type: 'audio/opus' } }),
      'invalid_value',
      'session.audio.input.format.type',
    ],
    [
      'PCM at another rate',
      listening({ format: { type: 'audio/pcm', rate: 16_000 } }),
      'invalid_value',
      'session.audio.input.format.rate',
    ],
    [
      'a threshold above 1',
      listening({ turn_detection: { threshold: 2 } }),
      'invalid_value',
      'session.audio.input.turn_detection.threshold',
    ],
    [
      'an unknown turn detection',
      listening({ turn_detection: { type: 'none' } }),
      'invalid_value',
      'session.audio.input.turn_detection.type',
    ],
    [
      'a voice that is too fast',
      session({ type: 'realtime', audio: { output: { speed: 1.6 } } }),
      'invalid_value',
      'session.audio.output.speed',
    ],
    [
      'text and audio at a time',
      session({ type: 'realtime', output_modalities: ['text', 'audio'] }),
      'invalid_value',
      'session.output_modalities',
    ],
    [
      'a limit of no tokens',
      session({ type: 'realtime', max_output_tokens: 0 }),
      'invalid_value',
      'session.max_output_tokens',
    ],
    ['tracing of another kind', session({ type: 'realtime', tracing: 'none' }), 'invalid_value', 'session.tracing'],
    [
      'a prompt of any size',
      session({ type: 'realtime', prompt: { id: 'p', variables: { all: 'x'.repeat(40_000) } } }),
      'invalid_value',
      'session.prompt',
    ],
    [
      'audio in a format of another API',
      session({ type: 'realtime', audio: { output: { format: { type: 'audio/opus' } } } }),
      'invalid_value',
      'session.audio.output.format.type',
    ],
    [
      'a voice of another type',
      session({ type: 'realtime', audio: { output: { voice: 3 } } }),
      'invalid_value',
      'session.audio.output.voice',
    ],
    [
      'long instructions',
      session({ type: 'realtime', instructions: long }),
      'string_above_max_length',
      'session.instructions',
    ],
    ['an item that is missing', { type: 'conversation.item.create' }, 'missing_required_parameter', 'item'],
    ['an item of another type', item({ type: 'mcp_call' }), 'invalid_value', 'item.type'],
    [
      'a call without a name',
      item({ type: 'function_call', arguments: '{}' }),
      'missing_required_parameter',
      'item.name',
    ],
    [
      'a response that is neither in nor beside the conversation',
      response({ conversation: 'conv_1' }),
      'invalid_value',
      'response.conversation',
    ],
    ['an input that is no list', response({ input: 'Hi' }), 'invalid_value', 'response.input'],
    [
      'an input of another type',
      response({ input: [{ type: 'input_text', text: 'Hi' }] }),
      'invalid_value',
      'response.input[0].type',
    ],
    [
      'a reference to nothing',
      response({ input: [{ type: 'item_reference' }] }),
      'missing_required_parameter',
      'response.input[0].id',
    ],
    [
      'more tokens than there may be',
      response({ max_output_tokens: 4097 }),
      'invalid_value',
      'response.max_output_tokens',
    ],
    [
      'a speed of one response',
      response({ audio: { output: { speed: 1 } } }),
      'unknown_parameter',
      'response.audio.output.speed',
    ],
    ['a retrieval of nothing', { type: 'conversation.item.retrieve' }, 'missing_required_parameter', 'item_id'],
    ['a deletion of a number', { type: 'conversation.item.delete', item_id: 1 }, 'invalid_value', 'item_id'],
    ['an item without a type', item({ type: undefined }), 'missing_required_parameter', 'item.type'],
    ['a result without its call', result({ call_id: undefined }), 'missing_required_parameter', 'item.call_id'],
    ['a result that is an object', result({ output: {} }), 'invalid_value', 'item.output'],
    ['a result with content', result({ content: [] }), 'unknown_parameter', 'item.content'],
    ['a tool without a name', tools([{ type: 'function' }]), 'missing_required_parameter', 'session.tools[0].name'],
    ['a tool of another type', tools([{ type: 'mcp', name: 'f' }]), 'invalid_value', 'session.tools[0].type'],
    ['a tool with a bad name', tools([{ type: 'function', name: 'a b' }]), 'invalid_value', 'session.tools[0].name'],
    ['two tools of one name', tools([weather, weather]), 'invalid_value', 'session.tools'],
    [
      'more tools than 128',
      tools(Array.from({ length: 129 }, (_, n) => ({ ...weather, name: `f${n}` }))),
      'invalid_value',
      'session.tools',
    ],
    ['a choice nobody has', session({ type: 'realtime', tool_choice: 'any' }), 'invalid_value', 'session.tool_choice'],
    ['a policy nobody has', policy({ busy: 'drop' }), 'invalid_value', 'policy.busy'],
    ['a wait in microseconds', policy({ min_speech_ms: 500_000 }), 'invalid_value', 'policy.min_speech_ms'],
    ['a wait that is negative', policy({ cool_down_ms: -1 }), 'invalid_value', 'policy.cool_down_ms'],
    ['no time until the user is away', policy({ away_after_ms: 0 }), 'invalid_value', 'policy.away_after_ms'],
    [
      'a backchannel of sentences',
      policy({ backchannels: ['x'.repeat(65)] }),
      'string_above_max_length',
      'policy.backchannels[0]',
    ],
    ['mute without saying which', { type: 'parley.mute' }, 'missing_required_parameter', 'muted'],
    ['words for the agent that are none', { type: 'parley.say', text: 7 }, 'invalid_value', 'text'],
    [
      'partial words of no turn',
      { type: 'parley.transcript.partial', text: 'x' },
      'missing_required_parameter',
      'turn_id',
    ],
    ['speech with words', { type: 'parley.speech.started', text: 'x' }, 'unknown_parameter', 'text'],
    ['a role nobody has', item({ role: 'tool' }), 'invalid_value', 'item.role'],
    ['content that is missing', item({ content: undefined }), 'missing_required_parameter', 'item.content'],
    ['content that is a string', item({ content: 'hi' }), 'invalid_value', 'item.content'],
    ['content that is empty', item({ content: [] }), 'invalid_value', 'item.content'],
    [
      'content without a type',
      item({ content: [{ text: 'x' }] }),
      'missing_required_parameter',
      'item.content[0].type',
    ],
    [
      'content without text',
      item({ content: [{ type: 'input_text' }] }),
      'missing_required_parameter',
      'item.content[0].text',
    ],
    ['text that is a number', item({ content: [part('input_text', 1)] }), 'invalid_value', 'item.content[0].text'],
    [
      'long text',
      item({ content: [part('input_text'), part('input_text', long)] }),
      'string_above_max_length',
      'item.content[1].text',
    ],
    [
      'parts that are long together',
      item({ content: [part('input_text', 'a'.repeat(20_000)), part('input_text', 'a'.repeat(20_000))] }),
      'string_above_max_length',
      'item.content',
    ],
    [
      'an unknown field of a part',
      item({ content: [{ ...part('input_text'), detail: 1 }] }),
      'unknown_parameter',
      'item.content[0].detail',
    ],
    [
      'audio content',
      item({ content: [{ type: 'input_audio', audio: 'AAAA' }] }),
      'unsupported_content_type',
      'item.content[0].type',
    ],
    [
      'image content',
      item({ content: [part('input_text'), part('input_image')] }),
      'unsupported_content_type',
      'item.content[1].type',
    ],
    [
      'output_text of a user',
      item({ content: [part('output_text')] }),
      'unsupported_content_type',
      'item.content[0].type',
    ],
    ['input_text of the assistant', item({ role: 'assistant' }), 'unsupported_content_type', 'item.content[0].type'],
    [
      'a content type that is no string',
      item({ content: [{ type: 1, text: 'x' }] }),
      'invalid_value',
      'item.content[0].type',
    ],
    ['a long item id', item({ id: longId }), 'string_above_max_length', 'item.id'],
    ['an empty item id', item({ id: '' }), 'invalid_value', 'item.id'],
    ['NUL in an item id', item({ id: 'a\0b' }), 'invalid_value', 'item.id'],
    ['half a surrogate pair in an item id', item({ id: 'a\ud800' }), 'invalid_value', 'item.id'],
    ['a previous item that is a number', { ...item(), previous_item_id: 1 }, 'invalid_value', 'previous_item_id'],
    ['a truncation without an item', without(truncate, 'item_id'), 'missing_required_parameter', 'item_id'],
    ['a truncation of a second part', { ...truncate, content_index: 1 }, 'invalid_value', 'content_index'],
    [
      'a truncation without a position',
      without(truncate, 'audio_end_ms'),
      'missing_required_parameter',
      'audio_end_ms',
    ],
    ['a truncation at a fraction', { ...truncate, audio_end_ms: 1.5 }, 'invalid_value', 'audio_end_ms'],
    ['a truncation before the start', { ...truncate, audio_end_ms: -1 }, 'invalid_value', 'audio_end_ms'],
    ['a position that is null', { ...truncate, audio_end_ms: null }, 'invalid_value', 'audio_end_ms'],
    ['a position no integer holds', { ...truncate, audio_end_ms: 2 ** 60 }, 'invalid_value', 'audio_end_ms'],
    ['an unknown wish', create({ temperature: 1 }), 'unknown_parameter', 'response.temperature'],
    ['a response that is null', create(null), 'invalid_value', 'response'],
    ['metadata that is a list', create({ metadata: [] }), 'invalid_value', 'response.metadata'],
    ['a metadata value that is a number', create({ metadata: { a: 1 } }), 'invalid_value', 'response.metadata.a'],
    [
      'a long metadata value',
      create({ metadata: { a: 'v'.repeat(513) } }),
      'string_above_max_length',
      'response.metadata.a',
    ],
    [
      'a long metadata key',
      create({ metadata: { ['k'.repeat(65)]: 'v' } }),
      'string_above_max_length',
      'response.metadata',
    ],
    [
      'seventeen metadata entries',
      create({ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v'])) }),
      'invalid_value',
      'response.metadata',
    ],
    [
      'a response id of another kind',
      { type: 'response.cancel', response_id: 'item_1' },
      'invalid_value',
      'response_id',
    ],
    [
      'a long response id',
      { type: 'response.cancel', response_id: `resp_${longId}` },
      'string_above_max_length',
      'response_id',
    ],
    ['a transcript without text', { type: 'parley.transcript.final' }, 'missing_required_parameter', 'text'],
    ['a long transcript', final(long), 'string_above_max_length', 'text'],
    ['a long turn id', { ...final('x'), turn_id: longId }, 'string_above_max_length', 'turn_id'],
    ['playback of nothing', without(playback, 'response_id'), 'missing_required_parameter', 'response_id'],
    ['playback without a position', without(playback, 'played_ms'), 'missing_required_parameter', 'played_ms'],
    ['playback before the start', { ...playback, played_ms: -0.1 }, 'invalid_value', 'played_ms'],
    ['playback that ended in words', { ...playback, ended: 'yes' }, 'invalid_value', 'ended'],
    ['a ping with a payload', { type: 'parley.ping', payload: 1 }, 'unknown_parameter', 'payload'],
    ['an event id that is a number', { type: 'parley.ping', event_id: 1 }, 'invalid_value', 'event_id'],
    ['a long event id', { type: 'parley.ping', event_id: longId }, 'string_above_max_length', 'event_id'],
  ];
  it.each(refused)('%s', (_, event, code, param) => {
    // Through JSON, as on the wire: `undefined` fields are absent.
    const error = errorOf(parseClientText(JSON.stringify(event), parley));
    expect(error).toMatchObject({ type: 'invalid_request_error', code, param });
    expect(error.message).not.toBe('');
  });

  it('text that is not JSON', () => {
    for (const text of ['', '{', '{"type":', 'undefined', '{"type":"parley.ping"}}']) {
      expect(errorOf(parseClientText(text, parley))).toMatchObject({ code: 'invalid_json', param: null });
    }
  });

  it('names what is allowed beside an unknown field', () => {
    const error = errorOf(parseClientEvent(session({ type: 'realtime', audio: { video: {} } }), realtime));
    expect(error.message).toBe("Unknown parameter: 'session.audio.video'. Allowed here: input, output.");
    expect(errorOf(parseClientEvent(item({ content: [part('input_image')] }), realtime)).message).toContain(
      "'input_text'",
    );
  });

  it('repeats no more than the beginning of a name the client made up', () => {
    const error = errorOf(parseClientEvent({ type: 'response.cancel', ['x'.repeat(5000)]: 1 }, realtime));
    expect(error.message.length).toBeLessThan(300);
    expect(error.param?.length).toBeLessThan(100);
    expect(errorOf(parseClientEvent({ type: 'x'.repeat(5000) }, realtime)).message.length).toBeLessThan(300);
  });

  it('repeats no value, which may be personal', () => {
    const secret = 'my secret words';
    for (const event of [final([secret]), item({ role: secret }), session({ type: secret }), create(secret)]) {
      expect(errorOf(parseClientEvent(event, parley)).message).not.toContain(secret);
    }
  });
});

describe('events of parley.v1 on other connections', () => {
  it.each([
    { type: 'parley.ping' },
    { type: 'parley.interrupt' },
    { type: 'parley.transcript.final', text: 'x' },
    { type: 'parley.playback', response_id: 'resp_1', played_ms: 1 },
  ])('$type does not exist', (event) => {
    const error = errorOf(parseClientEvent(event, realtime));
    expect(error).toMatchObject({ code: 'unknown_event', param: 'type' });
    expect(error.message.split('Supported:')[1]).not.toContain('parley.');
    expect(parseClientEvent(event, parley).ok).toBe(true);
  });
});

describe('a format that leaves the only rate open, as the declarations of the API allow', () => {
  it('has it', () => {
    const audio = { output: { format: { type: 'audio/pcm' } } };
    const parsed = parseClientEvent({ type: 'session.update', session: { type: 'realtime', audio } }, parley);
    expect(parsed).toMatchObject({
      event: { session: { audio: { output: { format: { type: 'audio/pcm', rate: 24_000 } } } } },
    });
  });
});

describe('what stands for one of several', () => {
  it('is refused with all of them', () => {
    const other = errorOf(parseClientEvent(item({ type: 'mcp_call' }), parley));
    expect(other.message).toContain("'message', 'function_call', 'function_call_output'");
    const choice = { type: 'session.update', session: { type: 'realtime', tool_choice: 'any' } };
    const { message } = errorOf(parseClientEvent(choice, parley));
    expect(message).toContain("'auto', 'none', 'required'");
  });
});

describe('the echo of event_id', () => {
  const eventIdOf = (event: object): string | undefined => {
    const parsed = parseClientEvent(event, parley);
    if (parsed.ok) throw new Error('accepted');
    return parsed.eventId;
  };

  it('is there whatever else is wrong with the event', () => {
    expect(eventIdOf({ type: 'nothing', event_id: 'e1' })).toBe('e1');
    expect(eventIdOf({ event_id: 'e2' })).toBe('e2');
    expect(eventIdOf({ type: 'session.update', event_id: 'e3' })).toBe('e3');
  });

  it('is left out when the id itself is unusable', () => {
    expect(eventIdOf({ type: 'nothing', event_id: 7 })).toBeUndefined();
    expect(eventIdOf({ type: 'nothing', event_id: 'e'.repeat(65) })).toBeUndefined();
    expect(eventIdOf({ type: 'nothing', event_id: 'a\0' })).toBeUndefined();
    expect(eventIdOf({ type: 'nothing' })).toBeUndefined();
  });
});

describe('text of a client', () => {
  it('has NUL and halves of surrogate pairs replaced, and keeps whole pairs', () => {
    const parsed = parseClientText(
      '{"type":"parley.transcript.final","text":"a\\u0000b \\ud83d\\ude00 \\ud83d c \\ude00"}',
      parley,
    );
    expect(parsed).toMatchObject({ ok: true, event: { text: 'a\uFFFDb \u{1F600} \uFFFD c \uFFFD' } });
  });
});

describe('a session or a response of which much is said', () => {
  const MAX_BYTES = 262_144;
  /** As text, so that numbers stand as a client writes them. */
  const updateOf = (fields: string): string =>
    `{"type":"session.update","event_id":"mine","session":{"type":"realtime",${fields}}}`;
  const toolsOf = (parameters: string): string =>
    updateOf(`"tools":[{"type":"function","name":"f","parameters":${parameters}}]`);
  const responseOf = (text: string, times: number): object => ({
    type: 'response.create',
    response: {
      input: Array.from({ length: times }, () => ({
        ...{ type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
      })),
    },
  });
  const refusalOf = (what: string, param: string) => ({
    ...{ type: 'invalid_request_error', code: 'invalid_value', param },
    message: `Invalid value for '${param}': the largest part of a ${what}, which must be at most 262144 bytes of JSON.`,
  });

  it('is taken up to the byte, and refused by the name of its largest part', () => {
    const empty = Buffer.byteLength(JSON.stringify(JSON.parse(toolsOf('{"a":""}')).session));
    const text = 'x'.repeat(MAX_BYTES - empty);
    expect(parseClientText(toolsOf(`{"a":"${text}"}`), realtime).ok).toBe(true);
    const parsed = parseClientText(toolsOf(`{"a":"${text}x"}`), realtime);
    expect(parsed).toEqual({ ok: false, error: refusalOf('session', 'session.tools'), eventId: 'mine' });
  });

  it('counts as it is written out again: numbers grow, and a character takes several bytes', () => {
    const numbers = `{"a":[${Array.from({ length: 15_000 }, () => '1e20').join()}]}`;
    expect(numbers.length).toBeLessThan(MAX_BYTES / 3);
    expect(errorOf(parseClientText(toolsOf(numbers), realtime))).toEqual(refusalOf('session', 'session.tools'));
    expect(parseClientEvent(responseOf('語'.repeat(30_000), 2), realtime).ok).toBe(true);
    const error = errorOf(parseClientEvent(responseOf('語'.repeat(30_000), 3), realtime));
    expect(error).toEqual(refusalOf('response', 'response.input'));
  });

  it.each([
    ['parameters of a tool', (deep: string) => toolsOf(`{"a":${deep}}`)],
    ['variables of a prompt', (deep: string) => updateOf(`"prompt":{"id":"p","variables":{"a":${deep}}}`)],
    ['metadata of tracing', (deep: string) => updateOf(`"tracing":{"metadata":{"a":${deep}}}`)],
    ['what is ignored', (deep: string) => updateOf(`"reasoning":{"a":${deep}}`)],
  ])('is refused where it is nested deeper than JSON can be written again: %s', (_what, textOf) => {
    const nested = (levels: number): string => textOf('['.repeat(levels) + ']'.repeat(levels));
    const error = errorOf(parseClientText(nested(200_000), realtime));
    const message = "Invalid 'session': nested more than 64 levels deep.";
    expect(error).toEqual({ type: 'invalid_request_error', code: 'invalid_value', param: 'session', message });
    expect(parseClientText(nested(50), realtime).ok).toBe(true);
  });
});

describe('keys that name the prototype', () => {
  it('are unknown fields like any other', () => {
    const error = errorOf(parseClientText('{"type":"parley.ping","__proto__":{"polluted":1}}', parley));
    expect(error).toMatchObject({ code: 'unknown_parameter', param: '__proto__' });
    const nested = '{"type":"session.update","session":{"type":"realtime","__proto__":{"instructions":"x"}}}';
    expect(errorOf(parseClientText(nested, parley))).toMatchObject({
      code: 'unknown_parameter',
      param: 'session.__proto__',
    });
  });

  it('are harmless in metadata, where any key is allowed', () => {
    const text = '{"type":"response.create","response":{"metadata":{"__proto__":"x","constructor":"y"}}}';
    const parsed = parseClientText(text, parley);
    expect(parsed.ok).toBe(true);
    if (parsed.ok && parsed.event.type === 'response.create') {
      const metadata = parsed.event.response?.metadata ?? {};
      expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
      expect(Object.entries(metadata)).toEqual([['constructor', 'y']]);
    }
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('do not stand in for fields that the client did not send', () => {
    const event: unknown = Object.create({ type: 'parley.ping' });
    expect(errorOf(parseClientEvent(event, parley))).toMatchObject({
      code: 'missing_required_parameter',
      param: 'type',
    });
  });
});
