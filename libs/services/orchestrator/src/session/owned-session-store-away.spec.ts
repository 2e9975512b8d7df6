import {
  interruptOf,
  numbersOf,
  turnOf,
  updateOf,
  type GatewayDouble,
  type WorkerDouble,
} from '../orchestrator-stage.fixture';
import { MORE_THAN_IS_KEPT, OwnedSessionStage } from './owned-session-stage.fixture';

let stage: OwnedSessionStage;
let gateway: GatewayDouble;
let worker: WorkerDouble;

beforeEach(async () => {
  stage = await OwnedSessionStage.started();
  ({ gateway, worker } = stage);
});
afterEach(() => stage.end());

describe('while the store cannot be reached', () => {
  it('nothing leaves and inputs wait unanswered; then each is applied once and everything leaves once', async () => {
    const before = gateway.kinds.length;
    stage.ports.store.inner.setUnavailable(true);
    const unanswered = [gateway.send(turnOf(1)), gateway.send(updateOf('Be kind.'))];
    await stage.pass(5_000);
    expect(await Promise.all(unanswered)).toEqual(['timeout', 'timeout']);
    expect(gateway.kinds.slice(before)).toEqual([]);
    expect(stage.counted('parley_store_failures_total write')).toBeGreaterThan(10);
    const again = [gateway.send(turnOf(1), { seq: 1 }), gateway.send(updateOf('Be kind.'), { seq: 2 })];
    await stage.pass();
    stage.ports.store.inner.setUnavailable(false);
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
    stage.ports.store.lostAnswers = 2;
    const before = gateway.kinds.length;
    const reply = gateway.send(updateOf('Be kind.'));
    await stage.pass(500);
    expect(await reply).toBe('timeout');
    expect(await stage.now(gateway.send(updateOf('Be kind.'), { seq: 1 }))).toEqual({ kind: 'applied', seq: 1 });
    expect(gateway.kinds.slice(before)).toEqual(['session.updated']);
    expect(stage.ports.store.writes.map(({ rev }) => rev)).toEqual([1, 2, 3, 4]);
  });

  it('the session cannot be let go, but dropped: nothing of it leaves any more', async () => {
    const before = gateway.kinds.length;
    stage.ports.store.inner.setUnavailable(true);
    void gateway.send(turnOf(1));
    await stage.pass(100);
    let released = false;
    void stage.session.release().then(() => (released = true));
    await stage.pass(1_000);
    expect(released).toBe(false);
    stage.session.drop('the process stops');
    await stage.pass();
    expect(released).toBe(true);
    stage.ports.store.inner.setUnavailable(false);
    await stage.pass(5_000);
    expect(gateway.kinds.slice(before)).toEqual([]);
    expect(stage.llm.call(0).signal.aborted).toBe(true);
    // The voice had been asked before the write that failed, and nobody else knows of it.
    expect([worker.opens.length, worker.kinds]).toEqual([1, ['cancel']]);
  });
});

describe('an answer while the store cannot be reached', () => {
  const away = (isAway: boolean): void => stage.ports.store.inner.setUnavailable(isAway);
  const texts = (): string[] => gateway.of('text').map(({ text }) => text);

  const newestNumber = (): unknown => gateway.messages.flatMap(numbersOf).at(-1);

  beforeEach(async () => {
    await stage.thinking();
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
    expect(stage.statuses).toEqual(['completed']);
    expect(worker.kinds).toEqual(['segment 0', 'segment 1', 'end']);
    expect(JSON.stringify(stage.stored)).not.toContain('One two');
    away(false);
    await stage.pass(200);
    expect(stage.stored.outSeq).toBe(newestNumber());
    expect(JSON.stringify(stage.stored.engine)).toContain('Five six seven eight. ');
  });

  it('is tried to be written every 200 ms, each time under another number', async () => {
    const { length } = stage.ports.store.writes;
    await stage.pass(2_000);
    expect(stage.ports.store.writes).toHaveLength(length + 10);
    const revs = stage.ports.store.writes.map(({ rev }) => rev);
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
    expect(stage.statuses).toEqual([]);
    away(false);
    await stage.pass(200);
    expect(stage.statuses).toEqual(['failed']);
  });

  it('stops where another process has taken the session meanwhile', async () => {
    stage.lose();
    away(false);
    await stage.pass(200);
    expect(stage.overs).toBe(1);
    const { length } = gateway.kinds;
    stage.llm.call(0).writes('Five six seven eight. ');
    await stage.pass(1_000);
    expect(gateway.kinds).toHaveLength(length);
  });

  it('is let go of only when it is written', async () => {
    const releasing = stage.session.release();
    await stage.pass(1_000);
    expect(stage.overs).toBe(0);
    away(false);
    await stage.pass(200);
    await stage.now(releasing);
    expect(JSON.stringify(stage.stored.engine)).toContain('One two three four. ');
  });

  it('whose client listens no more is bounded all the same, as nobody can be told of its end', async () => {
    gateway.acknowledges = false;
    stage.llm.call(0).writes(MORE_THAN_IS_KEPT);
    await stage.pass(100);
    expect([stage.overs, stage.logged('a session is given up')]).toEqual([1, 1]);
    expect(stage.counted('parley_store_failures_total remove')).toBe(1);
  });
});
