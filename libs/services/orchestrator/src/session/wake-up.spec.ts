import { MemoryBusServer, type MemoryBus } from '@parley/adapter-bus-memory';
import { RecordingLog, VirtualSystem } from '@parley/harness';
import { SessionClock } from './session-clock';
import { WakeUp } from './wake-up';

let system: VirtualSystem;
let calls: number[];
let bus: MemoryBus;
let clock: SessionClock;
let wakeUp: WakeUp;
beforeEach(() => {
  system = new VirtualSystem();
  calls = [];
  const server = new MemoryBusServer({ random: system.random, schedule: system.schedule });
  bus = server.connect({ log: new RecordingLog(), timers: system.timers });
  clock = new SessionClock(system.clock, bus);
  wakeUp = new WakeUp(system.timers, clock, () => calls.push(system.nowMs));
});

describe('the one timer of a session', () => {
  it('calls once, at the deadline', async () => {
    wakeUp.at(100);
    await system.advanceBy(99);
    expect(calls).toEqual([]);
    await system.advanceBy(1_000);
    expect(calls).toEqual([100]);
  });

  it('calls at a deadline that moved later only then, with no timer more', async () => {
    for (let ms = 100; ms <= 1_000; ms++) wakeUp.at(ms);
    expect(system.pendingTimers).toBe(1);
    await system.advanceBy(999);
    expect(calls).toEqual([]);
    await system.advanceBy(1);
    expect(calls).toEqual([1_000]);
    expect(system.pendingTimers).toBe(0);
  });

  it('calls at a deadline that moved nearer at that one, and not at the old one', async () => {
    wakeUp.at(1_000);
    wakeUp.at(100);
    expect(system.pendingTimers).toBe(1);
    await system.advanceBy(2_000);
    expect(calls).toEqual([100]);
  });

  it('does not call for a deadline that went away, and does for one that came back', async () => {
    wakeUp.at(100);
    wakeUp.at(undefined);
    await system.advanceBy(200);
    expect(calls).toEqual([]);
    wakeUp.at(300);
    await system.advanceBy(100);
    expect(calls).toEqual([300]);
  });

  it('calls soon, and not inside the call, for a deadline that is over', async () => {
    await system.advanceBy(100);
    wakeUp.at(50);
    expect(calls).toEqual([]);
    await system.advanceBy(0);
    expect(calls).toEqual([100]);
  });

  it('can be armed from inside its own call', async () => {
    const chained: WakeUp = new WakeUp(system.timers, clock, () => {
      calls.push(system.nowMs);
      if (calls.length < 3) chained.at(system.nowMs + 10);
    });
    chained.at(10);
    await system.advanceBy(100);
    expect(calls).toEqual([10, 20, 30]);
  });

  it('calls for nothing while the bus is away, and later by as long as that was', async () => {
    wakeUp.at(100);
    await system.advanceBy(60);
    expect(clock.nowMs()).toBe(60);
    bus.disconnect();
    await system.advanceBy(1_000);
    expect(clock.nowMs()).toBe(60);
    bus.onReconnect(() => {
      clock.goOn();
      wakeUp.at(100);
    });
    bus.reconnect();
    await system.advanceBy(39);
    expect(calls).toEqual([]);
    await system.advanceBy(100);
    expect(calls).toEqual([1_100]);
  });

  it('counts no time in which the store was away, once for all its failures', async () => {
    await system.advanceBy(100);
    clock.storeLost();
    await system.advanceBy(500);
    clock.storeLost();
    await system.advanceBy(500);
    clock.storeBack();
    clock.storeBack();
    await system.advanceBy(10);
    expect(clock.nowMs()).toBe(110);
  });

  it('holds nothing after its end', async () => {
    wakeUp.at(100);
    wakeUp.cancel();
    wakeUp.cancel();
    await system.advanceBy(200);
    expect(calls).toEqual([]);
    expect(system.pendingTimers).toBe(0);
  });
});
