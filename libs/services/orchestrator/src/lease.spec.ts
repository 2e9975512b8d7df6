import { Lease } from './lease';
import { OrchestratorStage, type HeldStore } from './orchestrator-stage.fixture';

let stage: OrchestratorStage;
let store: HeldStore;
let lease: Lease;
let told: string[];

beforeEach(async () => {
  stage = new OrchestratorStage();
  const ports = stage.process();
  store = ports.store;
  told = [];
  lease = new Lease(ports, 'orc_one', {
    onLapsed: () => told.push('lapsed'),
    onChanged: () => told.push(lease.isHeld ? 'held anew' : 'lost'),
  });
  await stage.now(lease.take());
  told = [];
});
afterEach(async () => {
  await stage.now(lease.giveBack());
  await stage.pass(5_000);
  expect(stage.system.pendingTimers).toBe(0);
  expect(stage.storeServer.leaseAlive('orc_one')).toBe(false);
});

const away = (isAway: boolean): void => store.inner.setUnavailable(isAway);
const state = () => ({ isHeld: lease.isHeld, isLapsed: lease.isLapsed, isSettled: lease.isSettled });

describe('a lease', () => {
  it('is renewed without a word while the store is there', async () => {
    await stage.pass(60_000);
    expect(told).toEqual([]);
    expect(state()).toEqual({ isHeld: true, isLapsed: false, isSettled: true });
  });

  it('is lost with the first renewal that fails, and held anew with the next that succeeds, though it stood', async () => {
    await stage.pass(100);
    away(true);
    await stage.pass(900);
    expect(told).toEqual(['lost']);
    expect(state()).toEqual({ isHeld: false, isLapsed: false, isSettled: false });
    away(false);
    await stage.pass(1_000);
    expect(told).toEqual(['lost', 'held anew']);
  });

  it('is held anew where the store has lost it', async () => {
    await stage.pass(100);
    stage.storeServer.clear();
    await stage.pass(900);
    expect(told).toEqual(['held anew']);
    expect(state()).toEqual({ isHeld: true, isLapsed: false, isSettled: false });
  });

  it('has lapsed 3 s after the last renewal that succeeded was asked for, until the next', async () => {
    await stage.pass(1_000);
    away(true);
    await stage.pass(2_999);
    expect(lease.isLapsed).toBe(false);
    await stage.pass(1);
    expect(lease.isLapsed).toBe(true);
    away(false);
    await stage.pass(1_000);
    expect(told).toEqual(['lost', 'lapsed', 'lapsed', 'held anew']);
    expect(lease.isLapsed).toBe(false);
  });

  it('is settled 5 s after it is held anew, in which owners come back', async () => {
    away(true);
    await stage.pass(1_000);
    away(false);
    await stage.pass(1_000);
    expect(told).toEqual(['lost', 'held anew']);
    await stage.pass(4_999);
    expect(lease.isSettled).toBe(false);
    await stage.pass(1);
    expect(lease.isSettled).toBe(true);
  });

  it('that was not there at the start is no settled one either', async () => {
    const ports = stage.process();
    ports.store.inner.setUnavailable(true);
    const late = new Lease(ports, 'orc_late', { onLapsed: () => undefined, onChanged: () => undefined });
    await stage.now(late.take());
    expect(late.isHeld).toBe(false);
    ports.store.inner.setUnavailable(false);
    await stage.pass(1_000);
    expect([late.isHeld, late.isSettled]).toEqual([true, false]);
    await stage.now(late.giveBack());
  });
});
