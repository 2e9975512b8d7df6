import { SESSION, turnOf, updateOf, type GatewayDouble, type WorkerDouble } from '../orchestrator-stage.fixture';
import { OwnedSessionStage } from './owned-session-stage.fixture';

let stage: OwnedSessionStage;
let gateway: GatewayDouble;
let worker: WorkerDouble;

beforeEach(async () => {
  stage = await OwnedSessionStage.started();
  ({ gateway, worker } = stage);
});
afterEach(() => stage.end());

describe('a step that throws', () => {
  it('on a client’s input costs that input and nothing else', async () => {
    stage.poisoned = 'firstTokenTimeoutMs';
    expect(await stage.now(gateway.send(turnOf(1)))).toEqual({ kind: 'applied', seq: 1 });
    stage.poisoned = undefined;
    expect(await stage.now(gateway.send(turnOf(2)))).toEqual({ kind: 'applied', seq: 2 });
    expect(gateway.kinds.filter((kind) => kind === 'announce')).toHaveLength(1);
    expect(stage.logged('a step failed')).toBe(1);
  });

  it('in mid-answer ends that answer as failed, and the next turn works', async () => {
    await stage.thinking();
    stage.poisoned = 'tokenTimeoutMs';
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass();
    stage.poisoned = undefined;
    expect(gateway.of('end')).toMatchObject([{ status: 'failed', error: { code: 'llm_unavailable' } }]);
    expect(stage.llm.call(0).signal.aborted).toBe(true);
    expect(worker.kinds).toEqual(['cancel']);
    await stage.now(gateway.send(turnOf(2)));
    expect(stage.llm.calls).toHaveLength(2);
    expect(stage.overs).toBe(0);
  });

  it('on what waits together costs none of the others', async () => {
    stage.ports.store.hold();
    const first = gateway.send(updateOf('One.'));
    await stage.pass();
    stage.poisoned = 'firstTokenTimeoutMs';
    const others = [gateway.send(turnOf(1)), gateway.send(updateOf('Two.'))];
    await stage.pass();
    stage.ports.store.letGo();
    await stage.pass();
    stage.poisoned = undefined;
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
    await stage.thinking();
    jest.spyOn(stage.ports.bus, 'publish').mockImplementationOnce(broken);
    stage.llm.call(0).writes('One two three four. ');
    await stage.pass(100);
    expect([stage.overs, stage.logged('a session is given up')]).toEqual([1, 1]);
    expect(worker.kinds.at(-1)).toBe('cancel');
    expect(stage.storeServer.sessions.load(SESSION)).toEqual({ kind: 'removed', epoch: 1 });
    expect(gateway.messages.at(-1)).toMatchObject({ outputs: [], released: true });
  });

  it('of the store ends it too', async () => {
    stage.ports.store.write = async () => broken();
    const said = gateway.send(updateOf('Be kind.'));
    await stage.pass(500);
    expect(await said).toBe('timeout');
    expect([stage.overs, stage.logged('a session is given up')]).toEqual([1, 1]);
  });
});
