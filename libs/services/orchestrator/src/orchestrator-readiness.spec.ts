import { subjects, type Incarnation } from '@parley/model';
import { GatewayDouble, keepClaim, newClaim } from './orchestrator-stage.fixture';
import { RunningOrchestrators } from './running-orchestrators.fixture';

let stage: RunningOrchestrators;
let gateway: GatewayDouble;

beforeEach(() => {
  stage = new RunningOrchestrators();
  ({ gateway } = stage);
});
afterEach(() => stage.end());

const leaseOf = (owner: Incarnation): boolean => stage.storeServer.leaseAlive(owner);

describe('an orchestrator whose event loop is late', () => {
  it('is asked for no new session, refuses one that finds nobody else, and takes them again when it has time', async () => {
    await stage.start();
    await stage.system.stayAtLag(101, 1_000);
    expect(await stage.claim()).toBe('no-responders');
    expect(await stage.now(gateway.claim(newClaim(), subjects.claimReserve))).toEqual({ kind: 'full' });
    await stage.system.stayAtLag(49, 3_000);
    expect(await stage.claim()).toMatchObject({ kind: 'granted' });
  });

  it('takes over a session that lost its owner and finds nobody else', async () => {
    const first = await stage.start();
    await stage.claim();
    const second = await stage.start();
    first.kill();
    await stage.system.stayAtLag(101, 1_000);
    expect(await stage.now(gateway.claim(keepClaim(), subjects.claimReserve))).toMatchObject({
      ...{ kind: 'granted', epoch: 2, attachment: 1, owner: second.service.incarnation },
    });
  });

  it('takes over none beyond its limit of sessions', async () => {
    const first = await stage.start();
    await stage.claim();
    await stage.start({ maxSessions: 1 });
    const other = new GatewayDouble(stage, 'sess_other');
    await stage.now(other.claim(newClaim('sess_other')));
    await stage.now(other.claim(newClaim('sess_another')));
    first.kill();
    expect(await stage.now(gateway.claim(keepClaim(), subjects.claimReserve))).toEqual({ kind: 'full' });
  });
});

describe('the lease', () => {
  it('is held from the start, renewed before it ends, and given back at the stop', async () => {
    const { service } = await stage.start();
    expect(leaseOf(service.incarnation)).toBe(true);
    for (let n = 0; n < 20; n++) {
      await stage.pass(500);
      expect(leaseOf(service.incarnation)).toBe(true);
    }
    await stage.now(service.stop(1_000));
    expect(leaseOf(service.incarnation)).toBe(false);
    await stage.pass(5_000);
    expect(leaseOf(service.incarnation)).toBe(false);
  });

  it('of a process that died ends within 3 s', async () => {
    const one = await stage.start();
    await stage.pass(950);
    one.kill();
    await stage.pass(3_000);
    expect(leaseOf(one.service.incarnation)).toBe(false);
  });

  it('that cannot be renewed makes the process not ready, until it is', async () => {
    const { service, ports } = await stage.start();
    expect(service.readiness()).toEqual({ ready: true, reasons: [] });
    ports.store.inner.setUnavailable(true);
    await stage.pass(1_000);
    expect(service.readiness()).toEqual({ ready: false, reasons: ['the session store cannot be reached'] });
    expect(stage.counted('parley_store_failures_total lease')).toBe(1);
    ports.bus.disconnect();
    expect(service.readiness().reasons).toEqual(['the bus cannot be reached', 'the session store cannot be reached']);
    ports.store.inner.setUnavailable(false);
    ports.bus.reconnect();
    await stage.pass(1_000);
    expect(service.readiness()).toEqual({ ready: true, reasons: [] });
  });
});

describe('an orchestrator that cannot reach the store', () => {
  it('[G2] is not asked while another one can, and is again when it can itself', async () => {
    const { ports } = await stage.start();
    const { service: other } = await stage.start();
    ports.store.inner.setUnavailable(true);
    await stage.pass(1_000);
    for (let n = 0; n < 12; n++) {
      expect(await stage.claim(newClaim(`sess_${n}`))).toMatchObject({ kind: 'granted', owner: other.incarnation });
    }
    ports.store.inner.setUnavailable(false);
    await stage.pass(1_000);
    const owners = new Set<unknown>();
    for (let n = 12; n < 32; n++) {
      const reply = await stage.claim(newClaim(`sess_${n}`));
      owners.add(typeof reply === 'object' && reply.kind === 'granted' && reply.owner);
    }
    expect(owners.size).toBe(2);
  });

  it('[G2] as nobody can: is asked in reserve, and keeps what it owns', async () => {
    const { service } = await stage.start();
    await stage.claim();
    stage.storeServer.setUnavailable(true);
    await stage.pass(10_000);
    expect(await stage.claim(keepClaim())).toBe('no-responders');
    expect(await stage.now(gateway.claim(keepClaim(), subjects.claimReserve))).toMatchObject({
      ...{ kind: 'granted', epoch: 1, owner: service.incarnation },
    });
    stage.storeServer.setUnavailable(false);
  });
});
