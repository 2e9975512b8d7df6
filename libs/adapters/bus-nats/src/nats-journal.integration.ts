import { systemPorts } from '@parley/adapter-system';
import { RecordingLog, startNativeServers, startTcpProxy, VirtualSystem, type NativeServers } from '@parley/harness';
import { subjects, type SessionId } from '@parley/model';
import type { BusPort, RequestOutcome } from '@parley/ports';
import { JOURNAL_STREAM, JournalStream, type JournalRetention } from './journal-stream';
import { connectNatsBus, type NatsBus } from './nats-bus';
import { NatsJournal } from './nats-journal';

const DAY = { maxAgeMs: 86_400_000, maxBytes: 64_000_000 };

let servers: NativeServers;
let bus: NatsBus;
let journal: NatsJournal;
let log: RecordingLog;
const streams: JournalStream[] = [];

const connectTo = (url: string): Promise<NatsBus> =>
  connectNatsBus({
    ...{ urls: [url], name: 'journal', inboxPrefix: '_INBOX.journal', log },
    ...{ timers: systemPorts.timers, random: systemPorts.random, schedule: systemPorts.schedule },
  });
const pause = (ms: number): Promise<void> => new Promise((resolve) => void systemPorts.timers.after(ms, resolve));
const api = async (what: string, body: object = {}): Promise<Record<string, unknown>> => {
  const outcome = await bus.request(`$JS.API.${what}`, new TextEncoder().encode(JSON.stringify(body)), {
    timeoutMs: 5_000,
  });
  if (outcome.kind !== 'reply') throw new Error(outcome.kind);
  return JSON.parse(new TextDecoder().decode(outcome.payload)) as Record<string, unknown>;
};
const logged = (message: string): number => log.lines.filter((line) => line.message === message).length;
const until = async (what: string, condition: () => boolean | Promise<boolean>, limitMs = 5_000): Promise<void> => {
  const deadlineMs = systemPorts.clock.nowMs() + limitMs;
  while (!(await condition())) {
    if (systemPorts.clock.nowMs() > deadlineMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await pause(10);
  }
};
const keep = async (retention: JournalRetention = DAY, over: BusPort = bus): Promise<void> => {
  const kept = logged('the journal is kept');
  const stream = new JournalStream(over, systemPorts.timers, log, retention);
  streams.push(stream);
  stream.start();
  await until('the stream', () => logged('the journal is kept') > kept);
};
const newSession = (): SessionId => `sess_${systemPorts.random.hex(8)}`;
/** As an owner does: published, and not waited for. */
const publish = async (sessionId: SessionId, ...texts: string[]): Promise<void> => {
  for (const text of texts) bus.publish(subjects.journal(sessionId), new TextEncoder().encode(text));
  await bus.flush(1_000);
};
const read = async (sessionId: SessionId): Promise<string[]> => {
  const outcome = await journal.read(sessionId);
  if (outcome.kind !== 'read') throw new Error(outcome.kind);
  return outcome.value.map(({ payload }) => new TextDecoder().decode(payload));
};

beforeAll(async () => {
  servers = await startNativeServers();
}, 200_000);
afterAll(() => servers.stop());

beforeEach(async () => {
  log = new RecordingLog();
  bus = await connectTo(servers.natsUrl);
  journal = new NatsJournal(bus);
  await api(`STREAM.DELETE.${JOURNAL_STREAM}`);
});
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  await api(`STREAM.DELETE.${JOURNAL_STREAM}`);
  await bus.close();
});

describe('the journal’s stream', () => {
  it('gives back what was published, in order, with the time of its storing', async () => {
    await keep();
    const [one, other] = [newSession(), newSession()];
    const beforeMs = Date.now();
    await publish(one, 'a', 'b');
    await publish(other, 'x');
    await publish(one, '', 'grüße 😀');
    expect(await read(one)).toEqual(['a', 'b', '', 'grüße 😀']);
    expect(await read(other)).toEqual(['x']);
    const outcome = await journal.read(one);
    const times = outcome.kind === 'read' ? outcome.value.map(({ storedAtMs }) => storedAtMs) : [];
    expect(Math.min(...times)).toBeGreaterThanOrEqual(beforeMs - 1);
    expect(Math.max(...times)).toBeLessThanOrEqual(Date.now() + 1);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const sessions = await journal.sessions();
    expect(sessions.kind === 'read' && new Map(sessions.value.map((each) => [each.sessionId, each]))).toEqual(
      new Map([
        [one, { sessionId: one, entries: 4, lastStoredAtMs: times.at(-1) }],
        [other, { sessionId: other, entries: 1, lastStoredAtMs: expect.any(Number) as number }],
      ]),
    );
  });

  it('lists more sessions than are asked for at once', async () => {
    await keep();
    const ids = Array.from({ length: 70 }, newSession);
    for (const id of ids) await publish(id, 'a');
    const sessions = await journal.sessions();
    expect(sessions.kind === 'read' && sessions.value.map(({ sessionId }) => sessionId).sort()).toEqual(ids.sort());
  });

  it('has the configured limits, also when they were others before', async () => {
    await keep({ maxAgeMs: 3_600_000, maxBytes: 1_000_000 });
    const sessionId = newSession();
    await publish(sessionId, 'a');
    await keep(DAY);
    expect(await api(`STREAM.INFO.${JOURNAL_STREAM}`)).toMatchObject({
      config: { max_age: 86_400_000 * 1e6, max_bytes: 64_000_000, subjects: ['journal.*'], no_ack: true },
    });
    expect(await read(sessionId)).toEqual(['a']);
  });

  it('drops the oldest above its size, and each when it is too old', async () => {
    await keep({ maxAgeMs: 1_000, maxBytes: 10_000 });
    const sessionId = newSession();
    const texts = Array.from({ length: 30 }, (_, index) => `${index} `.padEnd(1_000, '.'));
    await publish(sessionId, ...texts);
    const kept = await read(sessionId);
    expect(kept.length).toBeGreaterThan(5);
    expect(kept.length).toBeLessThan(10);
    expect(kept).toEqual(texts.slice(-kept.length));
    await until('too old', async () => (await read(sessionId)).length === 0);
  });

  it('answers nobody: a request on its subject has no responders', async () => {
    await keep();
    const answers: RequestOutcome[] = [];
    answers.push(await bus.request(subjects.journal(newSession()), new Uint8Array(1), { timeoutMs: 300 }));
    expect(answers).not.toContainEqual(expect.objectContaining({ kind: 'reply' }));
  });

  it('is there again when the server came back without it', async () => {
    const proxy = await startTcpProxy(Number(new URL(servers.natsUrl).port));
    const owner = await connectTo(`nats://127.0.0.1:${proxy.port}`);
    await keep(DAY, owner);
    await api(`STREAM.DELETE.${JOURNAL_STREAM}`);
    proxy.cut();
    await until('the stream', () => logged('the journal is kept') === 2);
    const sessionId = newSession();
    await publish(sessionId, 'a');
    expect(await read(sessionId)).toEqual(['a']);
    await owner.close();
    await proxy.close();
  });

  it('that cannot be made is tried again, with one complaint', async () => {
    // Somebody else's stream has the subject.
    await api('STREAM.CREATE.in-the-way', { name: 'in-the-way', subjects: ['journal.>'], storage: 'memory' });
    const virtual = new VirtualSystem();
    const stream = new JournalStream(bus, virtual.timers, log, DAY);
    streams.push(stream);
    stream.start();
    await until('the complaint', () => log.lines.some(({ level }) => level === 'warn'));
    for (let n = 0; n < 3; n++) {
      await until('the next try', () => virtual.pendingTimers === 1);
      await virtual.advanceBy(10_000);
    }
    await until('the next try', () => virtual.pendingTimers === 1);
    expect(log.lines.filter(({ level }) => level !== 'info')).toHaveLength(1);
    await api('STREAM.DELETE.in-the-way');
    await virtual.advanceBy(10_000);
    await until('the stream', () => logged('the journal is kept') === 1);
    expect(virtual.pendingTimers).toBe(0);
  });
});

describe('the journal', () => {
  it('that was never switched on is absent', async () => {
    const sessionId = newSession();
    expect(await journal.sessions()).toEqual({ kind: 'absent' });
    expect(await journal.read(sessionId)).toEqual({ kind: 'absent' });
    expect(await journal.forget(sessionId)).toEqual({ kind: 'absent' });
  });

  it('forgets one session and no other', async () => {
    await keep();
    const [one, other] = [newSession(), newSession()];
    await publish(one, 'a', 'b');
    await publish(other, 'x');
    await publish(one, 'c');
    expect(await journal.forget(one)).toEqual({ kind: 'read', value: 3 });
    expect(await read(one)).toEqual([]);
    expect(await read(other)).toEqual(['x']);
    const sessions = await journal.sessions();
    expect(sessions).toMatchObject({ value: [{ sessionId: other, entries: 1 }] });
    expect(await journal.forget(one)).toEqual({ kind: 'read', value: 0 });
  });

  it('says that it cannot be reached', async () => {
    const proxy = await startTcpProxy(Number(new URL(servers.natsUrl).port));
    const away = await connectTo(`nats://127.0.0.1:${proxy.port}`);
    proxy.refuse();
    proxy.cut();
    await until('the loss', () => !away.connected);
    expect(await new NatsJournal(away).sessions()).toMatchObject({ kind: 'unavailable' });
    await away.close();
    await proxy.close();
  });
});
