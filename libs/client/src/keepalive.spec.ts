import { VirtualSystem } from '@parley/harness';
import { Keepalive, PING_PERIOD_MS, PONG_TIMEOUT_MS } from './keepalive';

/** A connection that answers a ping after 30 ms as long as it lives. */
function alive() {
  const system = new VirtualSystem();
  const subject = {
    system,
    lives: true,
    pingsAtMs: [] as number[],
    latencies: [] as number[],
    lostAtMs: undefined as number | undefined,
    /** Something other than a pong or audio arrives every 100 ms. */
    flow: async (ms: number): Promise<void> => {
      for (let at = 0; at < ms; at += 100) {
        await system.advanceBy(100);
        keepalive.arrived();
      }
    },
  };
  const keepalive = new Keepalive(system, {
    sendPing: () => {
      subject.pingsAtMs.push(system.nowMs);
      if (!subject.lives) return;
      system.timers.after(30, () => {
        keepalive.arrived();
        keepalive.pongArrived();
      });
    },
    onLatency: (latencyMs) => subject.latencies.push(latencyMs),
    onUnresponsive: () => {
      subject.lostAtMs ??= system.nowMs;
      keepalive.stop();
    },
  });
  keepalive.start();
  return { ...subject, subject, keepalive };
}

describe('keepalive', () => {
  it('[RT8] measures the latency at once and then every 25 s', async () => {
    const { system, pingsAtMs, latencies } = alive();
    await system.advanceBy(30);
    expect(latencies).toEqual([30]);
    await system.advanceBy(PING_PERIOD_MS);
    expect(pingsAtMs).toEqual([0, PING_PERIOD_MS + 30]);
  });

  it('[RT8] sends no ping while audio flows', async () => {
    const { system, keepalive, pingsAtMs } = alive();
    await system.advanceBy(PING_PERIOD_MS);
    keepalive.audioArrived();
    await system.advanceBy(PING_PERIOD_MS - 1);
    expect(pingsAtMs).toHaveLength(1);
    await system.advanceBy(1);
    expect(pingsAtMs).toHaveLength(2);
  });

  it('[RT8] gives up a connection that does not answer within 10 s', async () => {
    const { subject, system } = alive();
    await system.advanceBy(1000);
    subject.lives = false;
    await system.advanceBy(60_000);
    expect(subject.lostAtMs).toBe(30 + PING_PERIOD_MS + PONG_TIMEOUT_MS);
    expect(system.pendingTimers).toBe(0);
  });

  it('does not give up one over which something still comes', async () => {
    const { subject, system, flow } = alive();
    await system.advanceBy(1000);
    subject.lives = false;
    await flow(60_000);
    expect(subject.lostAtMs).toBeUndefined();
    await system.advanceBy(PONG_TIMEOUT_MS);
    expect(subject.lostAtMs).toBe(61_000 + PONG_TIMEOUT_MS);
  });

  it.each([0, 100, 7_000, 24_000])(
    'notices within 10 s that nothing comes any more when a turn is said %d ms after the last sign',
    async (idleMs) => {
      const { subject, system, keepalive } = alive();
      await system.advanceBy(100);
      subject.lives = false;
      await system.advanceBy(idleMs);
      keepalive.turnUnderWay(true);
      await system.advanceBy(30_000);
      expect(subject.lostAtMs).toBeGreaterThan(100 + idleMs);
      expect(subject.lostAtMs).toBeLessThanOrEqual(100 + idleMs + 10_000);
    },
  );

  it('notices within 10 s of the last audio that nothing comes any more in an answer', async () => {
    const { subject, system, keepalive, flow } = alive();
    keepalive.turnUnderWay(true);
    await flow(12_000);
    subject.lives = false;
    await system.advanceBy(30_000);
    expect(subject.lostAtMs).toBe(12_000 + 10_000);
  });

  it('lets an answer be silent for as long as pings are answered, and is patient again after it', async () => {
    const { subject, system, keepalive, pingsAtMs } = alive();
    await system.advanceBy(100);
    keepalive.turnUnderWay(true);
    await system.advanceBy(20_000);
    const inTheTurn = pingsAtMs.length;
    expect(inTheTurn).toBeGreaterThanOrEqual(4);
    keepalive.turnUnderWay(false);
    await system.advanceBy(20_000);
    expect(pingsAtMs.length - inTheTurn).toBe(0);
    expect(subject.lostAtMs).toBeUndefined();
  });

  it('can be started again after a loss, and pings at once', async () => {
    const { subject, system, keepalive, pingsAtMs } = alive();
    subject.lives = false;
    await system.advanceBy(PING_PERIOD_MS + PONG_TIMEOUT_MS + 30);
    subject.lives = true;
    pingsAtMs.splice(0);
    keepalive.start();
    await system.advanceBy(30);
    expect(pingsAtMs).toHaveLength(1);
    await system.advanceBy(PONG_TIMEOUT_MS);
    expect(subject.lostAtMs).toBe(30 + PING_PERIOD_MS + PONG_TIMEOUT_MS);
  });
});
