import {
  DEFAULT_POLICY,
  DEFAULT_SETTINGS,
  subjects,
  type DeliveryReport,
  type SegmentTimings,
  type TurnPolicy,
} from '@parley/model';
import { encodeEnvelope } from '@parley/schemas';
import { PeerWatch } from '@parley/service-link';
import { initialState, liveResponse } from '@parley/turn-engine';
import {
  CONFIG,
  GATEWAY,
  GatewayDouble,
  interruptOf,
  numbersOf,
  OrchestratorStage,
  SESSION,
  TRACE,
  turnOf,
  updateOf,
  WorkerDouble,
} from '../orchestrator-stage.fixture';
import { OUTBOX_MAX_BYTES } from './outbox';
import { OwnedSession } from './owned-session';
import { decodeRecord, type SessionRecord } from './session-record';

let stage: OrchestratorStage;
let ports: ReturnType<OrchestratorStage['process']>;
let gateway: GatewayDouble;
let worker: WorkerDouble;
let peers: PeerWatch;
let session: OwnedSession;
let overs: number;
/** What the policy does when the engine reads the named time; thrown. */
let poisoned: keyof TurnPolicy | undefined;
let isLapsed: boolean;

const ENGINE = initialState({
  sessionId: SESSION,
  model: 'model-1',
  otherModels: [],
  defaultInstructions: '',
  instructions: '',
  voice: null,
  tools: [],
  toolChoice: 'auto',
  settings: DEFAULT_SETTINGS,
  avatar: null,
  capabilities: ['text'],
  resumable: false,
  expiresAtS: null,
});
/** What the gateway hands over: nothing that the stored state does not say. */
const NOTHING_NEW = { acknowledgedOutSeq: 0, linkLosses: 0, announcedOrdinal: 0, responses: [] };
let delivered: DeliveryReport = NOTHING_NEW;
const FRESH: SessionRecord = {
  v: 1,
  engine: ENGINE,
  connection: { attachment: 1, lastSeq: 0, gateway: GATEWAY, connectionId: null },
  resume: null,
  lastClientEventId: null,
  outSeq: 0,
  acknowledgedOutSeq: 0,
  outbox: [],
  voice: null,
};

/** Throws where the poison is read: what a bug in the engine would do. */
const policy = new Proxy(DEFAULT_POLICY, {
  get: (target, name: keyof TurnPolicy) => {
    if (name === poisoned) throw new Error('poisoned');
    return target[name];
  },
});

beforeEach(async () => {
  stage = new OrchestratorStage();
  gateway = new GatewayDouble(stage);
  worker = new WorkerDouble(stage);
  [overs, poisoned, isLapsed] = [0, undefined, false];
  await carry();
});
afterEach(async () => {
  await stage.system.runUntil(session.release());
  expect(overs).toBe(1);
  peers.close();
  await stage.pass(20_000);
  expect(stage.system.pendingTimers).toBe(0);
});

/** A process that has claimed the session with the next epoch. */
async function carry(record: SessionRecord = FRESH, epoch = 1): Promise<void> {
  ports = stage.process();
  peers = new PeerWatch(ports.bus, stage.system, 'orc_one');
  const claimed = stage.storeServer.sessions.claim({
    ...{ sessionId: SESSION, owner: 'orc_one', expectedEpoch: epoch - 1, seenEpoch: 0, ttlMs: 1e9 },
    newAttachment: epoch === 1,
  });
  if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
  const { rev } = claimed.session;
  session = new OwnedSession(
    ports,
    { ...CONFIG, policy },
    'orc_one',
    peers,
    { sessionId: SESSION, epoch, rev, record, traceparent: TRACE, isLapsed: () => isLapsed },
    () => overs++,
  );
  session.open();
  await stage.pass();
  if (epoch === 1) session.begin();
  else session.takeOver(delivered);
  await stage.pass();
}

/** Another process takes the session. */
const lose = (): void => {
  const lost = stage.storeServer.sessions.claim({
    ...{ sessionId: SESSION, owner: 'orc_two', expectedEpoch: 1, seenEpoch: 1, newAttachment: false, ttlMs: 1e9 },
  });
  expect(lost.kind).toBe('claimed');
};
function stored(): SessionRecord {
  const found = stage.storeServer.sessions.load(SESSION);
  const decoded = found.kind === 'found' && found.session.state ? decodeRecord(found.session.state) : undefined;
  if (!decoded?.ok) throw new Error('nothing readable is stored');
  return decoded.record;
}
/** A turn that was accepted; the model writes. */
async function thinking(): Promise<void> {
  await stage.now(gateway.send(turnOf(1)));
}
/** Three bytes a character; code is the longest that is spoken in one. */
const MORE_THAN_IS_KEPT = `\`\`\`\n${'語'.repeat(3_000)}\n\`\`\`\n`.repeat(OUTBOX_MAX_BYTES / 9_000);
const statuses = (): unknown[] => gateway.of('end').map(({ status }) => status);

describe('an owner whose lease has run out', () => {
  const WORDS = 'One two three four. Five six seven eight. Nine ten eleven twelve. ';

  it('[G6] orders nothing when it wakes up behind a successor, of whom its worker has not heard', async () => {
    await thinking();
    isLapsed = true;
    lose();
    stage.llm.call(0).writes(WORDS);
    await stage.pass(250);
    expect(worker.kinds).toEqual([]);
    expect(overs).toBe(1);
  });

  it('[G6] orders what it has to as soon as a write says that the session is still its own', async () => {
    await thinking();
    isLapsed = true;
    ports.store.hold();
    stage.llm.call(0).writes(WORDS);
    await stage.pass();
    expect(worker.kinds).toEqual([]);
    ports.store.letGo();
    await stage.pass();
    expect(worker.kinds).toEqual(['segment 0', 'segment 1', 'segment 2']);
    // And at once again, with its lease.
    isLapsed = false;
    stage.llm.call(0).writes('Thirteen fourteen fifteen. ');
    await stage.pass();
    ports.store.hold();
    stage.llm.call(0).finishes();
    await stage.pass();
    expect(worker.kinds.slice(3)).toEqual(['segment 3', 'end']);
    ports.store.letGo();
    await stage.pass();
  });

  it('[G2] goes on ordering for an answer that goes on unwritten, while no store says whose the session is', async () => {
    await thinking();
    isLapsed = true;
    ports.store.inner.setUnavailable(true);
    stage.llm.call(0).writes(WORDS);
    await stage.pass(250);
    expect(worker.kinds).toEqual(['segment 0', 'segment 1', 'segment 2']);
    ports.store.inner.setUnavailable(false);
  });

  it('[G6] doubts also what comes after its lease is renewed', async () => {
    await thinking();
    session.doubt();
    lose();
    stage.llm.call(0).writes(WORDS);
    await stage.pass(250);
    expect(worker.kinds).toEqual([]);
  });
});

describe('nothing leaves before the write that holds it', () => {
  it('neither the acceptance of a turn nor its text; model and voice are asked at once', async () => {
    const before = gateway.kinds.length;
    ports.store.hold();
    const reply = gateway.send(turnOf(1));
    await stage.pass();
    expect(stage.llm.calls).toHaveLength(1);
    expect(worker.opens).toHaveLength(1);
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass(250);
    expect(gateway.kinds.slice(before)).toEqual([]);
    ports.store.letGo();
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
    await thinking();
    ports.store.hold();
    stage.llm.call(0).writes('One two three four. Five');
    await stage.pass(1_000);
    expect(gateway.of('text')).toEqual([]);
    expect(worker.kinds).toEqual(['segment 0']);
    ports.store.letGo();
    await stage.pass();
    expect(gateway.of('text').map(({ text }) => text)).toEqual(['One two three four. ']);
    expect(worker.kinds).toEqual(['segment 0']);
  });

  it('what comes during a write is held by one more write, whatever it is', async () => {
    await thinking();
    const { length } = ports.store.writes;
    ports.store.hold();
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
    for (let n = 0; n < 20; n++) stage.llm.call(0).writes('And five six seven eight. ');
    await stage.pass();
    ports.store.letGo();
    await stage.pass();
    expect(gateway.of('text')).toHaveLength(21);
    expect(ports.store.writes).toHaveLength(length + 2);
  });

  it('what is stored then holds all of it: input, output and turn', async () => {
    gateway.acknowledges = false;
    const { outSeq } = stored();
    await thinking();
    const record = stored();
    expect(record.connection.lastSeq).toBe(1);
    expect(record.outbox.map((entry) => entry.outSeq)).toContain(outSeq + 5);
    expect(record.engine.recentTurnIds).toEqual(['turn_1']);
  });

  it('a report that changes nothing is not written', async () => {
    const { length } = ports.store.writes;
    gateway.report({ acknowledgedOutSeq: 3 });
    await stage.pass();
    expect(ports.store.writes).toHaveLength(length);
  });
});

describe('an input that is repeated', () => {
  it('while its write is under way is answered once for each request, and applied once', async () => {
    ports.store.hold();
    const first = gateway.send(turnOf(1));
    await stage.pass(100);
    const second = gateway.send(turnOf(1), { seq: 1 });
    await stage.pass(100);
    ports.store.letGo();
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
    await thinking();
    const { length } = ports.store.writes;
    expect(await stage.now(gateway.send(turnOf(1), { seq: 1 }))).toEqual({ kind: 'applied', seq: 1 });
    expect(ports.store.writes).toHaveLength(length);
    expect(gateway.of('error')).toEqual([]);
  });

  it('too early, or of another connection, is told so', async () => {
    expect(await stage.now(gateway.send(turnOf(1), { seq: 2 }))).toEqual({ kind: 'expected', seq: 1 });
    expect(await stage.now(gateway.send(turnOf(1), { seq: 1, attachment: 0 }))).toEqual({ kind: 'old-attachment' });
    expect(await stage.now(gateway.send(turnOf(1), { seq: 1, attachment: 2 }))).toEqual({ kind: 'disowned' });
    expect(stage.llm.calls).toEqual([]);
  });
});

describe('while the store cannot be reached', () => {
  it('nothing leaves and inputs wait unanswered; then each is applied once and everything leaves once', async () => {
    const before = gateway.kinds.length;
    ports.store.inner.setUnavailable(true);
    const unanswered = [gateway.send(turnOf(1)), gateway.send(updateOf('Be kind.'))];
    await stage.pass(5_000);
    expect(await Promise.all(unanswered)).toEqual(['timeout', 'timeout']);
    expect(gateway.kinds.slice(before)).toEqual([]);
    expect(stage.counted('parley_store_failures_total write')).toBeGreaterThan(10);
    const again = [gateway.send(turnOf(1), { seq: 1 }), gateway.send(updateOf('Be kind.'), { seq: 2 })];
    await stage.pass();
    ports.store.inner.setUnavailable(false);
    await stage.pass(250);
    expect(await Promise.all(again)).toEqual([
      { kind: 'applied', seq: 2 },
      { kind: 'applied', seq: 2 },
    ]);
    expect(gateway.kinds.slice(before).filter((kind) => kind === 'parley.turn.accepted')).toHaveLength(1);
    expect(gateway.kinds.slice(before).filter((kind) => kind === 'session.updated')).toHaveLength(1);
    expect(stage.llm.calls).toHaveLength(1);
  });

  it('a write that was applied without an answer is made again under another number, and everything leaves once', async () => {
    ports.store.lostAnswers = 2;
    const before = gateway.kinds.length;
    const reply = gateway.send(updateOf('Be kind.'));
    await stage.pass(500);
    expect(await reply).toBe('timeout');
    expect(await stage.now(gateway.send(updateOf('Be kind.'), { seq: 1 }))).toEqual({ kind: 'applied', seq: 1 });
    expect(gateway.kinds.slice(before)).toEqual(['session.updated']);
    expect(ports.store.writes.map(({ rev }) => rev)).toEqual([1, 2, 3, 4]);
  });

  it('the session cannot be let go, but dropped: nothing of it leaves any more', async () => {
    const before = gateway.kinds.length;
    ports.store.inner.setUnavailable(true);
    void gateway.send(turnOf(1));
    await stage.pass(100);
    let released = false;
    void session.release().then(() => (released = true));
    await stage.pass(1_000);
    expect(released).toBe(false);
    session.drop('the process stops');
    await stage.pass();
    expect(released).toBe(true);
    ports.store.inner.setUnavailable(false);
    await stage.pass(5_000);
    expect(gateway.kinds.slice(before)).toEqual([]);
    expect(stage.llm.call(0).signal.aborted).toBe(true);
    // The voice had been asked before the write that failed, and nobody else knows of it.
    expect([worker.opens.length, worker.kinds]).toEqual([1, ['cancel']]);
  });
});

describe('an answer while the store cannot be reached', () => {
  const away = (isAway: boolean): void => ports.store.inner.setUnavailable(isAway);
  const texts = (): string[] => gateway.of('text').map(({ text }) => text);

  const newestNumber = (): unknown => gateway.messages.flatMap(numbersOf).at(-1);

  beforeEach(async () => {
    await thinking();
    away(true);
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
  });
  afterEach(() => away(false));

  it('goes on unwritten to its end, and is written whole when the store is back', async () => {
    expect(texts()).toEqual(['One two three four. ']);
    stage.llm.call(0).writes('Five six seven eight. ');
    stage.llm.call(0).finishes();
    await stage.pass(1_000);
    expect(texts()).toHaveLength(2);
    expect(statuses()).toEqual(['completed']);
    expect(worker.kinds).toEqual(['segment 0', 'segment 1', 'end']);
    expect(JSON.stringify(stored())).not.toContain('One two');
    away(false);
    await stage.pass(200);
    expect(stored().outSeq).toBe(newestNumber());
    expect(JSON.stringify(stored().engine)).toContain('Five six seven eight. ');
  });

  it('is tried to be written every 200 ms, each time under another number', async () => {
    const { length } = ports.store.writes;
    await stage.pass(2_000);
    expect(ports.store.writes).toHaveLength(length + 10);
    const revs = ports.store.writes.map(({ rev }) => rev);
    expect(new Set(revs).size).toBe(revs.length);
  });

  it('is not overtaken by what its client says, which is answered in order when the store is back', async () => {
    const said = [gateway.send(updateOf('Be kind.')), gateway.send(interruptOf(1))];
    stage.llm.call(0).writes('Five six seven eight. ');
    await stage.pass(250);
    expect(texts()).toHaveLength(2);
    expect([gateway.of('interrupted'), stage.llm.call(0).signal.aborted]).toEqual([[], false]);
    away(false);
    await stage.pass(200);
    expect(await Promise.all(said)).toEqual(['timeout', 'timeout']);
    expect(await stage.now(gateway.send(interruptOf(1), { seq: 3 }))).toEqual({ kind: 'applied', seq: 3 });
    expect(gateway.kinds.slice(-4)).toEqual(['session.updated', 'parley.turn.metrics', 'interrupted', 'parley.state']);
  });

  it('waits where it calls a function: a successor that knew nothing of that would call it again', async () => {
    stage.llm.call(0).push({ kind: 'tool-called', name: 'light', arguments: '{}' });
    stage.llm.call(0).writes('Five six seven eight. ');
    await stage.pass(1_000);
    expect([gateway.of('call'), texts().length]).toEqual([[], 1]);
    away(false);
    await stage.pass(200);
    expect([gateway.of('call').length, texts().length]).toEqual([1, 2]);
  });

  it('waits where it fails: a successor would take for heard what was cut', async () => {
    stage.llm.call(0).push({ kind: 'failed', failure: { kind: 'unavailable', message: 'It broke.' } });
    await stage.pass(1_000);
    expect(statuses()).toEqual([]);
    away(false);
    await stage.pass(200);
    expect(statuses()).toEqual(['failed']);
  });

  it('stops where another process has taken the session meanwhile', async () => {
    lose();
    away(false);
    await stage.pass(200);
    expect(overs).toBe(1);
    const { length } = gateway.kinds;
    stage.llm.call(0).writes('Five six seven eight. ');
    await stage.pass(1_000);
    expect(gateway.kinds).toHaveLength(length);
  });

  it('is let go of only when it is written', async () => {
    const releasing = session.release();
    await stage.pass(1_000);
    expect(overs).toBe(0);
    away(false);
    await stage.pass(200);
    await stage.now(releasing);
    expect(JSON.stringify(stored().engine)).toContain('One two three four. ');
  });

  it('whose client listens no more is bounded all the same, as nobody can be told of its end', async () => {
    gateway.acknowledges = false;
    stage.llm.call(0).writes(MORE_THAN_IS_KEPT);
    await stage.pass(100);
    expect([overs, stage.logged('a session is given up')]).toEqual([1, 1]);
    expect(stage.counted('parley_store_failures_total remove')).toBe(1);
  });
});

describe('a session of which the gateway has output that was never stored', () => {
  it('[TK8] goes on behind its numbers, without a hole, and ends the answer', async () => {
    await thinking();
    const record = stored();
    peers.close();
    await stage.now(session.release());
    [overs, gateway.messages.length] = [0, 0];
    delivered = { acknowledgedOutSeq: record.outSeq + 3, linkLosses: 0, announcedOrdinal: 1, responses: [] };
    await carry(record, 2);
    delivered = NOTHING_NEW;
    const numbers = gateway.messages.flatMap(numbersOf);
    expect(numbers[0]).toBe(record.outSeq + 4);
    expect(gateway.of('adopted')).toHaveLength(1);
    expect(statuses()).toEqual(['failed']);
    const { outbox, outSeq } = stored();
    const kept = outbox.map((entry) => entry.outSeq);
    expect(kept).toEqual(kept.map((_, index) => outSeq - kept.length + 1 + index));
    expect(await stage.now(gateway.send(turnOf(2), { epoch: 2 }))).toEqual({ kind: 'applied', seq: 2 });
    expect(stage.llm.calls).toHaveLength(2);
  });
});

describe('a session that another process has taken', () => {
  it('is stopped by the next write: no answer, no output, no order, no model', async () => {
    await thinking();
    lose();
    const [kinds, opens] = [gateway.kinds.length, worker.opens.length];
    const reply = gateway.send(updateOf('Be kind.'));
    await stage.pass();
    stage.llm.call(0).writes('One two three four. ');
    stage.llm.call(0).finishes();
    gateway.report({ announcedOrdinal: 1 });
    await stage.pass(30_000);
    expect(await reply).toBe('timeout');
    expect(gateway.kinds).toHaveLength(kinds);
    expect(worker.opens).toHaveLength(opens);
    expect(worker.orders).toEqual([]);
    expect(stage.llm.call(0).signal.aborted).toBe(true);
    expect(stage.logged('another process owns the session')).toBe(1);
    expect(overs).toBe(1);
    expect(await stage.now(gateway.send(turnOf(2)))).toBe('no-responders');
  });

  it('while a write was under way: nothing of it reaches a client', async () => {
    await thinking();
    ports.store.hold();
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
    lose();
    ports.store.letGo();
    await stage.pass(1_000);
    expect(gateway.of('text')).toEqual([]);
    expect(overs).toBe(1);
  });

  it('repeats none of its unacknowledged output', async () => {
    gateway.acknowledges = false;
    await thinking();
    lose();
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
    const { length } = gateway.messages;
    await stage.pass(20_000);
    expect(gateway.messages).toHaveLength(length);
  });

  it('and lets go of it does not take it from the other', async () => {
    lose();
    await stage.system.runUntil(session.release());
    const found = stage.storeServer.sessions.load(SESSION);
    expect(found).toMatchObject({ kind: 'found', session: { owner: 'orc_two', epoch: 2 } });
  });
});

describe('letting go', () => {
  it('frees the session for another process at once, with its state, and stops everything', async () => {
    await thinking();
    await stage.now(session.release());
    await stage.now(session.release());
    expect(gateway.messages.at(-1)).toMatchObject({ epoch: 1, attachment: 1, outputs: [], released: true });
    const before = gateway.messages.length;
    expect(stage.storeServer.sessions.load(SESSION)).toMatchObject({ session: { owner: undefined, epoch: 1 } });
    expect(stored().engine.phase.name).toBe('thinking');
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass(20_000);
    expect(gateway.messages).toHaveLength(before);
    expect(await stage.now(gateway.send(turnOf(2)))).toBe('no-responders');
  });

  it('stops the model at once, and stores what no write was due for', async () => {
    await thinking();
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
    stage.llm.call(0).writes('Five six');
    await stage.pass();
    const isHalf = () => JSON.stringify(stored().engine).includes('Five six');
    expect(isHalf()).toBe(false);
    const releasing = session.release();
    expect(stage.llm.call(0).signal.aborted).toBe(true);
    await stage.now(releasing);
    expect(isHalf()).toBe(true);
    expect(liveResponse(stored().engine)?.generation.stage).toBe('running');
  });

  it('waits for the write that is under way, answers its input, and applies what comes meanwhile', async () => {
    ports.store.hold();
    const first = gateway.send(turnOf(1));
    await stage.pass();
    const releasing = session.release();
    const second = gateway.send(updateOf('Be kind.'));
    await stage.pass(100);
    expect(stage.storeServer.sessions.load(SESSION)).toMatchObject({ session: { owner: 'orc_one' } });
    ports.store.letGo();
    await stage.now(releasing);
    expect(await stage.now(first)).toMatchObject({ kind: 'applied' });
    expect(await stage.now(second)).toMatchObject({ kind: 'applied' });
    expect(stored().connection.lastSeq).toBe(2);
    // Whoever takes it over asks the model.
    expect(stage.llm.calls.every(({ signal }) => signal.aborted)).toBe(true);
  });

  it('begins no answer any more: its successor asks the model', async () => {
    ports.store.hold();
    const update = gateway.send(updateOf('Be kind.'));
    await stage.pass();
    const releasing = session.release();
    const turn = gateway.send(turnOf(2));
    await stage.pass();
    ports.store.letGo();
    await stage.now(Promise.all([releasing, update, turn]));
    expect(stored().engine.phase.name).toBe('thinking');
    expect(stage.llm.calls).toHaveLength(0);
  });
});

describe('a step that throws', () => {
  it('on a client’s input costs that input and nothing else', async () => {
    poisoned = 'firstTokenTimeoutMs';
    expect(await stage.now(gateway.send(turnOf(1)))).toEqual({ kind: 'applied', seq: 1 });
    poisoned = undefined;
    expect(await stage.now(gateway.send(turnOf(2)))).toEqual({ kind: 'applied', seq: 2 });
    expect(gateway.kinds.filter((kind) => kind === 'announce')).toHaveLength(1);
    expect(stage.logged('a step failed')).toBe(1);
  });

  it('in mid-answer ends that answer as failed, and the next turn works', async () => {
    await thinking();
    poisoned = 'tokenTimeoutMs';
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
    poisoned = undefined;
    expect(gateway.of('end')).toMatchObject([{ status: 'failed', error: { code: 'llm_unavailable' } }]);
    expect(stage.llm.call(0).signal.aborted).toBe(true);
    expect(worker.kinds).toEqual(['cancel']);
    await stage.now(gateway.send(turnOf(2)));
    expect(stage.llm.calls).toHaveLength(2);
    expect(overs).toBe(0);
  });

  it('on what waits together costs none of the others', async () => {
    ports.store.hold();
    const first = gateway.send(updateOf('One.'));
    await stage.pass();
    poisoned = 'firstTokenTimeoutMs';
    const others = [gateway.send(turnOf(1)), gateway.send(updateOf('Two.'))];
    await stage.pass();
    ports.store.letGo();
    await stage.pass();
    poisoned = undefined;
    expect(await Promise.all([first, ...others])).toEqual([
      { kind: 'applied', seq: 1 },
      { kind: 'applied', seq: 3 },
      { kind: 'applied', seq: 3 },
    ]);
    expect(gateway.kinds.filter((kind) => kind === 'session.updated')).toHaveLength(2);
  });
});

describe('an exception outside a step', () => {
  const broken = (): never => {
    throw new Error('broken');
  };

  it('ends the session, and neither the process nor the next owner', async () => {
    await thinking();
    jest.spyOn(ports.bus, 'publish').mockImplementationOnce(broken);
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass(100);
    expect([overs, stage.logged('a session is given up')]).toEqual([1, 1]);
    expect(worker.kinds.at(-1)).toBe('cancel');
    expect(stage.storeServer.sessions.load(SESSION)).toEqual({ kind: 'removed', epoch: 1 });
    expect(gateway.messages.at(-1)).toMatchObject({ outputs: [], released: true });
  });

  it('of the store ends it too', async () => {
    ports.store.write = async () => broken();
    const said = gateway.send(updateOf('Be kind.'));
    await stage.pass(500);
    expect(await said).toBe('timeout');
    expect([overs, stage.logged('a session is given up')]).toEqual([1, 1]);
  });
});

describe('what comes late', () => {
  it('of the model after an interrupt reaches nobody', async () => {
    await thinking();
    await stage.now(gateway.send(interruptOf(1)));
    stage.llm.call(0).writes('One two three four. ');
    stage.llm.call(0).finishes();
    await stage.pass(1_000);
    expect(gateway.of('text')).toEqual([]);
    expect(gateway.of('interrupted')).toHaveLength(1);
    expect(worker.kinds).toEqual(['cancel']);
  });

  it('of an answer that ends in the write that begins the next reaches the worker of that answer alone', async () => {
    await thinking();
    ports.store.hold();
    void gateway.send(updateOf('Be kind.'));
    await stage.pass();
    void gateway.send(interruptOf(0));
    void gateway.send(turnOf(2));
    await stage.pass();
    ports.store.letGo();
    await stage.pass();
    expect(worker.opens.map(({ ordinal }) => ordinal)).toEqual([1, 2]);
    expect(worker.orders).toMatchObject([{ kind: 'cancel', ordinal: 1 }]);
  });

  it('of a voice that accepts after an interrupt is answered with a cancel', async () => {
    worker.onOpen = () => 500;
    await thinking();
    await stage.now(gateway.send(interruptOf(1)));
    await stage.pass(1_000);
    expect(worker.kinds).toEqual(['cancel']);
    expect(statuses()).toEqual([]);
  });

  it('of another epoch or connection counts for nothing', async () => {
    await thinking();
    const failure = { kind: 'cut', message: '' } as const;
    const key = { sessionId: SESSION, epoch: 2, lane: 0, ordinal: 1, attempt: 1, segment: 0 };
    session.voiceFailed({ ...key, failure });
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
    expect(statuses()).toEqual([]);
    session.voiceFailed({ ...key, epoch: 1, failure });
    await stage.pass();
    expect(statuses()).toEqual(['failed']);
  });
});

describe('the end of a session', () => {
  it('by its client is written, answered, and forgotten by the store', async () => {
    await thinking();
    expect(await stage.now(gateway.send({ kind: 'disconnected', reason: 'client' }))).toEqual({
      kind: 'applied',
      seq: 2,
    });
    expect(stage.storeServer.sessions.load(SESSION)).toEqual({ kind: 'removed', epoch: 1 });
    expect(stage.llm.call(0).signal.aborted).toBe(true);
    expect(worker.kinds).toEqual(['cancel']);
    expect(overs).toBe(1);
  });

  it('by its age is told to the client first', async () => {
    await stage.pass(DEFAULT_POLICY.sessionMaxMs + 1);
    expect(gateway.of('error')).toMatchObject([{ error: { code: 'session_expired' } }]);
    expect(gateway.of('disconnect')).toMatchObject([{ closeCode: 1001 }]);
    expect(overs).toBe(1);
  });

  it('by the loss of its gateway comes after 3 s of silence, not at once', async () => {
    gateway.bus.kill();
    await stage.pass(2_900);
    expect(overs).toBe(0);
    await stage.pass(700);
    expect(overs).toBe(1);
    expect(stage.storeServer.sessions.load(SESSION)).toEqual({ kind: 'removed', epoch: 1 });
  });

  it('comes when a gateway that lives acknowledges nothing for 10 s', async () => {
    gateway.acknowledges = false;
    void gateway.send(updateOf('Be kind.'));
    await stage.pass(9_900);
    expect(overs).toBe(0);
    await stage.pass(1_000);
    expect(overs).toBe(1);
  });

  it('comes when more waits for an acknowledgement than is kept, and its gateway hears of it', async () => {
    gateway.acknowledges = false;
    await thinking();
    stage.llm.call(0).writes(MORE_THAN_IS_KEPT);
    await stage.pass(100);
    expect([overs, stage.logged('a session is given up')]).toEqual([1, 1]);
    expect(worker.kinds.at(-1)).toBe('cancel');
    expect(stage.storeServer.sessions.load(SESSION)).toEqual({ kind: 'removed', epoch: 1 });
    expect(gateway.messages.at(-1)).toMatchObject({ outputs: [], released: true });
  });

  it('comes before a client has more said with little than is kept, written in small parts', async () => {
    gateway.acknowledges = false;
    const longItem = {
      kind: 'item-created',
      itemId: 'long',
      item: { role: 'user', text: '語'.repeat(32_768) },
    } as const;
    const sizes: number[] = [];
    const { write } = ports.store;
    ports.store.write = (request) => {
      sizes.push(request.state.byteLength);
      return write.call(ports.store, request);
    };
    void gateway.send(longItem);
    for (let n = 0; n < 500; n++) void gateway.send({ kind: 'item-retrieved', itemId: 'long' });
    await stage.pass(1_000);
    expect(overs).toBe(1);
    const added = sizes.map((bytes, index) => bytes - (sizes[index - 1] ?? 0));
    expect(Math.max(...added)).toBeLessThan(500_000);
    expect(Math.max(...sizes)).toBeLessThan(3_000_000);
  });

  it('that the store does not hear of is counted', async () => {
    ports.store.hold();
    void gateway.send({ kind: 'disconnected', reason: 'client' });
    await stage.pass();
    ports.store.remove = async () => ({ kind: 'unavailable', message: 'lost' });
    ports.store.letGo();
    await stage.pass();
    expect(stage.counted('parley_store_failures_total remove')).toBe(1);
    expect(overs).toBe(1);
  });
});

describe('a session taken over in mid-answer', () => {
  beforeEach(async () => {
    gateway.acknowledges = false;
    await thinking();
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
    const record = stored();
    ports.bus.kill();
    peers.close();
    // The dead process runs no more; its session object is only let go so that its timers end.
    await stage.now(session.release());
    overs = 0;
    gateway.messages.length = 0;
    worker.orders.length = 0;
    await carry(record, 2);
  });

  it('first sends what was not acknowledged, with its old numbers, then what it has adopted', async () => {
    const numbers = gateway.messages.flatMap(numbersOf);
    expect(numbers).toEqual(numbers.map((_, index) => 1 + index));
    expect(gateway.messages.every(({ epoch }) => epoch === 2)).toBe(true);
    expect(gateway.of('adopted')).toMatchObject([
      { epoch: 2, ordinal: 1, segments: [{ index: 0, epoch: 1, attempt: 1 }] },
    ]);
    expect(gateway.outputs.at(-1)?.kind).toBe('adopted');
    expect(gateway.of('end')).toEqual([]);
  });

  it('[G6] has its worker speak on, and the model continue what was dispatched', async () => {
    await stage.pass();
    expect(worker.orders).toMatchObject([
      { kind: 'adopt', epoch: 2, ordinal: 1, attempt: 2, of: { epoch: 1, attempt: 1 }, segments: 1 },
      { kind: 'segment', epoch: 2, attempt: 2, segment: 0 },
    ]);
    expect(stage.llm.call(1).request).toMatchObject({ continues: 'One two three four. ' });
    stage.llm.call(1).writes('Five six seven eight. ');
    stage.llm.call(1).finishes();
    await stage.pass();
    expect(gateway.of('text').at(-1)).toMatchObject({ ordinal: 1, segment: 1, text: 'Five six seven eight. ' });
    expect(gateway.of('end')).toMatchObject([{ status: 'completed', segments: 2 }]);
  });

  it('takes the inputs on from where they were: repeated ones are answered, the next turn runs', async () => {
    expect(await stage.now(gateway.send(turnOf(1), { seq: 1, epoch: 2 }))).toEqual({ kind: 'applied', seq: 1 });
    expect(gateway.of('announce').map(({ ordinal }) => ordinal)).toEqual([1]);
    expect(await stage.now(gateway.send(turnOf(2), { seq: 2, epoch: 2 }))).toEqual({ kind: 'applied', seq: 2 });
    expect(gateway.of('error')).toMatchObject([{ error: { code: 'turn_in_progress' } }]);
  });
});
