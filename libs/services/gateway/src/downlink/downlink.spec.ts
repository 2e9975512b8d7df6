import { VirtualSystem } from '@parley/harness';
import { decodeAudioFrame, type VisemesMessage } from '@parley/model';
import type { ClientOutput } from '../link/session-link';
import { gaDialect } from '../dialects/ga-dialect';
import { Downlink, type DownlinkOptions } from './downlink';
import {
  announceOf,
  chunkOf,
  endOf,
  interruptedOf,
  pcmOf,
  RecordingTelemetry,
  SESSION,
  TestConnection,
  textOf,
  type ChunkOptions,
} from '../gateway-stage.fixture';

let system: VirtualSystem;
let connection: TestConnection;
let telemetry: RecordingTelemetry;
let downlink: Downlink;
let told: string[];
let outSeq: number;

function connect(options: Partial<DownlinkOptions> = {}): void {
  system = new VirtualSystem();
  connection = new TestConnection();
  telemetry = new RecordingTelemetry();
  [told, outSeq] = [[], 0];
  downlink = new Downlink(
    system.clock,
    telemetry,
    connection,
    {
      dialect: gaDialect({ parley: options.parley ?? true }),
      parley: true,
      binary: false,
      conversationId: 'conv_1',
      ...options,
    },
    1,
    [],
    undefined,
    {
      onProgress: () => told.push('progress'),
      onDisconnectOrdered: (code, reason) => told.push(`disconnect ${code} ${reason}`),
      onOverflow: () => told.push('overflow'),
      askedAtMs: (seq) => (seq === 1 ? 0 : undefined),
    },
  );
}
beforeEach(() => connect());

function output(...outputs: ClientOutput[]): void {
  for (const each of outputs) downlink.output(each, { epoch: 1, outSeq: ++outSeq });
}
const audio = (options: ChunkOptions = {}): void => downlink.audio(chunkOf(options));
/** The announced response 1 with a text and one whole segment of audio. */
const spoken = (samples = 2400): void => {
  output(announceOf(1), textOf(1, 'Hello.'));
  audio({ samples, last: true });
};
const statuses = (): unknown[] =>
  connection.of('response.done').map((event) => (event['response'] as { status: unknown }).status);
const pcmOfDelta = (index: number): number[] => {
  const bytes = Buffer.from(String(connection.of('response.output_audio.delta')[index]?.['delta']), 'base64');
  return [...bytes];
};
const dropped = (reason: string): number => telemetry.counts.get(`parley_stale_chunks_dropped_total ${reason}`) ?? 0;
const visemesOf = (ordinal: number, segment = 0): VisemesMessage => ({
  sessionId: SESSION,
  epoch: 1,
  lane: 0,
  ordinal,
  attempt: 1,
  segment,
  visemes: [{ viseme: 'aa', startMs: 1, durationMs: 2 }],
});

const CLOSING = [
  'response.output_audio.done',
  'response.output_audio_transcript.done',
  'response.content_part.done',
  'conversation.item.done',
  'response.output_item.done',
  'response.done',
];
const OPENING = ['response.output_item.added', 'conversation.item.added', 'response.content_part.added'];

describe('one response', () => {
  it('is written in the order of the Realtime API, and closed after its last sample', () => {
    output(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 100 });
    output(endOf(1));
    expect(statuses()).toEqual([]);
    audio({ firstSample: 100, samples: 50, last: true });
    expect(connection.types).toEqual([
      'response.created',
      ...OPENING,
      'response.output_audio_transcript.delta',
      'response.output_audio.delta',
      'response.output_audio.delta',
      ...CLOSING,
    ]);
    expect(downlink.lastClosedOrdinal).toBe(1);
  });

  it('is closed at its end when that comes after the last sample', () => {
    spoken();
    output(endOf(1));
    expect(statuses()).toEqual(['completed']);
  });

  it('gives every event a number of its own: letters behind the owner’s, and the connection’s own', () => {
    spoken();
    output(endOf(1));
    const ids = connection.events.map((event) => event.event_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.slice(0, 6)).toEqual([
      'event_1_1',
      'event_1_2',
      'event_1_2_1',
      'event_1_2_2',
      'event_1_2_3',
      'event_1_2_a1n1',
    ]);
  });

  it('ends with an empty last chunk that writes nothing to a JSON client', () => {
    output(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 100 });
    output(endOf(1));
    audio({ firstSample: 100, samples: 0, last: true });
    expect(connection.of('response.output_audio.delta')).toHaveLength(1);
    expect(statuses()).toEqual(['completed']);
  });

  it('is forgotten when it was closed and played, and not before', async () => {
    spoken(2400);
    downlink.prune();
    output(endOf(1));
    await system.advanceBy(99);
    downlink.prune();
    expect(downlink.isActive).toBe(true);
    await system.advanceBy(1);
    expect(downlink.deliveries()).toMatchObject([{ ordinal: 1, playedSamples: 2400, closed: true }]);
    downlink.prune();
    expect(downlink.isActive).toBe(false);
    expect(downlink.deliveries()).toEqual([]);
  });
});

describe('a response in G.711', () => {
  const PCMU = { format: { type: 'audio/pcmu' } } as const;
  const deltas = (): { bytes: Buffer; segment: unknown; firstSample: unknown }[] =>
    connection.of('response.output_audio.delta').map((event) => ({
      bytes: Buffer.from(String(event['delta']), 'base64'),
      segment: event['segment'],
      firstSample: event['first_sample'],
    }));
  const bytesOf = (): number => deltas().reduce((sum, { bytes }) => sum + bytes.length, 0);

  it('is a byte for every third sample, the last ones before the closing events', () => {
    connect({ parley: false });
    output(announceOf(1, PCMU), textOf(1, 'Hello.'), textOf(1, 'You.', 1));
    audio({ samples: 1_000, last: true });
    audio({ segment: 1, samples: 501, last: true });
    expect(bytesOf()).toBeLessThan(501);
    output(endOf(1, { segments: 2, spokenSegments: 2 }));
    expect(bytesOf()).toBe(501);
    expect(connection.types.slice(-CLOSING.length - 1)).toEqual(['response.output_audio.delta', ...CLOSING]);
    expect(deltas()[0]).toMatchObject({ segment: undefined, firstSample: undefined });
  });

  it('keeps its format when the next one has another', () => {
    connect({ parley: false });
    output(announceOf(1, PCMU), textOf(1, 'Hello.'));
    audio({ samples: 900, last: true });
    output(endOf(1), announceOf(2), textOf(2, 'You.'));
    audio({ ordinal: 2, samples: 900, last: true });
    expect(deltas().at(-1)?.bytes).toHaveLength(1_800);
    expect(bytesOf()).toBe(300 + 1_800);
  });

  it('says nothing more once it is fenced, not even what its coding still held', () => {
    output(announceOf(1, PCMU), textOf(1, 'Hello.'));
    audio({ samples: 900 });
    const before = bytesOf();
    downlink.fence({ responseId: undefined, live: true, tails: true }, 2);
    output(interruptedOf(1));
    expect(before).toBeGreaterThan(0);
    expect(bytesOf()).toBe(before);
  });

  it('that is closed by its deadline gives out what its coding still held', () => {
    connect({ parley: false });
    output(announceOf(1, PCMU), textOf(1, 'Hello.'));
    audio({ samples: 900 });
    output({ kind: 'close', lane: 0, ordinal: 1 });
    expect(bytesOf()).toBe(300);
  });

  it('waits with its last bytes behind what waits for the socket', () => {
    connect({ parley: false });
    output(announceOf(1, PCMU), textOf(1, 'Hello.'));
    connection.bufferedBytes = 64 * 1024;
    audio({ samples: 900 });
    output({ kind: 'close', lane: 0, ordinal: 1 });
    expect(bytesOf()).toBe(0);
    connection.bufferedBytes = 0;
    downlink.onWritable();
    expect(bytesOf()).toBe(300);
    expect(connection.types.at(-1)).toBe('response.done');
  });

  it('counts for a client of parley.v1 in samples of 24 kHz, and ends with each segment', () => {
    output(announceOf(1, PCMU), textOf(1, 'Hello.'), textOf(1, 'You.', 1));
    audio({ samples: 1_000, last: true });
    audio({ segment: 1, samples: 500, last: true });
    const bySegment = [0, 1].map((segment) => deltas().filter((delta) => delta.segment === segment));
    for (const [segment, samples] of [1_000, 500].entries()) {
      let next = 0;
      for (const { firstSample, bytes } of bySegment[segment] ?? []) {
        expect(firstSample).toBe(next);
        next += 3 * bytes.length;
      }
      expect(next).toBe(3 * Math.ceil(samples / 3));
    }
  });

  it('comes as PCM in binary frames all the same', () => {
    connect({ binary: true });
    output(announceOf(1, PCMU), textOf(1, 'Hello.'));
    audio({ samples: 900, last: true });
    output(endOf(1));
    expect(connection.binaries).toHaveLength(1);
    expect(decodeAudioFrame(connection.binaries[0] ?? new Uint8Array())).toMatchObject({
      value: { pcm: pcmOf(0, 900) },
    });
    expect(connection.of('response.output_audio.delta')).toEqual([]);
  });
});

describe('audio before the owner’s word on its segment', () => {
  it('is held, and written right after the segment’s text in its order', () => {
    audio({ ordinal: 2, samples: 10 });
    audio({ ordinal: 2, firstSample: 10, samples: 10, last: true });
    expect(connection.frames).toEqual([]);
    output(announceOf(2));
    expect(connection.types).toEqual(['response.created']);
    output(textOf(2, 'Hello.'));
    expect(connection.types.slice(1)).toEqual([
      ...OPENING,
      'response.output_audio_transcript.delta',
      'response.output_audio.delta',
      'response.output_audio.delta',
    ]);
    output(endOf(2));
    expect(connection.types.slice(7)).toEqual(CLOSING);
  });

  it('of a later segment waits for the text of that segment', () => {
    output(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 10, last: true });
    audio({ segment: 1, samples: 10 });
    audio({ segment: 2, samples: 10 });
    expect(connection.of('response.output_audio.delta')).toHaveLength(1);
    output(textOf(1, 'You.', 1));
    expect(connection.of('response.output_audio.delta')).toHaveLength(2);
  });

  it('is let go with its response when that is interrupted', () => {
    output(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 10, last: true });
    audio({ segment: 1, samples: 10 });
    downlink.fence({ responseId: undefined, live: true, tails: true }, 2);
    output(textOf(1, 'You.', 1), interruptedOf(1));
    expect(connection.of('response.output_audio.delta')).toHaveLength(1);
    expect(dropped('fence')).toBe(1);
  });

  it('of a later response stays held at the announcement of an earlier one, that of an earlier one is let go', () => {
    audio({ ordinal: 1 });
    audio({ ordinal: 3 });
    output(announceOf(2), textOf(2, 'Hello.'));
    expect(connection.of('response.output_audio.delta')).toEqual([]);
    output(announceOf(3), textOf(3, 'Hello.'));
    expect(connection.types.at(-1)).toBe('response.output_audio.delta');
    audio({ ordinal: 1 });
    expect(dropped('fence')).toBe(1);
  });

  it('is bounded: beyond 1 MB it is dropped', () => {
    for (let n = 0; n < 30; n++) audio({ ordinal: 1, firstSample: n * 24_000, samples: 24_000 });
    expect(dropped('fence')).toBe(30 - 22);
    output(announceOf(1), textOf(1, 'Hello.'));
    expect(connection.of('response.output_audio.delta')).toHaveLength(22);
  });

  it('of an older owner is let go when a new one takes over', () => {
    audio({ ordinal: 1 });
    downlink.ownerChanged(({ epoch }) => epoch > 1);
    output(announceOf(1), textOf(1, 'Hello.'));
    expect(connection.of('response.output_audio.delta')).toEqual([]);
    audio({ ordinal: 1, epoch: 2 });
    expect(connection.types.at(-1)).toBe('response.output_audio.delta');
  });
});

describe('the fence of an explicit interrupt', () => {
  const everything = { responseId: undefined, live: true, tails: true };

  it('drops what waits for the socket and what is still under way, text and visemes too', () => {
    output(announceOf(1), textOf(1, 'Hello.'));
    connection.bufferedBytes = 64 * 1024;
    audio({ samples: 100 });
    downlink.fence(everything, 2);
    connection.bufferedBytes = 0;
    downlink.onWritable();
    audio({ firstSample: 100, samples: 100 });
    output(textOf(1, 'More.'));
    downlink.visemes(visemesOf(1));
    expect(connection.types).toEqual(['response.created', ...OPENING, 'response.output_audio_transcript.delta']);
    expect([dropped('fence'), dropped('stale')]).toEqual([1, 1]);
  });

  it('holds for a response that an earlier input began, though it is announced only afterwards', () => {
    audio({ ordinal: 1 });
    downlink.fence(everything, 2);
    output(announceOf(1, { cause: { attachment: 1, seq: 1 } }), textOf(1, 'Hello.'));
    audio({ ordinal: 1 });
    expect(connection.types).toEqual(['response.created']);
  });

  it.each([
    ['the interrupt’s own number', { attachment: 1, seq: 2 }],
    ['a later input', { attachment: 1, seq: 3 }],
    ['an input of another connection', { attachment: 2, seq: 1 }],
  ])('does not hold for a response begun by %s', (_by, cause) => {
    downlink.fence(everything, 2);
    output(announceOf(1, { cause }), textOf(1, 'Hello.'));
    audio({ ordinal: 1 });
    expect(connection.types.at(-1)).toBe('response.output_audio.delta');
  });

  it('of one response holds for no other, announced or not', () => {
    output(announceOf(1), textOf(1, 'One.'), announceOf(2), textOf(2, 'Two.'));
    downlink.fence({ responseId: 'resp_2', live: true, tails: true }, 9);
    audio({ ordinal: 1 });
    audio({ ordinal: 2 });
    output(announceOf(3), textOf(3, 'Three.'));
    audio({ ordinal: 3 });
    expect(connection.of('response.output_audio.delta').map((event) => event['response_id'])).toEqual([
      'resp_1',
      'resp_3',
    ]);
  });

  it('spares the tail of a closed response when only the live one is cancelled', () => {
    spoken();
    output(endOf(1), announceOf(2), textOf(2, 'Hello.'));
    downlink.fence({ responseId: undefined, live: true, tails: false }, 9);
    downlink.visemes(visemesOf(1));
    downlink.visemes(visemesOf(2));
    expect(connection.of('parley.visemes').map((event) => event['response_id'])).toEqual(['resp_1']);
  });

  it('holds back a function call too', () => {
    output(announceOf(1));
    downlink.fence(everything, 2);
    output({
      ...{ kind: 'call', lane: 0, ordinal: 1, itemId: 'fn_1' },
      call: { callId: 'call_1', name: 'f', arguments: '{}' },
    });
    expect(connection.of('response.function_call_arguments.done')).toEqual([]);
  });

  it('never holds the closing events: they say cancelled, and then that it was interrupted', () => {
    spoken();
    downlink.fence(everything, 2);
    output(endOf(1));
    expect(statuses()).toEqual([]);
    output(interruptedOf(1));
    expect(connection.types.slice(-7)).toEqual([...CLOSING, 'parley.response.interrupted']);
    expect(statuses()).toEqual(['cancelled']);
    expect(connection.of('parley.response.interrupted')).toEqual([
      {
        type: 'parley.response.interrupted',
        event_id: 'event_1_4_6',
        response_id: 'resp_1',
        turn_id: 'turn_1',
        heard_ms: 100,
        heard_text: 'Heard',
      },
    ]);
  });
});

describe('interrupted', () => {
  it('after response.done is one event more and no second end', () => {
    spoken();
    output(endOf(1), interruptedOf(1));
    expect(statuses()).toEqual(['completed']);
    expect(connection.types.at(-1)).toBe('parley.response.interrupted');
    expect(downlink.isActive).toBe(false);
  });

  it('is the last of its response, whatever comes after it', () => {
    output(announceOf(1), textOf(1, 'Hello.'), interruptedOf(1));
    const count = connection.frames.length;
    audio({ samples: 100 });
    output(textOf(1, 'More.'), endOf(1), { kind: 'close', lane: 0, ordinal: 1 });
    downlink.visemes(visemesOf(1));
    expect(connection.frames).toHaveLength(count);
    expect(dropped('fence')).toBe(1);
  });

  it('fences by itself, where the owner decided alone: what waits for the socket is dropped', () => {
    output(announceOf(1), textOf(1, 'Hello.'));
    connection.bufferedBytes = 64 * 1024;
    audio({ samples: 100 });
    output(interruptedOf(1));
    connection.bufferedBytes = 0;
    downlink.onWritable();
    expect(connection.types.slice(-7)).toEqual([...CLOSING, 'parley.response.interrupted']);
    expect(connection.of('response.output_audio.delta')).toEqual([]);
  });

  it('of a response this connection never saw is told without closing events', () => {
    output(interruptedOf(4));
    expect(connection.types).toEqual(['parley.response.interrupted']);
    expect(downlink.lastClosedOrdinal).toBe(4);
  });
});

describe('a voice that is held', () => {
  const pauseOf = (kind: 'paused' | 'resumed'): ClientOutput => ({
    ...{ kind, lane: 0, ordinal: 1, responseId: 'resp_1', fromMs: 40 },
  });
  const playedMs = (): number => (downlink.deliveries()[0]?.playedSamples ?? 0) / 24;

  it('[PA1][PA2] is told to the client, and is not played meanwhile', async () => {
    spoken(24_000);
    await system.advanceBy(40);
    output(pauseOf('paused'));
    await system.advanceBy(500);
    expect(playedMs()).toBe(40);
    output(pauseOf('resumed'));
    await system.advanceBy(100);
    expect(playedMs()).toBe(140);
    expect(connection.of('parley.output.paused')).toMatchObject([{ response_id: 'resp_1', from_ms: 40 }]);
    expect(connection.of('parley.output.resumed')).toMatchObject([{ response_id: 'resp_1', from_ms: 40 }]);
  });

  it('[PA3] goes on with the next response when its own was interrupted', async () => {
    spoken(24_000);
    output(pauseOf('paused'), interruptedOf(1), announceOf(2), textOf(2, 'Hello.'));
    audio({ ordinal: 2, samples: 2_400 });
    await system.advanceBy(50);
    expect(playedMs()).toBe(50);
  });
});

describe('an end ordered by the owner', () => {
  it('that failed closes at once and drops what was not written; what was written plays on', () => {
    const error = { type: 'server_error', code: 'tts_unavailable', message: 'Gone.', param: null } as const;
    output(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 100 });
    connection.bufferedBytes = 64 * 1024;
    audio({ firstSample: 100, samples: 100 });
    output(endOf(1, { status: 'failed', spokenSegments: 0, error }));
    connection.bufferedBytes = 0;
    downlink.onWritable();
    expect(connection.of('response.output_audio.delta')).toHaveLength(1);
    expect(statuses()).toEqual(['failed']);
    expect(downlink.deliveries()).toMatchObject([{ closed: true, segments: [{ samples: 100, last: false }] }]);
    expect(downlink.isActive).toBe(true);
  });

  it('without a voice closes without waiting for audio', () => {
    output(announceOf(1), textOf(1, 'Hello.'), endOf(1, { segments: 3, spokenSegments: 0 }));
    expect(statuses()).toEqual(['completed']);
  });

  it('by force closes with the announced end, or as incomplete when there is none', () => {
    output(announceOf(1), textOf(1, 'Hello.'), endOf(1), { kind: 'close', lane: 0, ordinal: 1 });
    output(announceOf(2), { kind: 'close', lane: 0, ordinal: 2 });
    expect(statuses()).toEqual(['completed', 'incomplete']);
  });

  it('by force closes one that was fenced: a fence must not swallow an end', () => {
    output(announceOf(1), textOf(1, 'Hello.'), endOf(1));
    downlink.fence({ responseId: undefined, live: true, tails: true }, 2);
    output({ kind: 'close', lane: 0, ordinal: 1 });
    expect(statuses()).toEqual(['completed']);
  });

  it('closes once, however often and by whatever it is told', () => {
    spoken();
    output(endOf(1), { kind: 'close', lane: 0, ordinal: 1 }, endOf(1), endOf(1, { status: 'failed' }));
    expect(statuses()).toEqual(['completed']);
  });
});

describe('progress', () => {
  it('is told at the first sample, at each segment’s end and at the closing events, not at other chunks', () => {
    output(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 10 });
    expect(told).toEqual(['progress']);
    audio({ firstSample: 10, samples: 10 });
    expect(told).toEqual(['progress']);
    audio({ firstSample: 20, samples: 10, last: true });
    expect(told).toEqual(['progress', 'progress']);
    output(endOf(1));
    expect(told).toEqual(['progress', 'progress', 'progress']);
  });

  it('counts what went to the socket, not what waits for it', () => {
    output(announceOf(1), textOf(1, 'Hello.'), endOf(1));
    connection.bufferedBytes = 64 * 1024;
    audio({ samples: 100, last: true });
    expect(downlink.deliveries()).toMatchObject([{ segments: [], playedSamples: 0, closed: false }]);
    expect(told).toEqual([]);
    connection.bufferedBytes = 0;
    downlink.onWritable();
    expect(downlink.deliveries()).toMatchObject([{ segments: [{ samples: 100, last: true }], closed: true }]);
  });

  it('measures the first audio from the input that began the response, if this connection has seen it', async () => {
    await system.advanceBy(250);
    spoken();
    output(announceOf(2, { cause: { attachment: 9, seq: 1 } }));
    audio({ ordinal: 2 });
    expect(telemetry.observed).toEqual([{ name: 'parley_turn_first_audio_seconds', seconds: 0.25 }]);
  });

  it('of playback comes from the client, also for what was closed', async () => {
    spoken(24_000);
    output(endOf(1));
    downlink.playback('resp_1', 300, false);
    downlink.playback('resp_9', 900, false);
    await system.advanceBy(400);
    expect(downlink.deliveries()).toMatchObject([{ playedSamples: 7_200, ended: false }]);
    downlink.playback('resp_1', 0, true);
    expect(downlink.deliveries()).toMatchObject([{ playedSamples: 24_000, ended: true }]);
  });
});

describe('a client without parley.v1', () => {
  beforeEach(() => connect({ parley: false }));

  it('never gets an event of Parley’s own, and everything else', () => {
    output(
      { kind: 'event', event: { type: 'parley.state', state: 'thinking' } },
      { kind: 'event', event: { type: 'session.created', session: {} } },
    );
    spoken();
    downlink.visemes(visemesOf(1));
    downlink.pong();
    output(interruptedOf(1));
    expect(connection.types.filter((type) => type.startsWith('parley.'))).toEqual([]);
    expect(connection.types[0]).toBe('session.created');
    expect(statuses()).toEqual(['cancelled']);
  });
});

describe('errors', () => {
  it('echo the event that caused them, or say that there is none', () => {
    const error = {
      type: 'invalid_request_error',
      code: 'turn_duplicate',
      message: 'Again.',
      param: 'turn_id',
    } as const;
    output({ kind: 'error', error, clientEventId: 'mine' }, { kind: 'error', error });
    expect(connection.events).toEqual([
      { type: 'error', event_id: 'event_1_1', error: { ...error, event_id: 'mine' } },
      { type: 'error', event_id: 'event_1_2', error: { ...error, event_id: null } },
    ]);
  });

  it('leave the disconnecting to the session', () => {
    output({ kind: 'disconnect', closeCode: 1000, reason: 'session idle' });
    expect(told).toEqual(['disconnect 1000 session idle']);
  });

  it('of a client that reads too slowly are told once', () => {
    connection.bufferedBytes = 64 * 1024;
    output(announceOf(1), textOf(1, 'Hello.'));
    for (let n = 0; n < 60; n++) audio({ firstSample: n * 24_000, samples: 24_000 });
    expect(told).toEqual(['overflow']);
  });
});

describe('the form of audio', () => {
  it('for a JSON client is base64 of exactly the samples', () => {
    output(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 50 });
    audio({ firstSample: 20, samples: 50 });
    expect(pcmOfDelta(0)).toEqual([...pcmOf(0, 50)]);
    expect(pcmOfDelta(1)).toEqual([...pcmOf(50, 20)]);
  });

  it('for a binary client is the worker’s frame, uncopied', () => {
    connect({ binary: true });
    output(announceOf(1), textOf(1, 'Hello.'));
    const chunk = chunkOf({ samples: 50 });
    downlink.audio(chunk);
    expect(connection.binaries).toHaveLength(1);
    expect(connection.binaries[0]).toBe(chunk.frame);
    expect(connection.types).toEqual([
      'response.created',
      ...OPENING,
      'response.output_audio_transcript.delta',
      '<audio>',
    ]);
  });

  it('for a binary client is trimmed with its position where chunks overlap', () => {
    connect({ binary: true });
    output(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 50 });
    const overlapping = chunkOf({ firstSample: 20, samples: 50, last: true });
    const before = Uint8Array.from(overlapping.frame);
    downlink.audio(overlapping);
    const [, trimmed] = connection.binaries;
    expect(trimmed && decodeAudioFrame(trimmed)).toEqual({
      ok: true,
      value: { responseId: 'resp_1', segment: 0, firstSample: 50, last: true, pcm: pcmOf(50, 20) },
    });
    expect([...overlapping.frame]).toEqual([...before]);
  });

  it('for a binary client keeps the end of a segment without a new sample', () => {
    connect({ binary: true });
    output(announceOf(1), textOf(1, 'Hello.'));
    audio({ samples: 50 });
    audio({ firstSample: 20, samples: 30, last: true });
    const [, ending] = connection.binaries;
    expect(ending && decodeAudioFrame(ending)).toMatchObject({
      value: { firstSample: 50, last: true, pcm: { length: 0 } },
    });
  });
});

describe('visemes', () => {
  it('come with the end of the segment before theirs', () => {
    output(announceOf(1), textOf(1, 'Hello.'));
    downlink.visemes(visemesOf(1, 1));
    expect(connection.of('parley.visemes')).toEqual([]);
    audio({ samples: 2400, last: true });
    expect(connection.of('parley.visemes')).toMatchObject([
      { response_id: 'resp_1', item_id: 'item_1', visemes: [{ viseme: 'aa', start_ms: 101, duration_ms: 2 }] },
    ]);
  });

  it('of a response nobody announced are nobody’s', () => {
    downlink.visemes(visemesOf(7));
    expect(connection.frames).toEqual([]);
  });
});
