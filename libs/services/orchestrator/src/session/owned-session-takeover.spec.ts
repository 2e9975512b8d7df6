import { liveResponse } from '@parley/turn-engine';
import {
  numbersOf,
  SESSION,
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

describe('an owner whose lease has run out', () => {
  const WORDS = 'One two three four. Five six seven eight. Nine ten eleven twelve. ';

  it('[G6] orders nothing when it wakes up behind a successor, of whom its worker has not heard', async () => {
    await stage.thinking();
    stage.isLapsed = true;
    stage.lose();
    stage.llm.call(0).writes(WORDS);
    await stage.pass(250);
    expect(worker.kinds).toEqual([]);
    expect(stage.overs).toBe(1);
  });

  it('[G6] orders what it has to as soon as a write says that the session is still its own', async () => {
    await stage.thinking();
    stage.isLapsed = true;
    stage.ports.store.hold();
    stage.llm.call(0).writes(WORDS);
    await stage.pass();
    expect(worker.kinds).toEqual([]);
    stage.ports.store.letGo();
    await stage.pass();
    expect(worker.kinds).toEqual(['segment 0', 'segment 1', 'segment 2']);
    // And at once again, with its lease.
    stage.isLapsed = false;
    stage.llm.call(0).writes('Thirteen fourteen fifteen. ');
    await stage.pass();
    stage.ports.store.hold();
    stage.llm.call(0).finishes();
    await stage.pass();
    expect(worker.kinds.slice(3)).toEqual(['segment 3', 'end']);
    stage.ports.store.letGo();
    await stage.pass();
  });

  it('[G2] goes on ordering for an answer that goes on unwritten, while no store says whose the session is', async () => {
    await stage.thinking();
    stage.isLapsed = true;
    stage.ports.store.inner.setUnavailable(true);
    stage.llm.call(0).writes(WORDS);
    await stage.pass(250);
    expect(worker.kinds).toEqual(['segment 0', 'segment 1', 'segment 2']);
    stage.ports.store.inner.setUnavailable(false);
  });

  it('[G6] doubts also what comes after its lease is renewed', async () => {
    await stage.thinking();
    stage.session.doubt();
    stage.lose();
    stage.llm.call(0).writes(WORDS);
    await stage.pass(250);
    expect(worker.kinds).toEqual([]);
  });
});

describe('a session of which the gateway has output that was never stored', () => {
  it('[TK8] goes on behind its numbers, without a hole, and ends the answer', async () => {
    await stage.thinking();
    const record = stage.stored;
    const acknowledgedOutSeq = record.outSeq + 3;
    await stage.takeOver(record, { acknowledgedOutSeq, linkLosses: 0, announcedOrdinal: 1, responses: [] });
    const numbers = gateway.messages.flatMap(numbersOf);
    expect(numbers[0]).toBe(record.outSeq + 4);
    expect(gateway.of('adopted')).toHaveLength(1);
    expect(stage.statuses).toEqual(['failed']);
    const { outbox, outSeq } = stage.stored;
    const kept = outbox.map((entry) => entry.outSeq);
    expect(kept).toEqual(kept.map((_, index) => outSeq - kept.length + 1 + index));
    expect(await stage.now(gateway.send(turnOf(2), { epoch: 2 }))).toEqual({ kind: 'applied', seq: 2 });
    expect(stage.llm.calls).toHaveLength(2);
  });
});

describe('a session whose owner died when it had opened a connection, and of that nothing else had come', () => {
  it('[G2][G6] is told to that connection from its beginning on', async () => {
    await stage.thinking();
    const { outSeq, ...record } = stage.stored;
    const resume = { token: 'token', previous: null };
    const acknowledged = { ...record, outSeq, acknowledgedOutSeq: outSeq, resume };
    await stage.takeOver(acknowledged, { acknowledgedOutSeq: 1, linkLosses: 0, announcedOrdinal: 0, responses: [] });
    const numbers = gateway.messages.flatMap(numbersOf);
    expect(outSeq).toBeGreaterThan(2);
    expect(numbers.slice(0, outSeq)).toEqual(Array.from({ length: outSeq }, (_, index) => index + 2));
  });
});

describe('a session that another process has taken', () => {
  it('is stopped by the next write: no answer, no output, no order, no model', async () => {
    await stage.thinking();
    stage.lose();
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
    expect(stage.overs).toBe(1);
    expect(await stage.now(gateway.send(turnOf(2)))).toBe('no-responders');
  });

  it('while a write was under way: nothing of it reaches a client', async () => {
    await stage.thinking();
    stage.ports.store.hold();
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
    stage.lose();
    stage.ports.store.letGo();
    await stage.pass(1_000);
    expect(gateway.of('text')).toEqual([]);
    expect(stage.overs).toBe(1);
  });

  it('repeats none of its unacknowledged output', async () => {
    gateway.acknowledges = false;
    await stage.thinking();
    stage.lose();
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
    const { length } = gateway.messages;
    await stage.pass(20_000);
    expect(gateway.messages).toHaveLength(length);
  });

  it('and lets go of it does not take it from the other', async () => {
    stage.lose();
    await stage.system.runUntil(stage.session.release());
    const found = stage.storeServer.sessions.load(SESSION);
    expect(found).toMatchObject({ kind: 'found', session: { owner: 'orc_two', epoch: 2 } });
  });
});

describe('letting go', () => {
  it('frees the session for another process at once, with its state, and stops everything', async () => {
    await stage.thinking();
    await stage.now(stage.session.release());
    await stage.now(stage.session.release());
    expect(gateway.messages.at(-1)).toMatchObject({ epoch: 1, attachment: 1, outputs: [], released: true });
    const before = gateway.messages.length;
    expect(stage.storeServer.sessions.load(SESSION)).toMatchObject({ session: { owner: undefined, epoch: 1 } });
    expect(stage.stored.engine.phase.name).toBe('thinking');
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass(20_000);
    expect(gateway.messages).toHaveLength(before);
    expect(await stage.now(gateway.send(turnOf(2)))).toBe('no-responders');
  });

  it('stops the model at once, and stores what no write was due for', async () => {
    await stage.thinking();
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
    stage.llm.call(0).writes('Five six');
    await stage.pass();
    const isHalf = () => JSON.stringify(stage.stored.engine).includes('Five six');
    expect(isHalf()).toBe(false);
    const releasing = stage.session.release();
    expect(stage.llm.call(0).signal.aborted).toBe(true);
    await stage.now(releasing);
    expect(isHalf()).toBe(true);
    expect(liveResponse(stage.stored.engine)?.generation.stage).toBe('running');
  });

  it('waits for the write that is under way, answers its input, and applies what comes meanwhile', async () => {
    stage.ports.store.hold();
    const first = gateway.send(turnOf(1));
    await stage.pass();
    const releasing = stage.session.release();
    const second = gateway.send(updateOf('Be kind.'));
    await stage.pass(100);
    expect(stage.storeServer.sessions.load(SESSION)).toMatchObject({ session: { owner: 'orc_one' } });
    stage.ports.store.letGo();
    await stage.now(releasing);
    expect(await stage.now(first)).toMatchObject({ kind: 'applied' });
    expect(await stage.now(second)).toMatchObject({ kind: 'applied' });
    expect(stage.stored.connection.lastSeq).toBe(2);
    // Whoever takes it over asks the model.
    expect(stage.llm.calls.every(({ signal }) => signal.aborted)).toBe(true);
  });

  it('begins no answer any more: its successor asks the model', async () => {
    stage.ports.store.hold();
    const update = gateway.send(updateOf('Be kind.'));
    await stage.pass();
    const releasing = stage.session.release();
    const turn = gateway.send(turnOf(2));
    await stage.pass();
    stage.ports.store.letGo();
    await stage.now(Promise.all([releasing, update, turn]));
    expect(stage.stored.engine.phase.name).toBe('thinking');
    expect(stage.llm.calls).toHaveLength(0);
  });
});

describe('a session taken over in mid-answer', () => {
  beforeEach(async () => {
    gateway.acknowledges = false;
    await stage.thinking();
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
    const record = stage.stored;
    stage.ports.bus.kill();
    await stage.takeOver(record);
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
