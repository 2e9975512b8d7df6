import type { ClientEvent, OwnerOutput } from '@parley/model';
import { PeerWatch } from '@parley/service-link';
import { ClientSession } from './client-session';
import { dialectOf } from './dialects/upgrade';
import {
  announceOf,
  endOf,
  GatewayStage,
  interruptedOf,
  OwnerDouble,
  SESSION,
  TestConnection,
  textOf,
  type ChunkOptions,
} from './gateway-stage.fixture';
import { SessionLink } from './link/session-link';

let stage: GatewayStage;
let owner: OwnerDouble;
let peers: PeerWatch;
let connection: TestConnection;
let session: ClientSession;
let overs: number;

async function open(parley = true): Promise<void> {
  stage = new GatewayStage();
  owner = new OwnerDouble(stage);
  const { bus, system, log, telemetry } = stage;
  peers = new PeerWatch(bus, system, 'gw_one');
  const ports = { bus, system, log, telemetry };
  const link = new SessionLink(ports, 'gw_one', peers, SESSION, log);
  await stage.now(link.attach({ kind: 'new', connection: { parley, model: null } }));
  connection = new TestConnection();
  overs = 0;
  session = new ClientSession(
    ports,
    link,
    connection,
    { dialect: dialectOf(parley ? 'parley' : 'ga'), parley, binary: false },
    [{ type: 'session.created' }],
    undefined,
    log,
    () => overs++,
  );
}

beforeEach(() => open());
afterEach(async () => {
  session.onClosed(1000);
  await stage.pass(5_000);
  expect(overs).toBe(1);
  peers.close();
  await stage.pass(1_000);
  expect(stage.system.pendingTimers).toBe(0);
});

const send = (event: ClientEvent | Record<string, unknown>): void => session.onText(JSON.stringify(event));
const says = (text: string): void => send({ type: 'parley.transcript.final', text });
const emit = (...outputs: OwnerOutput[]): void => {
  for (const output of outputs) owner.emit(output);
};
const audio = (options: ChunkOptions): void => owner.audio(options);
const kinds = (): string[] => owner.inputs.map(({ input }) => input.kind);
const reportTimes = (): number[] => owner.reports.map(({ atMs }) => atMs);
const observed = (name: string): number[] =>
  stage.telemetry.observed.flatMap((each) => (each.name === name ? [each.seconds] : []));

describe('what a client sends', () => {
  it('goes to the owner in order, with the ids that the engine needs', async () => {
    says('Hello');
    send({ type: 'response.create', event_id: 'mine' });
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
    send(event);
    await stage.pass();
    expect(owner.inputs).toMatchObject([{ input }]);
  });

  it('tells with speech, and with words, where the client’s ear was', async () => {
    emit(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 2400 });
    await stage.pass(50);
    send({ type: 'parley.speech.started' });
    await stage.pass(50);
    send({ type: 'parley.transcript.partial', turn_id: 't2', text: 'wait' });
    await stage.pass();
    expect(owner.inputs).toMatchObject([
      { input: { delivery: [{ ordinal: 1, playedSamples: 1200 }] } },
      { input: { delivery: [{ ordinal: 1, playedSamples: 2400 }] } },
    ]);
  });

  it('and cannot be accepted goes through the owner too, so that errors keep their order', async () => {
    says('Hello');
    session.onText('nonsense');
    send({ type: 'parley.unknown', event_id: 'mine' });
    await stage.pass();
    expect(kinds()).toEqual(['final-transcript', 'message-refused', 'message-refused']);
    expect(owner.inputs.map(({ clientEventId }) => clientEventId)).toEqual([undefined, undefined, 'mine']);
    expect(connection.types).toEqual(['session.created']);
  });

  it('in binary closes the connection', async () => {
    session.onBinary();
    await stage.pass();
    expect(connection.closes).toEqual([{ code: 1003, reason: 'events are JSON text frames' }]);
    expect(kinds()).toEqual(['disconnected']);
  });

  it('while more than 512 events wait for their owner closes the connection once, with a reason', async () => {
    owner.onInput = () => undefined;
    for (let n = 0; n < 600; n++) send({ type: 'response.create' });
    expect(connection.closes).toEqual([{ code: 1008, reason: 'too many messages at once' }]);
    await stage.pass();
    expect(owner.inputs).toHaveLength(513);
    expect(owner.inputs.at(-1)?.input).toEqual({ kind: 'disconnected', reason: 'client' });
  });

  it('after its end was ordered is not listened to', async () => {
    emit({ kind: 'disconnect', closeCode: 1000, reason: 'session idle' });
    await stage.pass();
    says('Hello');
    send({ type: 'parley.ping' });
    session.onText('nonsense');
    await stage.pass(1_000);
    expect(owner.inputs).toEqual([]);
    expect(connection.types).toEqual(['session.created']);
  });

  it('as a ping is answered here, behind the greeting', async () => {
    send({ type: 'parley.ping' });
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
    send(event);
    await stage.pass();
    expect(sizes).toHaveLength(1);
    expect(Math.max(...sizes)).toBeLessThan(0.3 * BUS_MAX_BYTES);
    expect(connection.closes).toEqual([]);
  });

  it('is refused in its place where it would be larger, and the client goes on', async () => {
    for (const [, event] of sent.slice(-2)) send({ ...event, event_id: 'mine' });
    says('Hello');
    await stage.pass();
    expect(kinds()).toEqual(['message-refused', 'message-refused', 'final-transcript']);
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
    says('Hello');
    broken.mockRestore();
    await stage.pass();
    expect(connection.closes).toEqual([{ code: 1011, reason: 'internal error' }]);
    expect(kinds()).toEqual(['disconnected']);
    expect(stage.log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});

describe('an interrupt', () => {
  beforeEach(async () => {
    says('Hello');
    emit(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 24_000 });
    await stage.pass(300);
  });

  it('tells what was delivered and played until that moment, and fences before it is answered', async () => {
    send({ type: 'parley.interrupt' });
    audio({ firstSample: 24_000, samples: 2_400 });
    await stage.pass();
    expect(owner.inputs.at(-1)?.input).toMatchObject({
      kind: 'interrupted',
      writtenOrdinal: 1,
      delivery: [{ ordinal: 1, segments: [{ samples: 24_000 }], playedSamples: 7_200 }],
    });
    expect(connection.of('response.output_audio.delta')).toHaveLength(1);
    expect(observed('parley_interrupt_fence_seconds')).toEqual([0]);
  });

  it('is measured until its confirmation was written, one refused before it left out', async () => {
    send({ type: 'parley.interrupt' });
    await stage.pass(40);
    const error = { type: 'invalid_request_error', code: 'nothing_to_interrupt', message: '', param: null } as const;
    emit({ kind: 'error', error });
    await stage.pass(5_000);
    send({ type: 'parley.interrupt' });
    await stage.pass(50);
    emit(interruptedOf(1));
    await stage.pass();
    expect(observed('parley_interrupt_confirmed_seconds')).toEqual([0.05]);
  });

  it('of the other API leaves the tail of an older response alone', async () => {
    audio({ firstSample: 24_000, samples: 0, last: true });
    emit(endOf(1), announceOf(2));
    await stage.pass();
    send({ type: 'response.cancel' });
    audio({ ordinal: 2 });
    await stage.pass();
    expect(kinds().at(-1)).toBe('response-cancelled');
    expect(connection.of('response.output_audio.delta')).toHaveLength(1);
    expect(owner.reports.at(-1)?.responses.map(({ ordinal }) => ordinal)).toEqual([1, 2]);
  });
});

describe('reports', () => {
  it('come at once with the first sample, with each segment’s end and with the closing events', async () => {
    emit(announceOf(1), textOf(1, 'Hello.'));
    await stage.pass(10);
    expect(owner.reports).toEqual([]);
    audio({ samples: 2_400 });
    await stage.pass(10);
    audio({ firstSample: 2_400, samples: 2_400 });
    await stage.pass(10);
    audio({ firstSample: 4_800, samples: 0, last: true });
    await stage.pass(10);
    emit(endOf(1));
    await stage.pass(10);
    expect(reportTimes()).toEqual([10, 30, 40]);
    expect(owner.reports.map(({ responses: [own] }) => [own?.segments, own?.closed])).toEqual([
      [[{ attempt: 1, samples: 2_400, last: false }], false],
      [[{ attempt: 1, samples: 4_800, last: true }], false],
      [[{ attempt: 1, samples: 4_800, last: true }], true],
    ]);
    expect(owner.reports.at(-1)?.acknowledgedOutSeq).toBe(3);
  });

  it('say at once that audio is missing, until another rendering has begun', async () => {
    emit(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 2_400 });
    await stage.pass(10);
    audio({ firstSample: 4_800, samples: 2_400 });
    audio({ firstSample: 7_200, samples: 2_400 });
    await stage.pass(10);
    const holes = (): unknown[] => owner.reports.map(({ responses: [own] }) => own?.holedAttempt);
    expect(reportTimes()).toEqual([0, 10]);
    expect(holes()).toEqual([null, 1]);
    await stage.pass(190);
    expect(holes()).toEqual([null, 1, 1]);
    audio({ attempt: 2, firstSample: 2_400, samples: 2_400, last: true });
    await stage.pass(10);
    expect(holes().at(-1)).toBeNull();
  });

  it('say at once that the link was away, and how often', async () => {
    emit(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 2_400 });
    await stage.pass(10);
    for (let loss = 1; loss <= 2; loss++) {
      stage.bus.disconnect();
      await stage.pass(50);
      stage.bus.reconnect();
      await stage.pass(10);
    }
    expect(owner.reports.map(({ linkLosses }) => linkLosses)).toEqual([0, 1, 2]);
    expect(owner.reports.at(-1)?.responses[0]).toMatchObject({ holedAttempt: null, segments: [{ samples: 2_400 }] });
  });

  it('of one moment are one', async () => {
    emit(announceOf(1), textOf(1, 'Hello.'), endOf(1));
    audio({ samples: 2_400, last: true });
    await stage.pass(10);
    expect(owner.reports).toHaveLength(1);
    expect(owner.reports).toMatchObject([{ responses: [{ closed: true }] }]);
  });

  it('come every 200 ms until the tail was played, and then end', async () => {
    emit(announceOf(1), textOf(1, 'Hello.'), endOf(1));
    audio({ samples: 24_000, last: true });
    await stage.pass(10_000);
    expect(reportTimes()).toEqual([0, 200, 400, 600, 800, 1_000]);
    expect(owner.reports.map(({ responses: [own] }) => own?.playedSamples)).toEqual([
      0, 4_800, 9_600, 14_400, 19_200, 24_000,
    ]);
  });

  it('acknowledge within 200 ms when nothing plays, and only then', async () => {
    await stage.pass(1_000);
    expect(owner.reports).toEqual([]);
    emit({ kind: 'event', event: { type: 'parley.state', state: 'listening' } });
    emit({ kind: 'event', event: { type: 'parley.state', state: 'listening' } });
    await stage.pass(200);
    expect(owner.reports).toMatchObject([{ acknowledgedOutSeq: 2, responses: [], atMs: 1_200 }]);
    await stage.pass(5_000);
    expect(owner.reports).toHaveLength(1);
  });

  it('acknowledge again what comes again: the first word on it was lost', async () => {
    const event = { kind: 'event', event: { type: 'parley.state', state: 'listening' } } as const;
    emit(event);
    await stage.pass(1_000);
    owner.publish({ epoch: 1, firstOutSeq: 1, outputs: [event] });
    await stage.pass(200);
    expect(owner.reports.map(({ acknowledgedOutSeq }) => acknowledgedOutSeq)).toEqual([1, 1]);
    expect(connection.of('parley.state')).toHaveLength(1);
  });

  it('follow a client’s word on its playback within 200 ms', async () => {
    emit(announceOf(1), textOf(1, 'Hello.'), endOf(1));
    audio({ samples: 24_000, last: true });
    await stage.pass(10);
    send({ type: 'parley.playback', response_id: 'resp_1', played_ms: 900 });
    await stage.pass(200);
    expect(owner.reports.at(-1)).toMatchObject({ responses: [{ playedSamples: 21_600 }] });
    send({ type: 'parley.playback', response_id: 'resp_1', played_ms: 1_000, ended: true });
    await stage.pass(200);
    expect(owner.reports.at(-1)).toMatchObject({ responses: [{ playedSamples: 24_000, ended: true }] });
    const { length } = owner.reports;
    await stage.pass(2_000);
    expect(owner.reports).toHaveLength(length);
  });

  it('end with the connection, whatever still comes', async () => {
    emit(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 24_000 });
    await stage.pass(10);
    owner.onInput = () => undefined;
    session.onClosed(1006);
    const { length } = owner.reports;
    audio({ firstSample: 24_000, samples: 2_400, last: true });
    emit(endOf(1));
    await stage.pass(3_000);
    expect(owner.reports).toHaveLength(length);
  });
});

describe('what only lives for a metric', () => {
  it('the first audio is measured from the turn that began it, also after refused ones', async () => {
    says('refused');
    await stage.pass(1_000);
    says('accepted');
    await stage.pass(300);
    emit(announceOf(1, { cause: { attachment: 1, seq: 2 } }), textOf(1, 'Hello.'));
    audio({});
    await stage.pass();
    expect(observed('parley_turn_first_audio_seconds')).toEqual([0.3]);
  });
});

describe('the end of a connection', () => {
  it.each([
    [1006, 'lost'],
    [1000, 'client'],
    [1005, 'client'],
    [1002, 'client'],
    [1009, 'client'],
    [1001, 'lost'],
  ])('by close code %i is told to the owner as %s, once', async (code, reason) => {
    session.onClosed(code);
    session.onClosed(1006);
    await stage.pass(100);
    expect(owner.inputs.map(({ input }) => input)).toEqual([{ kind: 'disconnected', reason }]);
    expect(overs).toBe(1);
  });

  it('by the gateway is a close code to the client and a word to the owner', async () => {
    session.shutDown();
    await stage.pass(100);
    session.shutDown();
    expect(connection.closes).toEqual([{ code: 1012, reason: 'the server is restarting' }]);
    expect(owner.inputs.map(({ input }) => input)).toEqual([{ kind: 'disconnected', reason: 'shutdown' }]);
    expect(overs).toBe(1);
  });

  it('by its owner needs no farewell: the session is looked for nowhere', async () => {
    emit({ kind: 'disconnect', closeCode: 1000, reason: 'session idle' });
    await stage.pass(100);
    expect(connection.closes).toEqual([{ code: 1000, reason: 'session idle' }]);
    expect(owner.inputs).toEqual([]);
    expect(owner.claims).toHaveLength(1);
    expect(overs).toBe(1);
  });

  it('waits for the owner’s answer 2 s at most', async () => {
    owner.onInput = () => undefined;
    session.onClosed(1006);
    await stage.pass(1_990);
    expect(overs).toBe(0);
    await stage.pass(50);
    expect(overs).toBe(1);
    expect(owner.inputs.length).toBeGreaterThan(1);
  });

  it('comes with a code when nobody carries the session', async () => {
    owner.onInput = () => ({ kind: 'old-attachment' });
    says('Hello');
    await stage.pass();
    expect(connection.closes[0]).toEqual({ code: 4001, reason: 'the session goes on with another connection' });
  });

  it('comes with a code for a client that reads too slowly', async () => {
    connection.bufferedBytes = 64 * 1024;
    emit(announceOf(1), textOf(1, 'Hello.'));
    await stage.pass();
    for (let n = 0; n < 60; n++) audio({ firstSample: n * 24_000, samples: 24_000 });
    await stage.pass();
    expect(connection.closes).toEqual([{ code: 1008, reason: 'the client reads too slowly' }]);
    expect(owner.inputs.map(({ input }) => input)).toEqual([{ kind: 'disconnected', reason: 'client' }]);
  });

  it('is a cut after two pings without an answer', () => {
    session.checkAlive();
    session.checkAlive();
    session.onPong();
    session.checkAlive();
    session.checkAlive();
    expect(connection.terminated).toBe(false);
    session.checkAlive();
    expect(connection.terminated).toBe(true);
    expect(connection.pings).toBe(4);
  });

  it('[G2] comes also when the owner has ended the session without a word, while the client waits for it', async () => {
    emit({ kind: 'event', event: { type: 'parley.state', state: 'thinking' } });
    await stage.pass(300);
    owner.onClaim = () => ({ kind: 'gone' });
    session.checkAlive();
    await stage.pass(2_000);
    expect(connection.closes).toEqual([{ code: 1011, reason: 'the session is over' }]);
  });

  it('[G2] comes also when the owner has applied an input and ended the session, and its answer was lost', async () => {
    says('Hello');
    await stage.pass(300);
    owner.onClaim = () => ({ kind: 'gone' });
    session.checkAlive();
    await stage.pass(2_000);
    expect(connection.closes).toEqual([{ code: 1011, reason: 'the session is over' }]);
  });

  it('[G2] is looked for at every check as long as an input is not answered', async () => {
    owner.onInput = () => undefined;
    says('Hello');
    for (let n = 1; n <= 5; n++) {
      const { length } = owner.claims;
      session.checkAlive();
      session.onPong();
      await stage.pass(15_000);
      expect(owner.claims).toHaveLength(length + 1);
    }
  });

  it('is not looked for while the client waits for nothing', async () => {
    emit({ kind: 'event', event: { type: 'parley.state', state: 'listening' } });
    await stage.pass(300);
    const { length } = owner.claims;
    session.checkAlive();
    await stage.pass(2_000);
    expect(owner.claims).toHaveLength(length);
  });
});
