import { DEFAULT_POLICY } from '@parley/model';
import { SESSION, updateOf, type GatewayDouble, type WorkerDouble } from '../orchestrator-stage.fixture';
import { MORE_THAN_IS_KEPT, OwnedSessionStage } from './owned-session-stage.fixture';

let stage: OwnedSessionStage;
let gateway: GatewayDouble;
let worker: WorkerDouble;

beforeEach(async () => {
  stage = await OwnedSessionStage.started();
  ({ gateway, worker } = stage);
});
afterEach(() => stage.end());

describe('the end of a session', () => {
  it('by its client is written, answered, and forgotten by the store', async () => {
    await stage.thinking();
    expect(await stage.now(gateway.send({ kind: 'disconnected', reason: 'client' }))).toEqual({
      kind: 'applied',
      seq: 2,
    });
    expect(stage.storeServer.sessions.load(SESSION)).toEqual({ kind: 'removed', epoch: 1 });
    expect(stage.llm.call(0).signal.aborted).toBe(true);
    expect(worker.kinds).toEqual(['cancel']);
    expect(stage.overs).toBe(1);
  });

  it('by its age is told to the client first', async () => {
    await stage.pass(DEFAULT_POLICY.sessionMaxMs + 1);
    expect(gateway.of('error')).toMatchObject([{ error: { code: 'session_expired' } }]);
    expect(gateway.of('disconnect')).toMatchObject([{ closeCode: 1001 }]);
    expect(stage.overs).toBe(1);
  });

  it('by the loss of its gateway comes after 3 s of silence, not at once', async () => {
    gateway.bus.kill();
    await stage.pass(2_900);
    expect(stage.overs).toBe(0);
    await stage.pass(700);
    expect(stage.overs).toBe(1);
    expect(stage.storeServer.sessions.load(SESSION)).toEqual({ kind: 'removed', epoch: 1 });
  });

  it('comes when a gateway that lives acknowledges nothing for 10 s', async () => {
    gateway.acknowledges = false;
    void gateway.send(updateOf('Be kind.'));
    await stage.pass(9_900);
    expect(stage.overs).toBe(0);
    await stage.pass(1_000);
    expect(stage.overs).toBe(1);
  });

  it('comes when more waits for an acknowledgement than is kept, and its gateway hears of it', async () => {
    gateway.acknowledges = false;
    await stage.thinking();
    stage.llm.call(0).writes(MORE_THAN_IS_KEPT);
    await stage.pass(100);
    expect([stage.overs, stage.logged('a session is given up')]).toEqual([1, 1]);
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
    const { write } = stage.ports.store;
    stage.ports.store.write = (request) => {
      sizes.push(request.state.byteLength);
      return write.call(stage.ports.store, request);
    };
    void gateway.send(longItem);
    for (let n = 0; n < 500; n++) void gateway.send({ kind: 'item-retrieved', itemId: 'long' });
    await stage.pass(1_000);
    expect(stage.overs).toBe(1);
    const added = sizes.map((bytes, index) => bytes - (sizes[index - 1] ?? 0));
    expect(Math.max(...added)).toBeLessThan(500_000);
    expect(Math.max(...sizes)).toBeLessThan(3_000_000);
  });

  it('that the store does not hear of is counted', async () => {
    stage.ports.store.hold();
    void gateway.send({ kind: 'disconnected', reason: 'client' });
    await stage.pass();
    stage.ports.store.remove = async () => ({ kind: 'unavailable', message: 'lost' });
    stage.ports.store.letGo();
    await stage.pass();
    expect(stage.counted('parley_store_failures_total remove')).toBe(1);
    expect(stage.overs).toBe(1);
  });
});
