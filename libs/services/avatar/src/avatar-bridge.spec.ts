import { MemoryBusServer } from '@parley/adapter-bus-memory';
import { RecordingLog, VirtualSystem } from '@parley/harness';
import { type SegmentTimings, subjects, type VisemesMessage } from '@parley/model';
import type { BusPort, RequestOutcome, Service } from '@parley/ports';
import { busSchemas, decodeEnvelope, encodeEnvelope } from '@parley/schemas';
import { createAvatarBridge } from './avatar-bridge';

const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

const TIMINGS: SegmentTimings = {
  sessionId: 'sess_one',
  epoch: 1,
  lane: 0,
  ordinal: 3,
  attempt: 2,
  segment: 4,
  text: 'Hi',
  startMs: 0,
  endMs: 300,
  words: [],
  phonemes: [],
};

let system: VirtualSystem;
let server: MemoryBusServer;
let bus: BusPort;
let log: RecordingLog;
let bridges: Service[];
let animated: SegmentTimings[];
let counted: string[];
let published: { traceparent: string; body: VisemesMessage }[];

beforeEach(() => {
  system = new VirtualSystem();
  log = new RecordingLog();
  server = new MemoryBusServer({ random: system.random, schedule: system.schedule });
  bus = server.connect({ log, timers: system.timers });
  [bridges, animated, counted, published] = [[], [], [], []];
  bus.subscribe('session.*.visemes', ({ payload }) => {
    const decoded = decodeEnvelope(busSchemas.visemes, payload);
    if (decoded.ok) published.push(decoded);
  });
});
afterEach(async () => {
  for (const bridge of bridges) await bridge.stop(1_000);
  expect(system.pendingTimers).toBe(0);
});

async function start(): Promise<Service> {
  const bridge = createAvatarBridge({
    bus: server.connect({ log, timers: system.timers }),
    avatar: {
      animate: (timings) => {
        animated.push(timings);
        return timings.text === '' ? [] : [{ viseme: 'aa', startMs: timings.startMs, durationMs: 10 }];
      },
    },
    system,
    log,
    telemetry: {
      count: (name) => counted.push(name),
      gauge: () => undefined,
      observe: () => undefined,
    },
  });
  bridges.push(bridge);
  const started = bridge.start();
  await system.advanceBy(0);
  await started;
  return bridge;
}

async function tell(more: Partial<SegmentTimings> = {}): Promise<void> {
  const timings = { ...TIMINGS, ...more };
  bus.publish(subjects.timings(timings.sessionId), encodeEnvelope(TRACE, timings));
  await system.advanceBy(0);
}

async function ask(subject: string): Promise<RequestOutcome['kind']> {
  const outcome = bus.request(subject, new Uint8Array(), { timeoutMs: 100 });
  await system.advanceBy(0);
  return (await outcome).kind;
}

describe('the avatar bridge', () => {
  it('publishes the shapes of a stretch under its response, segment and trace', async () => {
    await start();
    await tell();
    expect(animated).toEqual([TIMINGS]);
    expect(published).toMatchObject([
      {
        traceparent: TRACE,
        body: {
          ...{ sessionId: 'sess_one', epoch: 1, lane: 0, ordinal: 3, attempt: 2, segment: 4 },
          visemes: [{ viseme: 'aa', startMs: 0, durationMs: 10 }],
        },
      },
    ]);
    expect(counted).toEqual(['parley_avatar_segments_total']);
  });

  it('publishes nothing for a stretch without shapes', async () => {
    await start();
    await tell({ text: '' });
    expect(animated).toHaveLength(1);
    expect(published).toEqual([]);
  });

  it('drops what an owner with a successor caused, per session', async () => {
    await start();
    await tell({ epoch: 2 });
    await tell({ epoch: 1 });
    await tell({ epoch: 2 });
    await tell({ epoch: 1, sessionId: 'sess_two' });
    expect(published.map(({ body }) => [body.sessionId, body.epoch])).toEqual([
      ['sess_one', 2],
      ['sess_one', 2],
      ['sess_two', 1],
    ]);
  });

  it('shares the stretches with the others of its group', async () => {
    await start();
    await start();
    for (let n = 0; n < 20; n++) await tell({ segment: n });
    expect(published.map(({ body }) => body.segment)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it('ignores what it cannot read', async () => {
    await start();
    bus.publish(subjects.timings('sess_one'), new TextEncoder().encode('{"v":1,"traceparent":"","body":{}}'));
    await tell();
    expect(log.lines.map((line) => line.message)).toEqual(['timings cannot be read']);
    expect(published).toHaveLength(1);
  });

  it('answers pings of its peers, and is ready while it runs', async () => {
    const bridge = await start();
    expect(bridge.incarnation).toMatch(/^ava_[0-9a-f]{16}$/);
    expect(await ask(subjects.peer(bridge.incarnation))).toBe('reply');
    expect(bridge.readiness()).toEqual({ ready: true, reasons: [] });
  });

  it('leaves nothing behind when it stops', async () => {
    const bridge = await start();
    await bridge.stop(1_000);
    await bridge.stop(1_000);
    expect(await ask(subjects.peer(bridge.incarnation))).toBe('no-responders');
    expect(await ask(subjects.timings('sess_one'))).toBe('no-responders');
    expect(bridge.readiness().ready).toBe(false);
  });
});
