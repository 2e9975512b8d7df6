import { subjects, type SegmentTimings } from '@parley/model';
import { encodeEnvelope } from '@parley/schemas';
import {
  interruptOf,
  SESSION,
  TRACE,
  turnOf,
  updateOf,
  type GatewayDouble,
  type WorkerDouble,
} from '../orchestrator-stage.fixture';
import { OwnedSessionStage } from './owned-session-stage.fixture';

let stage: OwnedSessionStage;
let gateway: GatewayDouble;
let worker: WorkerDouble;

beforeEach(async () => {
  stage = await OwnedSessionStage.started();
  ({ gateway, worker } = stage);
});
afterEach(() => stage.end());

describe('nothing leaves before the write that holds it', () => {
  it('neither the acceptance of a turn nor its text; model and voice are asked at once', async () => {
    const before = gateway.kinds.length;
    stage.ports.store.hold();
    const reply = gateway.send(turnOf(1));
    await stage.pass();
    expect(stage.llm.calls).toHaveLength(1);
    expect(worker.opens).toHaveLength(1);
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass(250);
    expect(gateway.kinds.slice(before)).toEqual([]);
    stage.ports.store.letGo();
    await stage.pass();
    expect(await reply).toEqual({ kind: 'applied', seq: 1 });
    expect(gateway.kinds.slice(before)).toEqual([
      'parley.turn.accepted',
      'conversation.item.added',
      'conversation.item.done',
      'announce',
      'parley.state',
      'text',
    ]);
    expect(worker.kinds).toEqual(['segment 0']);
  });

  it('nor text, without which the gateway lets nobody hear the segment that is ordered at once', async () => {
    await stage.thinking();
    stage.ports.store.hold();
    stage.llm.call(0).writes('One two three four. Five');
    await stage.pass(1_000);
    expect(gateway.of('text')).toEqual([]);
    expect(worker.kinds).toEqual(['segment 0']);
    stage.ports.store.letGo();
    await stage.pass();
    expect(gateway.of('text').map(({ text }) => text)).toEqual(['One two three four. ']);
    expect(worker.kinds).toEqual(['segment 0']);
  });

  it('what comes during a write is held by one more write, whatever it is', async () => {
    await stage.thinking();
    const { length } = stage.ports.store.writes;
    stage.ports.store.hold();
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
    for (let n = 0; n < 20; n++) stage.llm.call(0).writes('And five six seven eight. ');
    await stage.pass();
    stage.ports.store.letGo();
    await stage.pass();
    expect(gateway.of('text')).toHaveLength(21);
    expect(stage.ports.store.writes).toHaveLength(length + 2);
  });

  it('what is stored then holds all of it: input, output and turn', async () => {
    gateway.acknowledges = false;
    const { outSeq } = stage.stored;
    await stage.thinking();
    const record = stage.stored;
    expect(record.connection.lastSeq).toBe(1);
    expect(record.outbox.map((entry) => entry.outSeq)).toContain(outSeq + 5);
    expect(record.engine.recentTurnIds).toEqual(['turn_1']);
  });

  it('a report that changes nothing is not written', async () => {
    const { length } = stage.ports.store.writes;
    gateway.report({ acknowledgedOutSeq: 3 });
    await stage.pass();
    expect(stage.ports.store.writes).toHaveLength(length);
  });
});

describe('an input that is repeated', () => {
  it('while its write is under way is answered once for each request, and applied once', async () => {
    stage.ports.store.hold();
    const first = gateway.send(turnOf(1));
    await stage.pass(100);
    const second = gateway.send(turnOf(1), { seq: 1 });
    await stage.pass(100);
    stage.ports.store.letGo();
    await stage.pass();
    expect([await first, await second]).toEqual([
      { kind: 'applied', seq: 1 },
      { kind: 'applied', seq: 1 },
    ]);
    expect(stage.llm.calls).toHaveLength(1);
    expect(gateway.kinds.filter((kind) => kind === 'parley.turn.accepted')).toHaveLength(1);
    expect(gateway.of('error')).toEqual([]);
  });

  it('after it was applied is answered and does nothing', async () => {
    await stage.thinking();
    const { length } = stage.ports.store.writes;
    expect(await stage.now(gateway.send(turnOf(1), { seq: 1 }))).toEqual({ kind: 'applied', seq: 1 });
    expect(stage.ports.store.writes).toHaveLength(length);
    expect(gateway.of('error')).toEqual([]);
  });

  it('too early, or of another connection, is told so', async () => {
    expect(await stage.now(gateway.send(turnOf(1), { seq: 2 }))).toEqual({ kind: 'expected', seq: 1 });
    expect(await stage.now(gateway.send(turnOf(1), { seq: 1, attachment: 0 }))).toEqual({ kind: 'old-attachment' });
    expect(await stage.now(gateway.send(turnOf(1), { seq: 1, attachment: 2 }))).toEqual({ kind: 'disowned' });
    expect(stage.llm.calls).toEqual([]);
  });
});

describe('what comes late', () => {
  it('of the model after an interrupt reaches nobody', async () => {
    await stage.thinking();
    await stage.now(gateway.send(interruptOf(1)));
    stage.llm.call(0).writes('One two three four. ');
    stage.llm.call(0).finishes();
    await stage.pass(1_000);
    expect(gateway.of('text')).toEqual([]);
    expect(gateway.of('interrupted')).toHaveLength(1);
    expect(worker.kinds).toEqual(['cancel']);
  });

  it('of an answer that ends in the write that begins the next reaches the worker of that answer alone', async () => {
    await stage.thinking();
    stage.ports.store.hold();
    void gateway.send(updateOf('Be kind.'));
    await stage.pass();
    void gateway.send(interruptOf(0));
    void gateway.send(turnOf(2));
    await stage.pass();
    stage.ports.store.letGo();
    await stage.pass();
    expect(worker.opens.map(({ ordinal }) => ordinal)).toEqual([1, 2]);
    expect(worker.orders).toMatchObject([{ kind: 'cancel', ordinal: 1 }]);
  });

  it('of a voice that accepts after an interrupt is answered with a cancel', async () => {
    worker.onOpen = () => 500;
    await stage.thinking();
    await stage.now(gateway.send(interruptOf(1)));
    await stage.pass(1_000);
    expect(worker.kinds).toEqual(['cancel']);
    expect(stage.statuses).toEqual([]);
  });

  it('of another epoch or connection counts for nothing', async () => {
    await stage.thinking();
    const failure = { kind: 'cut', message: '' } as const;
    const key = { sessionId: SESSION, epoch: 2, lane: 0, ordinal: 1, attempt: 1, segment: 0 };
    stage.session.voiceFailed({ ...key, failure });
    const timings: SegmentTimings = {
      ...key,
      text: '',
      startMs: 0,
      endMs: 1,
      phonemes: [],
      words: [{ word: 'One', charStart: 0, charEnd: 3, startMs: 0, endMs: 1 }],
    };
    gateway.bus.publish(subjects.timings(SESSION), encodeEnvelope(TRACE, timings));
    gateway.report({ attachment: 2, acknowledgedOutSeq: 999, announcedOrdinal: 99 });
    await stage.pass();
    expect(stage.statuses).toEqual([]);
    stage.session.voiceFailed({ ...key, epoch: 1, failure });
    await stage.pass();
    expect(stage.statuses).toEqual(['failed']);
  });
});
