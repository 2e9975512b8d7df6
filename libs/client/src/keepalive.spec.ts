import { VirtualSystem } from '@parley/harness';
import type { ClientSystem } from './client-system';
import { Keepalive, PATIENCE } from './keepalive';
import type { Due } from './keepalive';

const PING_PERIOD_MS = PATIENCE.nothing.quietMs;
const PONG_TIMEOUT_MS = PATIENCE.nothing.pongTimeoutMs;

/** A connection that answers a ping after `latencyMs` as long as it lives. */
function alive(latencyMs = 30) {
  const system = new VirtualSystem();
  let heldUpUntilMs = 0;
  const timers: ClientSystem['timers'] = {
    after: (delayMs, callback) => {
      let cancelLate: () => void = () => {};
      const cancel = system.timers.after(delayMs, () => {
        if (system.nowMs >= heldUpUntilMs) callback();
        else cancelLate = system.timers.after(heldUpUntilMs - system.nowMs, callback);
      });
      return () => {
        cancel();
        cancelLate();
      };
    },
  };
  const subject = {
    system,
    lives: true,
    latencyMs,
    /** The process does nothing for so long: what falls due meanwhile runs at its end. */
    holdUp: (ms: number) => {
      heldUpUntilMs = system.nowMs + ms;
    },
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
  const keepalive = new Keepalive(
    { clock: system.clock, timers, random: system.random },
    {
      sendPing: () => {
        subject.pingsAtMs.push(system.nowMs);
        if (!subject.lives) return;
        system.timers.after(subject.latencyMs, () => {
          keepalive.arrived();
          keepalive.pongArrived();
        });
      },
      onLatency: (latencyMs) => subject.latencies.push(latencyMs),
      onUnresponsive: () => {
        subject.lostAtMs ??= system.nowMs;
        keepalive.stop();
      },
    },
  );
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
      keepalive.expect('turn');
      await system.advanceBy(30_000);
      expect(subject.lostAtMs).toBeGreaterThan(100 + idleMs);
      expect(subject.lostAtMs).toBeLessThanOrEqual(100 + idleMs + 10_000);
    },
  );

  it('notices within 10 s of the last sign that nothing comes any more in a turn', async () => {
    const { subject, system, keepalive, flow } = alive();
    keepalive.expect('turn');
    await flow(12_000);
    subject.lives = false;
    await system.advanceBy(30_000);
    expect(subject.lostAtMs).toBe(12_000 + 10_000);
  });

  it('notices within 1 s of the last that came that nothing comes any more in an answer', async () => {
    const { subject, system, keepalive, flow } = alive();
    keepalive.expect('answer');
    await flow(12_000);
    subject.lives = false;
    await system.advanceBy(30_000);
    expect(subject.lostAtMs).toBe(12_000 + 1_000);
  });

  it('sends no ping in an answer that flows', async () => {
    const { keepalive, pingsAtMs, flow } = alive();
    await flow(1_000);
    keepalive.expect('answer');
    await flow(12_000);
    expect(pingsAtMs).toHaveLength(1);
  });

  it.each([
    ['a turn', 'turn', 4],
    ['an answer', 'answer', 50],
  ] as const)(
    'lets %s be silent for as long as pings are answered, and is patient again after it',
    async (_, due, pings) => {
      const { subject, system, keepalive, pingsAtMs } = alive();
      await system.advanceBy(100);
      keepalive.expect(due);
      await system.advanceBy(20_000);
      const inTheTurn = pingsAtMs.length;
      expect(inTheTurn).toBeGreaterThanOrEqual(pings);
      keepalive.expect('nothing');
      await system.advanceBy(20_000);
      expect(pingsAtMs.length - inTheTurn).toBe(0);
      expect(subject.lostAtMs).toBeUndefined();
    },
  );

  it.each([300, 600, 1_200, 4_500])(
    'lets an answer be silent on a connection that needs %d ms for a pong',
    async (latencyMs) => {
      const { subject, system, keepalive } = alive(latencyMs);
      keepalive.expect('answer');
      await system.advanceBy(60_000);
      expect(subject.lostAtMs).toBeUndefined();
    },
  );

  it('gives such a connection three round trips in an answer, and at most 5 s', async () => {
    for (const [latencyMs, patienceMs] of [
      [200, 700],
      [600, 1_800],
      [2_000, 5_000],
    ] as const) {
      const { subject, system, keepalive } = alive(latencyMs);
      await system.advanceBy(10_000);
      keepalive.expect('answer');
      subject.lives = false;
      await system.advanceBy(30_000);
      expect(subject.lostAtMs).toBe(10_000 + PATIENCE.answer.quietMs + patienceMs);
    }
  });

  it('measures anew how quick a connection is before it is impatient with it', async () => {
    const { subject, system, keepalive } = alive();
    keepalive.expect('answer');
    await system.advanceBy(10_000);
    keepalive.stop();
    subject.latencyMs = 3_000;
    keepalive.start();
    await system.advanceBy(60_000);
    expect(subject.lostAtMs).toBeUndefined();
  });

  it('gives a ping that is under way its time when an answer begins', async () => {
    const { subject, system, keepalive, pingsAtMs } = alive();
    await system.advanceBy(1_000);
    subject.latencyMs = 900;
    await system.advanceBy(PING_PERIOD_MS + 800 - 970);
    expect(pingsAtMs).toHaveLength(2);
    keepalive.expect('answer');
    await system.advanceBy(30_000);
    expect(subject.lostAtMs).toBeUndefined();
  });

  it('hears what came while the process was held up before it gives a connection up', async () => {
    const { subject, system, keepalive, holdUp, pingsAtMs } = alive();
    await system.advanceBy(100);
    keepalive.expect('answer');
    // It was there long before, and is read right behind the timers that fell due.
    subject.latencyMs = 2_001;
    await system.advanceBy(PATIENCE.answer.quietMs);
    expect(pingsAtMs).toHaveLength(2);
    holdUp(2_000);
    await system.advanceBy(10_000);
    expect(subject.lostAtMs).toBeUndefined();
  });

  it.each<Due>(['nothing', 'turn', 'answer'])('leaves no timer behind when it is stopped, with %s due', async (due) => {
    const { subject, system, keepalive } = alive();
    await system.advanceBy(100);
    keepalive.expect(due);
    subject.lives = false;
    await system.advanceBy(PATIENCE[due].quietMs + PATIENCE[due].pongTimeoutMs - 20);
    keepalive.stop();
    expect(system.pendingTimers).toBe(0);
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
