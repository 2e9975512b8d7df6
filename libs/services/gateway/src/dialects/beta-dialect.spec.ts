import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BETA_PATH, BETA_SUBPROTOCOL, type ClientEventBody } from '@parley/model';
import { BetaDialect } from './beta-dialect';
import { EVENT_TYPES, NEW_EVENTS, PLACES } from './beta-names';
import { gaDialect } from './ga-dialect';

let dialect: BetaDialect;
beforeEach(() => {
  dialect = new BetaDialect();
});

const read = (event: Record<string, unknown>) => dialect.read(JSON.stringify(event));
const session = (fields: Record<string, unknown>) => read({ type: 'session.update', event_id: 'e1', session: fields });
const item = (content: Record<string, unknown>, role = 'assistant') =>
  read({ type: 'conversation.item.create', item: { type: 'message', role, content: [content] } });
const told = (event: ClientEventBody): ClientEventBody | undefined => dialect.told(event);

/** As the engine has it. */
const GA_SESSION = {
  type: 'realtime',
  object: 'realtime.session',
  id: 'sess_1',
  model: 'm',
  expires_at: 7,
  output_modalities: ['audio'],
  instructions: 'Be brief.',
  tools: [],
  tool_choice: 'auto',
  max_output_tokens: 'inf',
  tracing: null,
  truncation: 'auto',
  prompt: null,
  include: null,
  audio: {
    input: {
      format: { type: 'audio/pcma' },
      transcription: null,
      noise_reduction: { type: 'near_field' },
      turn_detection: { type: 'server_vad', threshold: 0.5, idle_timeout_ms: null },
    },
    output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'alloy', speed: 1 },
  },
};

describe('what a client of the older dialect says', () => {
  it('of its session becomes the same of GA, field by field', () => {
    const fields = {
      model: 'm',
      modalities: ['text', 'audio'],
      instructions: 'Be brief.',
      voice: 'alloy',
      speed: 1,
      input_audio_format: 'g711_ulaw',
      output_audio_format: 'g711_alaw',
      input_audio_transcription: { model: 'whisper-1' },
      input_audio_noise_reduction: null,
      turn_detection: { type: 'server_vad', threshold: 0.6 },
      tools: [{ type: 'function', name: 'weather' }],
      tool_choice: 'auto',
      temperature: 0.7,
      max_response_output_tokens: 'inf',
    };
    expect(session(fields)).toEqual({
      ok: true,
      event: {
        type: 'session.update',
        event_id: 'e1',
        session: {
          type: 'realtime',
          model: 'm',
          output_modalities: ['audio'],
          instructions: 'Be brief.',
          tools: [{ type: 'function', name: 'weather' }],
          tool_choice: 'auto',
          max_output_tokens: 'inf',
          audio: {
            input: {
              format: { type: 'audio/pcmu' },
              transcription: { model: 'whisper-1' },
              noise_reduction: null,
              turn_detection: { type: 'server_vad', threshold: 0.6 },
            },
            output: { format: { type: 'audio/pcma' }, voice: 'alloy', speed: 1 },
          },
        },
      },
    });
  });

  it('of one field alone names nothing else', () => {
    expect(session({ turn_detection: null })).toMatchObject({
      event: { session: { type: 'realtime', audio: { input: { turn_detection: null } } } },
    });
    expect(session({})).toEqual({
      ok: true,
      event: { type: 'session.update', event_id: 'e1', session: { type: 'realtime' } },
    });
    expect(session({ output_audio_format: 'pcm16' })).toMatchObject({
      event: { session: { audio: { output: { format: { type: 'audio/pcm', rate: 24_000 } } } } },
    });
  });

  it.each<[string, Record<string, unknown>, string, string]>([
    ['a type', { type: 'realtime' }, 'unknown_parameter', 'session.type'],
    ['GA’s audio', { audio: { output: { voice: 'alloy' } } }, 'unknown_parameter', 'session.audio'],
    ['GA’s modalities', { output_modalities: ['audio'] }, 'unknown_parameter', 'session.output_modalities'],
    ['GA’s limit', { max_output_tokens: 'inf' }, 'unknown_parameter', 'session.max_output_tokens'],
    ['what is new in GA', { tracing: 'auto' }, 'unknown_parameter', 'session.tracing'],
    ['an unknown field', { volume: 11 }, 'unknown_parameter', 'session.volume'],
    [
      'a format of GA',
      { input_audio_format: { type: 'audio/pcm', rate: 24_000 } },
      'invalid_value',
      'session.input_audio_format',
    ],
    ['another format', { output_audio_format: 'opus' }, 'invalid_value', 'session.output_audio_format'],
    ['audio without its text', { modalities: ['audio'] }, 'invalid_value', 'session.modalities'],
    ['modalities of another type', { modalities: 'text' }, 'invalid_value', 'session.modalities'],
    ['a temperature of another type', { temperature: 'hot' }, 'invalid_value', 'session.temperature'],
  ])('is refused by its own name where it is %s', (_what, fields, code, param) => {
    expect(session(fields)).toEqual({
      ok: false,
      error: { type: 'invalid_request_error', code, param, message: expect.stringContaining(`'${param}'`) },
      eventId: 'e1',
    });
  });

  it('of an answer’s text is `text`, and a name of GA is refused', () => {
    expect(item({ type: 'text', text: 'Hi.' })).toMatchObject({
      event: { item: { content: [{ type: 'output_text', text: 'Hi.' }] } },
    });
    expect(item({ type: 'input_text', text: 'Hi.' }, 'user')).toMatchObject({
      event: { item: { content: [{ type: 'input_text', text: 'Hi.' }] } },
    });
    expect(item({ type: 'output_text', text: 'Hi.' })).toMatchObject({
      ok: false,
      error: { code: 'unsupported_content_type', param: 'item.content[0].type' },
    });
  });

  it('of an item may say what kind of object it is', () => {
    const content = [{ type: 'input_text', text: 'Hi.' }];
    expect(
      read({
        type: 'conversation.item.create',
        item: { object: 'realtime.item', type: 'message', role: 'user', content },
      }),
    ).toMatchObject({ ok: true, event: { item: { type: 'message', role: 'user', content } } });
  });

  it('of a response becomes the same of GA; how warm it is to be is nobody’s business', () => {
    const parsed = read({
      type: 'response.create',
      response: { instructions: 'Be brief.', metadata: { a: 'b' }, temperature: 0.9 },
    });
    expect(parsed).toEqual({
      ok: true,
      event: { type: 'response.create', response: { instructions: 'Be brief.', metadata: { a: 'b' } } },
    });
    expect(read({ type: 'response.create', response: { output_modalities: ['text'] } })).toMatchObject({
      ok: false,
      error: { code: 'unknown_parameter', param: 'response.output_modalities' },
    });
    expect(read({ type: 'response.create' })).toEqual({ ok: true, event: { type: 'response.create' } });
  });

  it('that is the same in both goes through', () => {
    const event = { type: 'response.cancel', event_id: 'c', response_id: 'resp_1' };
    expect(read(event)).toEqual({ ok: true, event });
  });

  it('is a ping, which no other dialect has', () => {
    expect(read({ type: 'ping', event_id: 'p' })).toEqual({ ok: true, event: { type: 'parley.ping', event_id: 'p' } });
  });

  it.each(['parley.ping', 'parley.interrupt', 'parley.transcript.final', 'session.close'])(
    'is never an event of Parley’s: %s',
    (type) => {
      expect(read({ type, text: 'x' })).toMatchObject({ ok: false, error: { code: 'unknown_event', param: 'type' } });
    },
  );

  it.each(['{', '[]', '"x"', '1', 'null'])('is refused as GA refuses it where it is no event: %s', (text) => {
    expect(dialect.read(text)).toMatchObject({ ok: false, error: { code: 'invalid_json', param: null } });
  });

  it('is left for GA to refuse where its session is no object', () => {
    expect(read({ type: 'session.update', session: [] })).toMatchObject({ error: { param: 'session' } });
    expect(read({ type: 'session.update' })).toMatchObject({
      error: { code: 'missing_required_parameter', param: 'session' },
    });
  });

  it('leaves no way to the prototype of anything', () => {
    const text = '{"type":"session.update","session":{"__proto__":{"voice":"x"}}}';
    expect(dialect.read(text)).toMatchObject({ ok: false, error: { code: 'unknown_parameter' } });
    expect({}).not.toHaveProperty('voice');
  });
});

describe('what a client of the older dialect is told', () => {
  it('of its session is flat, and has nothing that is new in GA', () => {
    expect(told({ type: 'session.created', session: GA_SESSION })).toEqual({
      type: 'session.created',
      session: {
        id: 'sess_1',
        object: 'realtime.session',
        model: 'm',
        expires_at: 7,
        modalities: ['audio', 'text'],
        instructions: 'Be brief.',
        voice: 'alloy',
        speed: 1,
        input_audio_format: 'g711_alaw',
        output_audio_format: 'pcm16',
        input_audio_transcription: null,
        input_audio_noise_reduction: { type: 'near_field' },
        turn_detection: { type: 'server_vad', threshold: 0.5 },
        tools: [],
        tool_choice: 'auto',
        temperature: 0.8,
        max_response_output_tokens: 'inf',
      },
    });
  });

  it('of the temperature is what it said itself, unless that was refused', () => {
    session({ temperature: 0.6 });
    session({ temperature: 1.1, volume: 11 });
    expect(told({ type: 'session.updated', session: GA_SESSION })).toMatchObject({ session: { temperature: 0.6 } });
    expect(new BetaDialect().told({ type: 'session.updated', session: GA_SESSION })).toMatchObject({
      session: { temperature: 0.8 },
    });
  });

  it('of text alone says so', () => {
    expect(told({ type: 'session.updated', session: { ...GA_SESSION, output_modalities: ['text'] } })).toMatchObject({
      session: { modalities: ['text'] },
    });
  });

  it.each([
    ['response.output_audio.delta', 'response.audio.delta'],
    ['response.output_audio.done', 'response.audio.done'],
    ['response.output_audio_transcript.delta', 'response.audio_transcript.delta'],
    ['response.output_audio_transcript.done', 'response.audio_transcript.done'],
    ['response.output_text.delta', 'response.text.delta'],
    ['response.output_text.done', 'response.text.done'],
    ['conversation.item.added', 'conversation.item.created'],
    ['conversation.item.truncated', 'conversation.item.truncated'],
    ['response.function_call_arguments.done', 'response.function_call_arguments.done'],
    ['rate_limits.updated', 'rate_limits.updated'],
    ['parley.pong', 'pong'],
  ])('%s is called %s', (ga, beta) => {
    expect(told({ type: ga, delta: 'x' })).toEqual({ type: beta, delta: 'x' });
  });

  it.each(['conversation.item.done', 'parley.state', 'parley.session', 'parley.going_away'])(
    '%s does not exist',
    (type) => {
      expect(told({ type })).toBeUndefined();
    },
  );

  it('of a response has its fields and the content of its items by their older names', () => {
    const content = [{ type: 'output_audio', transcript: 'Hi.' }];
    const output = [
      { id: 'item_1', type: 'message', status: 'completed', role: 'assistant', content },
      { id: 'item_2', type: 'function_call', name: 'f', arguments: '{}' },
    ];
    const response = {
      ...{ object: 'realtime.response', id: 'resp_1', status: 'completed', status_details: null, output },
      ...{ conversation_id: 'conv_1', output_modalities: ['audio'], max_output_tokens: 'inf' },
      audio: { output: { format: { type: 'audio/pcmu' }, voice: 'alloy' } },
      ...{ usage: { total_tokens: 1, input_token_details: { text_tokens: 1, image_tokens: 0 } }, metadata: null },
    };
    expect(told({ type: 'response.done', response })).toEqual({
      type: 'response.done',
      response: {
        ...{ object: 'realtime.response', id: 'resp_1', status: 'completed', status_details: null },
        output: [
          { ...output[0], object: 'realtime.item', content: [{ type: 'audio', transcript: 'Hi.' }] },
          { ...output[1], object: 'realtime.item' },
        ],
        ...{ conversation_id: 'conv_1', modalities: ['audio', 'text'], max_output_tokens: 'inf' },
        ...{ voice: 'alloy', output_audio_format: 'g711_ulaw' },
        ...{ usage: { total_tokens: 1, input_token_details: { text_tokens: 1 } }, metadata: null },
      },
    });
  });

  it('of an item names the content of answers alone differently', () => {
    const parts = ['output_text', 'output_audio', 'input_text', 'input_audio'].map((type) => ({ type }));
    expect(told({ type: 'conversation.item.added', item: { id: 'i', content: parts } })).toEqual({
      type: 'conversation.item.created',
      item: {
        object: 'realtime.item',
        id: 'i',
        content: [{ type: 'text' }, { type: 'audio' }, { type: 'input_text' }, { type: 'input_audio' }],
      },
    });
  });

  it('an error names a field of GA as such, which the client sent although there is none here', () => {
    const refused = session({ output_modalities: ['audio'] });
    const error = refused.ok ? {} : { ...refused.error, event_id: 'e1' };
    expect(told({ type: 'error', error })).toEqual({ type: 'error', error });
  });

  it.each([
    ['session.audio.output.voice', 'session.voice'],
    ['session.audio.output.speed', 'session.speed'],
    ['session.audio.input.turn_detection.threshold', 'session.turn_detection.threshold'],
    ['session.audio.input.transcription.model', 'session.input_audio_transcription.model'],
    ['session.output_modalities', 'session.modalities'],
    ['session.max_output_tokens', 'session.max_response_output_tokens'],
    ['response.audio.output.format', 'response.output_audio_format'],
    ['session.instructions', 'session.instructions'],
    [null, null],
  ])('an error in %s names %s, which the client sent', (param, named) => {
    const error = { code: 'invalid_value', message: `Invalid value for '${param}': no.`, param, event_id: 'e' };
    expect(told({ type: 'error', error })).toEqual({
      type: 'error',
      error: { code: 'invalid_value', message: `Invalid value for '${named}': no.`, param: named, event_id: 'e' },
    });
  });
});

describe('a voice that cannot be had', () => {
  const error = (code: string): ClientEventBody => ({ type: 'error', error: { code, message: 'No.', param: null } });

  it('is an error for clients of parley.v1 alone', () => {
    const tolds = [gaDialect({ parley: true }), gaDialect({ parley: false }), dialect].map((each) =>
      ['tts_unavailable', 'llm_unavailable'].map((code) => each.told(error(code)) !== undefined),
    );
    expect(tolds).toEqual([
      [true, true],
      [false, true],
      [false, true],
    ]);
  });
});

describe('PROTOCOL.md, "The older dialect"', () => {
  const document = readFileSync(join(__dirname, '../../../../contracts/PROTOCOL.md'), 'utf8');
  const section = document.slice(document.indexOf('### The older dialect'), document.indexOf('\n## 4.'));
  const rows = [...section.matchAll(/^\| (?:`([\w.]+)`|–) +\| `([\w.]+)` +\|$/gm)].map(([, beta, ga]) => [beta, ga]);

  it('has every name that differs and no other', () => {
    const events = [...EVENT_TYPES].filter(([ga]) => !ga.startsWith('parley.')).map(([ga, beta]) => [beta, ga]);
    const fields = [...PLACES].map(([beta, place]) => [beta, place.join('.')]);
    const gone = NEW_EVENTS.map((ga) => [undefined, ga]);
    expect(new Set(rows.map(String))).toEqual(new Set([...events, ...fields, ...gone].map(String)));
  });

  it('says how to ask for it', () => {
    expect(section).toContain(`\`${BETA_PATH}?api-version=…&deployment=…\``);
    expect(section).toContain(`\`${BETA_SUBPROTOCOL}\``);
  });
});
