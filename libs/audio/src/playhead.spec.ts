import { samplesOfMs } from '@parley/model';
import fc from 'fast-check';
import { Playhead, REPORT_SILENCE_MS } from './playhead';

/** A playhead with its clock, in ms; the first response is 1. */
class Listener {
  readonly playhead = new Playhead();
  nowMs = 10_000;

  constructor(ordinals = 1) {
    for (let ordinal = 1; ordinal <= ordinals; ordinal++) this.playhead.begin(ordinal, this.nowMs);
  }

  wait(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  gets(ms: number, ordinal = 1): this {
    this.playhead.delivered(ordinal, samplesOfMs(ms), this.nowMs);
    return this;
  }

  finish(ordinal = 1): this {
    this.playhead.finish(ordinal, this.nowMs);
    return this;
  }

  reports(playedMs: number, ordinal = 1, ended = false): this {
    this.playhead.report(ordinal, playedMs, ended, this.nowMs);
    return this;
  }

  playedMs(ordinal = 1): number | undefined {
    const samples = this.playhead.played(ordinal, this.nowMs);
    return samples === undefined ? undefined : samples / samplesOfMs(1);
  }

  isPlayed(ordinal = 1): boolean {
    return this.playhead.isPlayed(ordinal, this.nowMs);
  }
}

describe('a client that goes on over another connection', () => {
  it('[G5] plays on in real time, from where it was', () => {
    const { playhead } = new Listener(0);
    playhead.begin(1, 50_000, { deliveredSamples: samplesOfMs(4_000), playedSamples: samplesOfMs(1_500) });
    playhead.finish(1, 50_000);
    expect(playhead.played(1, 50_000)).toBe(samplesOfMs(1_500));
    expect(playhead.played(1, 51_000)).toBe(samplesOfMs(2_500));
    expect([playhead.isPlayed(1, 52_499), playhead.isPlayed(1, 52_500)]).toEqual([false, true]);
  });
});

describe('the playhead of a client that never reports', () => {
  it('advances at real time from the first written byte', () => {
    const client = new Listener().wait(5_000).gets(1_000);
    expect(client.playedMs()).toBe(0);
    expect(client.wait(1).playedMs()).toBe(1);
    expect(client.wait(399).playedMs()).toBe(400);
  });

  it('never exceeds what was delivered', () => {
    expect(new Listener().gets(300).wait(5_000).playedMs()).toBe(300);
  });

  it('stalls on an underrun, and the time lost is not caught up', () => {
    const client = new Listener().gets(300).wait(1_000).gets(300);
    expect(client.playedMs()).toBe(300);
    expect(client.wait(100).playedMs()).toBe(400);
  });

  it('is the same however often it is looked at, fractions of a ms included', () => {
    const seldom = new Listener().gets(1_000).wait(777.7);
    const often = new Listener().gets(1_000);
    for (let n = 0; n < 7_777; n++) often.wait(0.1).playedMs();
    expect(Math.abs((often.playedMs() ?? 0) - (seldom.playedMs() ?? 0))).toBeLessThan(0.1);
  });

  it('is played when the last sample was, and not before it was written to its end', () => {
    const client = new Listener().gets(300).wait(300);
    expect(client.isPlayed()).toBe(false);
    expect(client.finish().isPlayed()).toBe(true);
    const late = new Listener().gets(300).finish().wait(299);
    expect(late.isPlayed()).toBe(false);
    expect(late.wait(1).isPlayed()).toBe(true);
  });

  it('is played to its end after odd fractions too', () => {
    const client = new Listener().gets(1_000).finish();
    for (let n = 0; n < 3_100; n++) client.wait(1 / 3).playedMs();
    expect(client.isPlayed()).toBe(true);
    expect(client.playedMs()).toBe(1_000);
  });

  it('of a response without audio is played as soon as that is known', () => {
    expect(new Listener().isPlayed()).toBe(false);
    expect(new Listener().finish().isPlayed()).toBe(true);
  });

  it('does not go back when the clock does', () => {
    const client = new Listener().gets(1_000).wait(500);
    expect(client.playedMs()).toBe(500);
    expect(client.wait(-200).playedMs()).toBe(500);
    expect(client.wait(200).playedMs()).toBe(500);
    expect(client.wait(100).playedMs()).toBe(600);
  });
});

describe('the playhead of a client that reports', () => {
  it('is its last report, never extrapolated', () => {
    const client = new Listener().gets(2_000).wait(400).reports(250);
    expect(client.playedMs()).toBe(250);
    expect(client.wait(REPORT_SILENCE_MS).playedMs()).toBe(250);
  });

  it('goes back to the first report where it was only estimated before', () => {
    const client = new Listener().gets(2_000).wait(400);
    expect(client.playedMs()).toBe(400);
    expect(client.reports(100).playedMs()).toBe(100);
  });

  it('is clamped to what was delivered', () => {
    const client = new Listener().gets(500).wait(100).reports(60_000);
    expect(client.playedMs()).toBe(500);
    // More may come, which it has not played.
    expect(client.gets(500).playedMs()).toBe(500);
  });

  it('ignores a report below the last one', () => {
    const client = new Listener().gets(2_000).wait(400).reports(300).reports(200);
    expect(client.playedMs()).toBe(300);
    expect(client.reports(300).reports(301).playedMs()).toBe(301);
  });

  it('counts a report that goes backwards as a sign of life', () => {
    const client = new Listener().gets(5_000).wait(400).reports(300).wait(900).reports(200).wait(900);
    expect(client.playedMs()).toBe(300);
  });

  it('has ended only when the client said so of a response written to its end', () => {
    const client = new Listener().gets(1_000).wait(100).reports(100, 1, true);
    expect(client.playedMs()).toBe(1_000);
    expect(client.playhead.hasEnded(1)).toBe(false);
    client.gets(200).finish();
    expect(client.isPlayed()).toBe(false);
    client.reports(0, 1, true);
    expect(client.playhead.hasEnded(1)).toBe(true);
    expect(client.isPlayed()).toBe(true);
    expect(client.playedMs()).toBe(1_200);
  });

  it('ignores reports on responses that are not known', () => {
    const client = new Listener().gets(1_000).wait(100).reports(500, 7);
    expect(client.playedMs()).toBe(100);
    expect(client.wait(100).playedMs()).toBe(200);
  });
});

describe('the playhead of a client that stops reporting', () => {
  it('advances at real time from the last report, once it was silent for 1 s with audio queued', () => {
    const client = new Listener().gets(5_000).wait(400).reports(300).wait(1_000);
    expect(client.playedMs()).toBe(300);
    expect(client.wait(1).playedMs()).toBe(301);
    expect(client.wait(499).playedMs()).toBe(800);
    expect(client.wait(60_000).playedMs()).toBe(5_000);
  });

  it('does so too when nobody looked for a long time', () => {
    const client = new Listener().gets(5_000).wait(400).reports(300).wait(1_500);
    expect(client.playedMs()).toBe(800);
  });

  it('is its report again when it reports again, which may correct the estimate', () => {
    const client = new Listener().gets(5_000).wait(400).reports(300).wait(2_000);
    expect(client.playedMs()).toBe(1_300);
    client.reports(900);
    expect(client.playedMs()).toBe(900);
    expect(client.wait(1_000).playedMs()).toBe(900);
  });

  it('is not silent while it has nothing to play', () => {
    const client = new Listener().gets(300).wait(300).reports(300).wait(10_000).gets(2_000);
    expect(client.wait(1_000).playedMs()).toBe(300);
    expect(client.wait(1).playedMs()).toBe(301);
  });

  it('stays silent over an underrun: no other second is waited for', () => {
    const client = new Listener().gets(300).wait(100).reports(100).wait(3_000);
    expect(client.playedMs()).toBe(300);
    client.wait(1_000).gets(1_000).wait(200);
    expect(client.playedMs()).toBe(500);
  });

  it('stays silent into the next response', () => {
    const client = new Listener(2).gets(300).wait(100).reports(100).finish().wait(3_000);
    expect(client.isPlayed()).toBe(true);
    client.gets(1_000, 2).wait(200);
    expect(client.playedMs(2)).toBe(200);
  });
});

describe('the playhead of a client that holds its voice', () => {
  const held = (listener: Listener): Listener => {
    listener.playhead.pause(1, listener.nowMs);
    return listener;
  };
  const goesOn = (listener: Listener, ordinal = 1): Listener => {
    listener.playhead.resume(ordinal, listener.nowMs);
    return listener;
  };

  it('[PA4] stands still where it was estimated, and goes on from there', () => {
    const listener = held(new Listener().gets(5_000).wait(1_000)).wait(2_000);
    expect(listener.playedMs()).toBe(1_000);
    expect(goesOn(listener).wait(500).playedMs()).toBe(1_500);
  });

  it('[PA4] stands still also for one that reported and says nothing meanwhile', () => {
    const listener = held(new Listener().gets(5_000).wait(500).reports(400)).wait(5_000);
    expect(listener.playedMs()).toBe(400);
    expect(goesOn(listener).wait(999).playedMs()).toBe(400);
    expect(listener.wait(501).playedMs()).toBe(900);
  });

  it('takes the client’s word on where it stopped', () => {
    expect(held(new Listener().gets(5_000).wait(1_000)).reports(1_040).wait(2_000).playedMs()).toBe(1_040);
  });

  it('is held until the same response goes on', () => {
    const listener = goesOn(held(new Listener(2).gets(5_000).wait(1_000)), 2).wait(1_000);
    expect(listener.playedMs()).toBe(1_000);
  });
});

describe('the playhead over several responses', () => {
  it('plays them one after the other', () => {
    const client = new Listener(2).gets(300, 1).finish(1).gets(300, 2).wait(200);
    expect([client.playedMs(1), client.playedMs(2)]).toEqual([200, 0]);
    client.wait(200);
    expect([client.playedMs(1), client.playedMs(2)]).toEqual([300, 100]);
    expect([client.isPlayed(1), client.isPlayed(2)]).toEqual([true, false]);
  });

  it('does not begin the next one while more of this one may come', () => {
    const client = new Listener(2).gets(300, 1).gets(300, 2).wait(1_000);
    expect([client.playedMs(1), client.playedMs(2)]).toEqual([300, 0]);
    client.gets(100, 1).finish(1).wait(150);
    expect([client.playedMs(1), client.playedMs(2)]).toEqual([400, 50]);
  });

  it('has played the older ones when the client reports on a newer one', () => {
    const client = new Listener(3).gets(300, 1).finish(1).gets(300, 2).finish(2).gets(300, 3);
    client.wait(10).reports(50, 3);
    expect([client.playedMs(1), client.playedMs(2), client.playedMs(3)]).toEqual([300, 300, 50]);
  });

  it('has not played an older one of which more may come', () => {
    const client = new Listener(2).gets(300, 1).gets(300, 2).wait(10).reports(50, 2);
    expect([client.playedMs(1), client.playedMs(2)]).toEqual([10, 50]);
  });

  it('forgets one that was dropped, and goes on with the next', () => {
    const client = new Listener(2).gets(5_000, 1).finish(1).gets(300, 2).wait(100);
    expect(client.playedMs(1)).toBe(100);
    client.playhead.drop(1, client.nowMs);
    expect(client.playedMs(1)).toBeUndefined();
    expect(client.isPlayed(1)).toBe(true);
    expect(client.playhead.hasEnded(1)).toBe(false);
    expect(client.wait(200).playedMs(2)).toBe(200);
    client.gets(100, 1).finish(1).reports(1, 1);
    expect(client.playedMs(1)).toBeUndefined();
  });
});

describe('the playhead, whatever comes', () => {
  const ordinal = fc.constantFrom(1, 1, 2, 3, 9);
  const events = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('gets' as const), ordinal, ms: fc.constantFrom(0, 20, 500, 3_000) }),
      fc.record({ kind: fc.constant('reports' as const), ordinal, ms: fc.nat(4_000), ended: fc.boolean() }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(0.3, 1, 200, 999, 1_001, 4_000) }),
      fc.record({ kind: fc.constant('finish' as const), ordinal }),
      fc.record({ kind: fc.constant('drop' as const), ordinal }),
    ),
    { maxLength: 40 },
  );

  it('is between 0 and what was delivered, and everything is played once the client is silent', () => {
    fc.assert(
      fc.property(events, (story) => {
        const client = new Listener(3);
        const deliveredMs = new Map<number, number>();
        for (const event of story) {
          if (event.kind === 'gets') {
            client.gets(event.ms, event.ordinal);
            deliveredMs.set(event.ordinal, (deliveredMs.get(event.ordinal) ?? 0) + event.ms);
          } else if (event.kind === 'reports') client.reports(event.ms, event.ordinal, event.ended);
          else if (event.kind === 'wait') client.wait(event.ms);
          else if (event.kind === 'finish') client.finish(event.ordinal);
          else client.playhead.drop(event.ordinal, client.nowMs);
          for (const each of [1, 2, 3]) {
            const playedMs = client.playedMs(each) ?? 0;
            expect(playedMs).toBeGreaterThanOrEqual(0);
            expect(playedMs).toBeLessThanOrEqual(deliveredMs.get(each) ?? 0);
          }
        }
        for (const each of [1, 2, 3]) client.finish(each);
        const totalMs = [...deliveredMs.values()].reduce((sum, ms) => sum + ms, 0);
        client.wait(REPORT_SILENCE_MS + totalMs + 1);
        for (const each of [1, 2, 3]) expect(client.isPlayed(each)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
