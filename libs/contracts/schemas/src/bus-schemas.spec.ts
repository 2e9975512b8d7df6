import { SEGMENT_START, type ResponseDelivery } from '@parley/model';
import type { z } from 'zod';
import { busSchemas, type BusBodies } from './bus-schemas';
import { decodeEnvelope, encodeEnvelope, type DecodedEnvelope } from './envelope';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const job = { sessionId: 'sess_1', epoch: 3, lane: 0, ordinal: 7, attempt: 2 } as const;
const delivery: ResponseDelivery = {
  lane: 0,
  ordinal: 7,
  responseId: 'resp_1',
  segments: [
    { attempt: 1, samples: 24_000, last: true },
    { attempt: 2, samples: 1_440, last: false },
  ],
  playedSamples: 12_345,
  ended: false,
  closed: false,
  holedAttempt: null,
};
const error = { type: 'server_error', code: 'tts_unavailable', message: 'No voice.', param: null } as const;
const usage = { inputTokens: 10, outputTokens: 20 };
const lane = { lane: 0, ordinal: 7 };
const turn = { turnId: 't1', responseId: 'resp_1', answerId: 'item_2' } as const;
const numbered = { sessionId: 'sess_1', attachment: 2, seq: 9, closedOrdinal: 6 } as const;
const numberedFrom = { attachment: 2, epoch: 3, firstOutSeq: 40 } as const;
const metadata = { a: 'b' };

/** Every variant of every message, typed by the model. */
const delivered = { acknowledgedOutSeq: 40, linkLosses: 2, announcedOrdinal: 7, responses: [delivery] };
const resumed = { sessionId: 'sess_1', gateway: 'gw_1', seenEpoch: 4 } as const;
const samples: { [K in keyof BusBodies]: BusBodies[K][] } = {
  claim: [
    {
      sessionId: 'sess_1',
      gateway: 'gw_1',
      seenEpoch: 0,
      attach: { kind: 'new', connection: { parley: true, model: null } },
    },
    {
      ...{ sessionId: 'sess_1', gateway: 'gw_1', seenEpoch: 0 },
      attach: { kind: 'new', connection: { parley: false, model: 'm', defaults: { instructions: 'Hi', voice: 'v' } } },
    },
    { sessionId: 'sess_1', gateway: 'gw_1', seenEpoch: 4, attach: { kind: 'keep', attachment: 2, delivered } },
    { ...resumed, attach: { kind: 'resume', connectionId: 'c', token: 'sess_1.x', received: null, receivedOutSeq: 0 } },
    {
      ...resumed,
      attach: {
        kind: 'resume',
        receivedOutSeq: 13,
        connectionId: 'c',
        token: 'sess_1.x',
        received: [{ responseId: 'resp_1', samples: [24_000, 0], playedSamples: 7, done: true }],
      },
    },
  ],
  claimReply: [
    { kind: 'granted', epoch: 4, attachment: 2, owner: 'orc_1', opening: null },
    {
      ...{ kind: 'granted', epoch: 4, attachment: 2, owner: 'orc_1' },
      opening: {
        greeting: [{ type: 'session.created', session: { a: [1] } }],
        ...{ afterOutSeq: 3, throughOutSeq: 9, responses: [delivery] },
      },
    },
    { kind: 'superseded' },
    { kind: 'owned', epoch: 4, owner: 'orc_1' },
    { kind: 'probing' },
    { kind: 'full' },
    { kind: 'gone' },
  ],
  secretKeep: [
    { digest: 'd', ttlMs: 10_000, defaults: { model: null, patch: {} } },
    { digest: 'd', ttlMs: 1, defaults: { model: 'm', patch: { instructions: null, toolChoice: 'none' } } },
  ],
  secretKeepReply: [
    { kind: 'kept', session: { object: 'realtime.session', tools: [{ a: 1 }] } },
    { kind: 'unavailable' },
  ],
  secretFind: [{ digest: 'd' }],
  secretFindReply: [
    { kind: 'found', defaults: { model: 'm', patch: { settings: { tracing: 'auto' } } } },
    { kind: 'unknown' },
    { kind: 'unavailable' },
  ],
  input: [
    { ...numbered, clientEventId: 'e1', input: { kind: 'final-transcript', ...turn, text: 'Hi', itemId: 'item_1' } },
    { ...numbered, input: { kind: 'item-created', itemId: 'i', item: { role: 'user', text: 'Hi' } } },
    {
      ...numbered,
      input: {
        kind: 'item-created',
        itemId: 'i',
        item: { role: 'call', call: { callId: 'call_1', name: 'f', arguments: '{}' } },
      },
    },
    { ...numbered, input: { kind: 'item-retrieved', itemId: 'i' } },
    { ...numbered, input: { kind: 'item-deleted', itemId: 'i' } },
    {
      ...numbered,
      input: { kind: 'item-created', itemId: 'i', item: { role: 'system', text: '' }, previousItemId: null },
    },
    { ...numbered, input: { kind: 'response-requested', ...turn, options: { instructions: 'x', metadata } } },
    { ...numbered, input: { kind: 'response-requested', ...turn, options: {} } },
    {
      ...numbered,
      input: {
        kind: 'response-requested',
        ...turn,
        options: {
          outOfBand: true,
          input: [
            { role: 'reference', itemId: 'i' },
            { role: 'user', text: 'Hi' },
            { role: 'call', call: { callId: 'call_1', name: 'f', arguments: '{}' } },
            { role: 'result', callId: 'call_1', output: '1' },
          ],
          tools: [{ name: 'f' }],
          toolChoice: { name: 'f' },
          maxOutputTokens: 12,
          modality: 'text',
          format: { type: 'audio/pcmu' },
          voice: 'anna',
        },
      },
    },
    { ...numbered, input: { kind: 'interrupted', writtenOrdinal: 7, delivery: [delivery] } },
    {
      ...numbered,
      input: { kind: 'response-cancelled', responseId: 'resp_1', writtenOrdinal: 0, delivery: [] },
    },
    { ...numbered, input: { kind: 'item-truncated', itemId: 'i', audioEndMs: 700, delivery: [delivery] } },
    { ...numbered, input: { kind: 'session-updated', patch: { instructions: null, voice: 'alloy' } } },
    { ...numbered, input: { kind: 'speculative-transcript', turnId: 't1', text: 'Hi' } },
    { ...numbered, input: { kind: 'speech-resumed', turnId: 't1' } },
    { ...numbered, input: { kind: 'policy-updated', patch: { busy: 'queue', commit: 'exact' } } },
    {
      ...numbered,
      input: {
        kind: 'policy-updated',
        patch: {
          ...{ interruptible: false, minSpeechMs: 300, minWords: 2, backchannels: ['mhm'], coolDownMs: 100 },
          ...{ falseInterruption: 'pause', falseInterruptionMs: 900, awayAfterMs: null, awayPrompt: 'Ask.' },
        },
      },
    },
    { ...numbered, input: { kind: 'partial-transcript', turnId: 't1', text: 'Hi', delivery: [delivery] } },
    { ...numbered, input: { kind: 'speech-started', delivery: [delivery] } },
    { ...numbered, input: { kind: 'speech-stopped' } },
    { ...numbered, input: { kind: 'call-answered', itemId: 'i', callId: 'call_1', output: '22' } },
    {
      ...numbered,
      input: {
        kind: 'session-updated',
        patch: { tools: [{ name: 'f', description: 'd', parameters: { type: 'object' } }], toolChoice: { name: 'f' } },
      },
    },
    { ...numbered, input: { kind: 'mute-changed', muted: true } },
    { ...numbered, input: { kind: 'said', ...turn, text: 'Hi', interruptible: false } },
    { ...numbered, input: { kind: 'message-refused', error } },
    { ...numbered, input: { kind: 'disconnected', reason: 'lost' } },
  ],
  inputReply: [
    { kind: 'applied', seq: 9 },
    { kind: 'expected', seq: 8 },
    { kind: 'old-attachment' },
    { kind: 'disowned' },
  ],
  output: [
    {
      ...numberedFrom,
      outputs: [
        { kind: 'event', event: { type: 'parley.state', state: 'idle', nested: { a: [1] } } },
        { kind: 'error', error, clientEventId: 'e1' },
        {
          kind: 'announce',
          ...lane,
          responseId: 'resp_1',
          itemId: 'item_2',
          previousItemId: null,
          turnId: 't1',
          cause: { attachment: 2, seq: 9 },
          format: { type: 'audio/pcma' },
          voice: 'alloy',
          modality: 'text',
          maxOutputTokens: 12,
          metadata,
        },
        { kind: 'text', ...lane, segment: 1, text: 'Hello. ' },
        { kind: 'end', ...lane, segments: 2, status: 'failed', cutBy: null, error, usage, spokenSegments: 2 },
      ],
    },
    { ...numberedFrom, outputs: [], released: true },
    { ...numberedFrom, outputs: [{ kind: 'close', ...lane }] },
    {
      ...numberedFrom,
      outputs: [
        { kind: 'call', ...lane, itemId: 'i', call: { callId: 'call_1', name: 'f', arguments: '{}' } },
        { kind: 'paused', ...lane, responseId: 'resp_1', fromMs: 514 },
        { kind: 'resumed', ...lane, responseId: 'resp_1', fromMs: 514 },
      ],
    },
    {
      ...numberedFrom,
      outputs: [
        {
          kind: 'interrupted',
          ...lane,
          responseId: 'resp_1',
          turnId: 't1',
          heardMs: 514,
          heardText: 'Hello',
          usage,
          reason: 'turn_detected',
        },
      ],
    },
    { ...numberedFrom, outputs: [{ kind: 'disconnect', closeCode: 1000, reason: 'bye' }] },
    {
      ...numberedFrom,
      outputs: [{ kind: 'adopted', epoch: 4, ordinal: 7, segments: [{ index: 0, epoch: 3, attempt: 2 }] }],
    },
  ],
  report: [{ sessionId: 'sess_1', attachment: 2, ...delivered }],
  timings: [
    {
      ...job,
      segment: 1,
      text: 'Hi',
      startMs: 0,
      endMs: 210.5,
      words: [{ word: 'Hi', charStart: 0, charEnd: 2, startMs: 0, endMs: 210.5 }],
      phonemes: [{ phoneme: '', startMs: 0, durationMs: 12.25 }],
    },
  ],
  visemes: [{ ...job, segment: 1, visemes: [{ viseme: 'sil', startMs: 0, durationMs: 40 }] }],
  voiceOpen: [{ ...job, responseId: 'resp_1', owner: 'orc_1', voice: null, speed: 1, lipSync: true }],
  voiceOpenReply: [
    { kind: 'accepted', worker: 'tts_1' },
    { kind: 'full' },
    { kind: 'unavailable', message: 'No voice.' },
  ],
  voiceOrder: [
    { ...job, kind: 'segment', segment: 0, text: 'Hello. ', from: SEGMENT_START },
    { ...job, kind: 'end', segments: 1 },
    { ...job, kind: 'cancel' },
    { ...job, kind: 'adopt', of: { epoch: 2, attempt: 1 }, owner: 'orc_1', segments: 3 },
  ],
  voiceOrderReply: [{ kind: 'ok' }, { kind: 'unknown-job' }],
  voiceFailed: [
    { ...job, segment: 0, failure: { kind: 'rate_limited', message: 'Too many requests.', retryAfterMs: 500 } },
    { ...job, segment: 0, failure: { kind: 'cut', message: 'Cut.' } },
  ],
  peerPing: [{ from: 'gw_1' }],
  ownerProbe: [{ sessionId: 'sess_1' }],
  ownerProbeReply: [{ kind: 'owned', epoch: 3 }, { kind: 'disowned' }],
  journal: [
    {
      ...{ kind: 'opened', epoch: 3, step: 0, nowMs: 12.5, owner: 'orc_1', rev: 7 },
      engine: { state: { phase: { name: 'idle' } }, policy: { busy: 'reject' } },
    },
    {
      ...{ kind: 'stepped', epoch: 3, step: 17, nowMs: 12.75, effects: '811c9dc5' },
      // Only the engine knows what an input holds: nothing is left out, and nothing changes its place.
      input: { kind: 'of-a-later-version', z: 1, a: { b: [null] } } as { kind: string },
    },
  ],
};

interface Case {
  name: string;
  schema: z.ZodType;
  body: object;
}
const schemas: Record<string, z.ZodType> = busSchemas;
const cases: Case[] = Object.entries(samples).flatMap(([key, bodies]) =>
  bodies.map((body: object, index) => {
    const schema = schemas[key];
    if (schema === undefined) throw new Error(`no schema ${key}`);
    return { name: `${key} ${index}`, schema, body };
  }),
);

const decode = ({ schema }: Case, body: unknown): DecodedEnvelope<unknown> =>
  decodeEnvelope(schema, encodeEnvelope(traceparent, body));
const reasonOf = (decoded: DecodedEnvelope<unknown>): string => {
  if (decoded.ok) throw new Error('accepted');
  return decoded.reason;
};
/** The fields whose absence the type allows, or an older release. */
const OPTIONAL = [
  / clientEventId$/,
  / retryAfterMs$/,
  / released$/,
  /^voiceOrder \d+ from$/,
  /^voiceOpen \d+ speed$/,
  /^report \d+ linkLosses$/,
];

describe('bus messages', () => {
  it('has a sample of every message', () => {
    expect(Object.keys(samples).sort()).toEqual(Object.keys(busSchemas).sort());
  });

  it.each(cases)('$name survives the way over the bus', (each) => {
    expect(decode(each, each.body)).toEqual({ ok: true, traceparent, body: each.body });
  });

  it.each(cases)('$name is read without what a newer version added to it', (each) => {
    expect(decode(each, { ...each.body, addedLater: { x: 1 } })).toEqual({ ok: true, traceparent, body: each.body });
  });

  it.each(cases)('$name is refused when any of its fields is missing or of another type', (each) => {
    const keys = Object.keys(each.body).filter((key) => !OPTIONAL.some((field) => field.test(`${each.name} ${key}`)));
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      const rest = Object.fromEntries(Object.entries(each.body).filter(([name]) => name !== key));
      expect(reasonOf(decode(each, rest))).toContain('body');
      expect(reasonOf(decode(each, { ...each.body, [key]: { not: 'this' } }))).toContain('body');
    }
  });

  it('takes an order of an older release for one of the whole segment', () => {
    const order = { ...job, kind: 'segment', segment: 0, text: 'Hello. ' };
    expect(decodeEnvelope(busSchemas.voiceOrder, encodeEnvelope(traceparent, order))).toMatchObject({
      body: { ...order, from: SEGMENT_START },
    });
    const half = encodeEnvelope(traceparent, { ...order, from: { sample: 7 } });
    expect(reasonOf(decodeEnvelope(busSchemas.voiceOrder, half))).toMatch(/^body\.from\.character: /);
  });

  it('takes a response that an older release announced for one in PCM, of the voice worker’s own voice', () => {
    const announce = {
      kind: 'announce',
      ...lane,
      responseId: 'resp_1',
      itemId: 'i',
      previousItemId: null,
      turnId: 't',
    };
    const output = { ...announce, cause: { attachment: 1, seq: 1 }, metadata: null };
    const sent = encodeEnvelope(traceparent, { ...numberedFrom, outputs: [output] });
    expect(decodeEnvelope(busSchemas.output, sent)).toMatchObject({
      body: { outputs: [{ ...output, format: { type: 'audio/pcm', rate: 24_000 }, voice: null }] },
    });
  });

  it('keeps every field of a client event that it only carries', () => {
    const event = { type: 'x', deep: { list: [1, { a: null }] } };
    const body = { ...numberedFrom, outputs: [{ kind: 'event', event }] };
    expect(decodeEnvelope(busSchemas.output, encodeEnvelope(traceparent, body))).toMatchObject({ body });
  });

  it('keeps what the engine was given letter by letter, so that it does the same again', () => {
    const body: BusBodies['journal'] = {
      ...{ kind: 'stepped', epoch: 1, step: 1, nowMs: 0, effects: 'threw' },
      input: JSON.parse('{"z":1,"kind":"x","a":{"c":1,"b":2}}') as { kind: string },
    };
    const decoded = decodeEnvelope(busSchemas.journal, encodeEnvelope(traceparent, body));
    expect(JSON.stringify(decoded)).toContain('"input":{"z":1,"kind":"x","a":{"c":1,"b":2}}');
  });

  it('refuses numbers that are no counts', () => {
    for (const seq of [-1, 0.5, 2 ** 60, '9', null]) {
      const decoded = decodeEnvelope(busSchemas.inputReply, encodeEnvelope(traceparent, { kind: 'applied', seq }));
      expect(reasonOf(decoded)).toMatch(/^body\.seq: /);
    }
  });

  it('refuses ids of another kind', () => {
    for (const sessionId of ['resp_1', 'sess_', '', 1]) {
      expect(decodeEnvelope(busSchemas.ownerProbe, encodeEnvelope(traceparent, { sessionId })).ok).toBe(false);
    }
    for (const from of ['sess_1', 'gw_', 'gw', 7]) {
      expect(decodeEnvelope(busSchemas.peerPing, encodeEnvelope(traceparent, { from })).ok).toBe(false);
    }
  });

  it('is not polluted by keys that name the prototype', () => {
    const text = `{"v":1,"traceparent":"t","body":{"kind":"outputs","epoch":1,"attachment":1,"firstOutSeq":1,"outputs":[{"kind":"event","event":{"type":"x","__proto__":{"polluted":1}}}]}}`;
    const decoded = decodeEnvelope(busSchemas.output, new TextEncoder().encode(text));
    expect(decoded).toMatchObject({ ok: true, body: { outputs: [{ event: { type: 'x' } }] } });
    expect(JSON.stringify(decoded)).not.toContain('polluted');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});

describe('the envelope', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const reason = (text: string): string => reasonOf(decodeEnvelope(busSchemas.ownerProbe, bytes(text)));

  it('is what the model says', () => {
    const payload = encodeEnvelope(traceparent, { sessionId: 'sess_1' });
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({
      v: 1,
      traceparent,
      body: { sessionId: 'sess_1' },
    });
  });

  it('carries any text', () => {
    const text = 'Grüße, 東京 😀 "\\ \u2028';
    const body: BusBodies['voiceOrder'] = { ...job, kind: 'segment', segment: 0, text, from: SEGMENT_START };
    expect(decodeEnvelope(busSchemas.voiceOrder, encodeEnvelope(traceparent, body))).toMatchObject({ body });
  });

  it('is refused with another version, whatever its body', () => {
    const body = '"traceparent":"t","body":{"sessionId":"sess_1"}';
    expect(reason(`{"v":2,${body}}`)).toBe('another schema version');
    expect(reason(`{"v":"1",${body}}`)).toBe('another schema version');
    expect(reason(`{${body}}`)).toBe('another schema version');
  });

  it('is refused without a traceparent, a body, or JSON', () => {
    expect(reason('{"v":1,"body":{"sessionId":"sess_1"}}')).toBe('no traceparent');
    expect(reason('{"v":1,"traceparent":"t"}')).toMatch(/^body: /);
    for (const text of ['', '{', 'null', '[]', '"x"']) expect(reason(text)).toBe('not a JSON object');
  });

  it('tells no value of a message that it refuses', () => {
    const text = '{"v":1,"traceparent":"t","body":{"sessionId":"a secret"}}';
    expect(reason(text)).not.toContain('secret');
  });
});
