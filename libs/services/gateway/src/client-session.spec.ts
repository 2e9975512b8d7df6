import type { ClientSession } from './client-session';
import { ConnectedClient } from './connected-client.fixture';
import {
  announceOf,
  endOf,
  interruptedOf,
  textOf,
  type OwnerDouble,
  type TestConnection,
} from './gateway-stage.fixture';
import { LinkStage } from './link/link-stage.fixture';

let stage: LinkStage;
let owner: OwnerDouble;
let client: ConnectedClient;
let connection: TestConnection;
let session: ClientSession;

beforeEach(async () => {
  stage = new LinkStage();
  client = await ConnectedClient.of(stage);
  ({ owner } = stage);
  ({ connection, session } = client);
});
afterEach(() => client.end());

describe('what a client sends', () => {
  it('goes to the owner in order, with the ids that the engine needs', async () => {
    client.says('Hello');
    client.send({ type: 'response.create', event_id: 'mine' });
    await stage.pass();
    expect(owner.inputs).toMatchObject([
      {
        seq: 1,
        input: {
          kind: 'final-transcript',
          text: 'Hello',
          turnId: expect.stringMatching(/^turn_/),
          itemId: expect.stringMatching(/^item_/),
          responseId: expect.stringMatching(/^resp_/),
          answerId: expect.stringMatching(/^item_/),
        },
      },
      { seq: 2, clientEventId: 'mine', input: { kind: 'response-requested', options: {} } },
    ]);
  });

  it.each([
    [{ type: 'parley.speech.started' }, { kind: 'speech-started', delivery: [] }],
    [{ type: 'parley.speech.stopped' }, { kind: 'speech-stopped' }],
    [
      { type: 'parley.transcript.partial', turn_id: 't1', text: 'wait' },
      { kind: 'partial-transcript', turnId: 't1', text: 'wait', delivery: [] },
    ],
    [
      {
        type: 'conversation.item.create',
        item: { type: 'function_call_output', id: 'out_1', call_id: 'call_1', output: '22 °C' },
      },
      { kind: 'call-answered', itemId: 'out_1', callId: 'call_1', output: '22 °C' },
    ],
    [
      {
        type: 'session.update',
        session: {
          type: 'realtime',
          tools: [{ type: 'function', name: 'weather', description: 'x' }],
          tool_choice: { type: 'function', name: 'weather' },
        },
      },
      {
        kind: 'session-updated',
        patch: { tools: [{ name: 'weather', description: 'x' }], toolChoice: { name: 'weather' } },
      },
    ],
    [
      { type: 'parley.mute', muted: true },
      { kind: 'mute-changed', muted: true },
    ],
    [
      { type: 'parley.say', text: 'Hi', interruptible: false },
      { kind: 'said', text: 'Hi', interruptible: false, responseId: expect.stringMatching(/^resp_/) },
    ],
    [
      { type: 'parley.policy.update', policy: { min_speech_ms: 300, away_prompt: null } },
      { kind: 'policy-updated', patch: { minSpeechMs: 300, awayPrompt: null } },
    ],
  ])('is a fact to the owner: %j', async (event, input) => {
    client.send(event);
    await stage.pass();
    expect(owner.inputs).toMatchObject([{ input }]);
  });

  it('tells with speech, and with words, where the client’s ear was', async () => {
    owner.emitAll(announceOf(1), textOf(1, 'Hello.'));
    owner.audio({ samples: 2400 });
    await stage.pass(50);
    client.send({ type: 'parley.speech.started' });
    await stage.pass(50);
    client.send({ type: 'parley.transcript.partial', turn_id: 't2', text: 'wait' });
    await stage.pass();
    expect(owner.inputs).toMatchObject([
      { input: { delivery: [{ ordinal: 1, playedSamples: 1200 }] } },
      { input: { delivery: [{ ordinal: 1, playedSamples: 2400 }] } },
    ]);
  });

  it('and cannot be accepted goes through the owner too, so that errors keep their order', async () => {
    client.says('Hello');
    session.onText('nonsense');
    client.send({ type: 'parley.unknown', event_id: 'mine' });
    await stage.pass();
    expect(owner.inputKinds).toEqual(['final-transcript', 'message-refused', 'message-refused']);
    expect(owner.inputs.map(({ clientEventId }) => clientEventId)).toEqual([undefined, undefined, 'mine']);
    expect(connection.types).toEqual(['session.created']);
  });

  it('in binary closes the connection', async () => {
    session.onBinary();
    await stage.pass();
    expect(connection.closes).toEqual([{ code: 1003, reason: 'events are JSON text frames' }]);
    expect(owner.inputKinds).toEqual(['disconnected']);
  });

  it('while more than 512 events wait for their owner closes the connection once, with a reason', async () => {
    owner.onInput = () => undefined;
    for (let n = 0; n < 600; n++) client.send({ type: 'response.create' });
    expect(connection.closes).toEqual([{ code: 1008, reason: 'too many messages at once' }]);
    await stage.pass();
    expect(owner.inputs).toHaveLength(513);
    expect(owner.inputs.at(-1)?.input).toEqual({ kind: 'disconnected', reason: 'client' });
  });

  it('after its end was ordered is not listened to', async () => {
    owner.emit({ kind: 'disconnect', closeCode: 1000, reason: 'session idle' });
    await stage.pass();
    client.says('Hello');
    client.send({ type: 'parley.ping' });
    session.onText('nonsense');
    await stage.pass(1_000);
    expect(owner.inputs).toEqual([]);
    expect(connection.types).toEqual(['session.created']);
  });

  it('as a ping is answered here, behind the greeting', async () => {
    client.send({ type: 'parley.ping' });
    expect(connection.types).toEqual(['session.created', 'parley.pong']);
  });
});

describe('the largest that a client can send', () => {
  /** As the bus carries by default; half of it is the least that one may be set to. */
  const BUS_MAX_BYTES = 1_048_576;
  const CJK = '語'.repeat(32_768);
  /** Six bytes a character. */
  const CONTROL = '\u0001'.repeat(32_768);
  const MANY = Array.from({ length: 512 }, () => ({ type: 'function_call', name: 'f', arguments: '' }));
  const toolOf = (parameters: object) => ({ type: 'function', name: 'f', parameters });
  const sent: [string, Record<string, unknown>][] = [
    ['an item in Chinese', itemOf(CJK)],
    ['an item of control characters', itemOf(CONTROL)],
    ['a transcript', { type: 'parley.transcript.partial', turn_id: 't', text: CONTROL }],
    ['a policy', { type: 'parley.policy.update', policy: { away_prompt: CONTROL } }],
    ['a response with what it answers', { type: 'response.create', response: { input: MANY, instructions: CONTROL } }],
    ['tools', update({ tools: [toolOf({ a: 'x'.repeat(260_000) })] })],
    ['tools with numbers', update({ tools: [toolOf({ a: Array.from({ length: 11_000 }, () => 1e20) })] })],
    ['too many texts', update({ instructions: CONTROL, audio: { input: { transcription: { prompt: CONTROL } } } })],
    ['tools with more numbers', update({ tools: [toolOf({ a: Array.from({ length: 60_000 }, () => 1e20) })] })],
  ];

  function itemOf(text: string): Record<string, unknown> {
    const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
    return { type: 'conversation.item.create', item };
  }
  function update(fields: object): Record<string, unknown> {
    return { type: 'session.update', session: { type: 'realtime', ...fields } };
  }

  it.each(sent)('goes to the owner far below what the bus carries, or as its refusal: %s', async (_what, event) => {
    const sizes: number[] = [];
    stage.link().subscribe('session.*.*.in', ({ payload }) => sizes.push(payload.byteLength));
    client.send(event);
    await stage.pass();
    expect(sizes).toHaveLength(1);
    expect(Math.max(...sizes)).toBeLessThan(0.3 * BUS_MAX_BYTES);
    expect(connection.closes).toEqual([]);
  });

  it('is refused in its place where it would be larger, and the client goes on', async () => {
    for (const [, event] of sent.slice(-2)) client.send({ ...event, event_id: 'mine' });
    client.says('Hello');
    await stage.pass();
    expect(owner.inputKinds).toEqual(['message-refused', 'message-refused', 'final-transcript']);
    expect(owner.inputs).toMatchObject([
      { seq: 1, clientEventId: 'mine', input: { error: { param: 'session.audio' } } },
      { seq: 2, clientEventId: 'mine', input: { error: { code: 'invalid_value', param: 'session.tools' } } },
      { seq: 3 },
    ]);
  });
});

describe('an event that breaks something', () => {
  it('ends its connection, and not the process', async () => {
    const broken = jest.spyOn(stage.system.random, 'hex').mockImplementationOnce(() => {
      throw new Error('broken');
    });
    client.says('Hello');
    broken.mockRestore();
    await stage.pass();
    expect(connection.closes).toEqual([{ code: 1011, reason: 'internal error' }]);
    expect(owner.inputKinds).toEqual(['disconnected']);
    expect(stage.log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});

describe('an interrupt', () => {
  beforeEach(async () => {
    client.says('Hello');
    owner.emitAll(announceOf(1), textOf(1, 'Hello.'));
    owner.audio({ samples: 24_000 });
    await stage.pass(300);
  });

  it('tells what was delivered and played until that moment, and fences before it is answered', async () => {
    client.send({ type: 'parley.interrupt' });
    owner.audio({ firstSample: 24_000, samples: 2_400 });
    await stage.pass();
    expect(owner.inputs.at(-1)?.input).toMatchObject({
      kind: 'interrupted',
      writtenOrdinal: 1,
      delivery: [{ ordinal: 1, segments: [{ samples: 24_000 }], playedSamples: 7_200 }],
    });
    expect(connection.of('response.output_audio.delta')).toHaveLength(1);
    expect(stage.observed('parley_interrupt_fence_seconds')).toEqual([0]);
  });

  it('is measured until its confirmation was written, one refused before it left out', async () => {
    client.send({ type: 'parley.interrupt' });
    await stage.pass(40);
    const error = { type: 'invalid_request_error', code: 'nothing_to_interrupt', message: '', param: null } as const;
    owner.emit({ kind: 'error', error });
    await stage.pass(5_000);
    client.send({ type: 'parley.interrupt' });
    await stage.pass(50);
    owner.emit(interruptedOf(1));
    await stage.pass();
    expect(stage.observed('parley_interrupt_confirmed_seconds')).toEqual([0.05]);
  });

  it('of the other API leaves the tail of an older response alone', async () => {
    owner.audio({ firstSample: 24_000, samples: 0, last: true });
    owner.emitAll(endOf(1), announceOf(2));
    await stage.pass();
    client.send({ type: 'response.cancel' });
    owner.audio({ ordinal: 2 });
    await stage.pass();
    expect(owner.inputKinds.at(-1)).toBe('response-cancelled');
    expect(connection.of('response.output_audio.delta')).toHaveLength(1);
    expect(owner.reports.at(-1)?.responses.map(({ ordinal }) => ordinal)).toEqual([1, 2]);
  });
});

describe('what only lives for a metric', () => {
  it('the first audio is measured from the turn that began it, also after refused ones', async () => {
    client.says('refused');
    await stage.pass(1_000);
    client.says('accepted');
    await stage.pass(300);
    owner.emitAll(announceOf(1, { cause: { attachment: 1, seq: 2 } }), textOf(1, 'Hello.'));
    owner.audio({});
    await stage.pass();
    expect(stage.observed('parley_turn_first_audio_seconds')).toEqual([0.3]);
  });
});
