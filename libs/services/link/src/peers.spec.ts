import { MemoryBusServer, type MemoryBus } from '@parley/adapter-bus-memory';
import { RecordingLog, VirtualSystem } from '@parley/harness';
import { subjects, type Incarnation } from '@parley/model';
import { answerPings, PeerWatch } from './peers';

const PEER: Incarnation = 'orc_peer';

let system: VirtualSystem;
let server: MemoryBusServer;
let bus: MemoryBus;
let peerBus: MemoryBus;
let watch: PeerWatch;
let pings: number;
let lost: string[];

const link = (): MemoryBus => server.connect({ log: new RecordingLog(), timers: system.timers });

beforeEach(() => {
  system = new VirtualSystem();
  server = new MemoryBusServer({ random: system.random, schedule: system.schedule });
  [bus, peerBus] = [link(), link()];
  watch = new PeerWatch(bus, system, 'gw_self');
  [pings, lost] = [0, []];
});
afterEach(async () => {
  watch.close();
  await system.advanceBy(5_000);
  expect(system.pendingTimers).toBe(0);
});

const lose = (name: string) => (): void => void lost.push(`${name} ${system.nowMs}`);
/** A process that is there and answers nothing: stopped, or behind a cut link. */
const silent = (): void => void peerBus.subscribe(subjects.peer(PEER), () => pings++);
const alive = (): void =>
  void peerBus.subscribe(subjects.peer(PEER), (message) => {
    pings++;
    message.reply?.(new Uint8Array());
  });

describe('a peer that answers', () => {
  it('is never lost, and is asked once per period however many depend on it', async () => {
    alive();
    for (const name of ['a', 'b', 'c']) watch.watch(PEER, lose(name));
    await system.advanceBy(10_000);
    expect(lost).toEqual([]);
    expect(pings).toBe(40);
  });

  it('is asked until nobody depends on it any more', async () => {
    alive();
    const ends = ['a', 'b'].map((name) => watch.watch(PEER, lose(name)));
    ends[0]?.();
    await system.advanceBy(500);
    expect(pings).toBe(2);
    ends[0]?.();
    ends[1]?.();
    await system.advanceBy(500);
    expect(pings).toBe(2);
  });

  it('is answered by answerPings, until that ends', async () => {
    const answering = answerPings(peerBus, PEER);
    watch.watch(PEER, lose('a'));
    await system.advanceBy(5_000);
    expect(lost).toEqual([]);
    answering.unsubscribe();
    await system.advanceBy(250);
    expect(lost).toEqual(['a 5250']);
  });
});

describe('a peer that is asked after now', () => {
  it('has ended only if nobody answers for it: silence is no end, nor is a bus that has just come back', async () => {
    expect(await system.runUntil(watch.hasEnded(PEER))).toBe(true);
    silent();
    expect(await system.runUntil(watch.hasEnded(PEER))).toBe(false);
    peerBus.kill();
    expect(await system.runUntil(watch.hasEnded(PEER))).toBe(true);
    bus.disconnect();
    expect(await system.runUntil(watch.hasEnded(PEER))).toBe(false);
    bus.reconnect();
    await system.advanceBy(1_000);
    expect(await system.runUntil(watch.hasEnded(PEER))).toBe(false);
    await system.advanceBy(1_500);
    expect(await system.runUntil(watch.hasEnded(PEER))).toBe(true);
  });
});

describe('a peer without responders', () => {
  it('is not lost when our own link has just come back: its own may come back a moment later', async () => {
    alive();
    watch.watch(PEER, lose('a'));
    peerBus.disconnect();
    bus.disconnect();
    await system.advanceBy(10_000);
    bus.reconnect();
    await system.advanceBy(1_500);
    expect(watch.isSettling).toBe(true);
    peerBus.reconnect();
    await system.advanceBy(10_000);
    expect(lost).toEqual([]);
    expect(watch.isSettling).toBe(false);
  });

  it('is lost when it is not back 2 s after our own link', async () => {
    alive();
    watch.watch(PEER, lose('a'));
    peerBus.kill();
    bus.disconnect();
    await system.advanceBy(1_000);
    bus.reconnect();
    await system.advanceBy(1_900);
    expect(lost).toEqual([]);
    await system.advanceBy(400);
    expect(lost).toHaveLength(1);
  });

  it('is lost at once to every one who waits, once each', async () => {
    alive();
    for (const name of ['a', 'b']) watch.watch(PEER, lose(name));
    await system.advanceBy(1_000);
    peerBus.kill();
    await system.advanceBy(5_000);
    expect(lost).toEqual(['a 1250', 'b 1250']);
  });

  it('is lost to two interests of one caller', async () => {
    const onLost = lose('same');
    watch.watch(PEER, onLost);
    watch.watch(PEER, onLost);
    await system.advanceBy(250);
    expect(lost).toHaveLength(2);
  });

  it('is not told to an interest that has ended, also where it ends while the others are told', async () => {
    const ends: (() => void)[] = [];
    watch.watch(PEER, () => ends.forEach((end) => end()));
    ends.push(watch.watch(PEER, lose('b')));
    watch.watch(PEER, lose('c'));
    await system.advanceBy(250);
    expect(lost).toEqual(['c 250']);
  });

  it('can be watched again from inside the word of its loss', async () => {
    watch.watch(PEER, () => {
      lose('a')();
      watch.watch(PEER, lose('again'));
    });
    await system.advanceBy(500);
    expect(lost).toEqual(['a 250', 'again 500']);
  });

  it('is waited for with patience, where its link may be back in a moment', async () => {
    watch.watch(PEER, lose('a'), 'until-silent');
    await system.advanceBy(2_500);
    alive();
    await system.advanceBy(2_000);
    expect(lost).toEqual([]);
    peerBus.kill();
    await system.advanceBy(2_700);
    expect(lost).toEqual([]);
    await system.advanceBy(500);
    expect(lost).toHaveLength(1);
  });
});

describe('a silent peer', () => {
  it.each([
    ['1.5 s', 'none' as const, 1_500],
    ['3 s, where there is patience,', 'until-silent' as const, 3_000],
  ])('is lost after %s and one unanswered request, and not before', async (_, patience, silenceMs) => {
    silent();
    watch.watch(PEER, lose('a'), patience);
    await system.advanceBy(silenceMs - 10);
    expect(lost).toEqual([]);
    await system.advanceBy(510);
    expect(lost).toHaveLength(1);
  });

  it('that answers once in between starts from nothing again', async () => {
    silent();
    watch.watch(PEER, lose('a'));
    await system.advanceBy(1_000);
    const answering = answerPings(peerBus, PEER);
    await system.advanceBy(600);
    answering.unsubscribe();
    await system.advanceBy(1_200);
    expect(lost).toEqual([]);
    await system.advanceBy(800);
    expect(lost).toHaveLength(1);
  });

  it('has one request under way at a time', async () => {
    silent();
    watch.watch(PEER, lose('a'));
    await system.advanceBy(2_000);
    expect(pings).toBeLessThanOrEqual(8);
  });
});

describe('while our own link is down', () => {
  it('silence says nothing, however long', async () => {
    alive();
    watch.watch(PEER, lose('a'));
    watch.watch('gw_other', lose('b'), 'until-silent');
    await system.advanceBy(240);
    bus.disconnect();
    await system.advanceBy(60_000);
    expect(lost).toEqual([]);
    bus.reconnect();
    await system.advanceBy(1_000);
    expect(lost).toEqual([]);
  });

  it('a silent peer’s time counts from the link’s return', async () => {
    silent();
    watch.watch(PEER, lose('a'), 'until-silent');
    await system.advanceBy(2_600);
    bus.disconnect();
    await system.advanceBy(1_000);
    bus.reconnect();
    await system.advanceBy(2_700);
    expect(lost).toEqual([]);
    await system.advanceBy(800);
    expect(lost).toHaveLength(1);
  });

  it('a request that the link’s loss ended is no loss of the peer', async () => {
    silent();
    watch.watch(PEER, lose('a'));
    await system.advanceBy(300);
    bus.disconnect();
    await system.advanceBy(10);
    bus.reconnect();
    await system.advanceBy(1_000);
    expect(lost).toEqual([]);
  });
});

describe('the end', () => {
  it('asks nobody any more and tells nobody, requests under way included', async () => {
    silent();
    watch.watch(PEER, lose('a'));
    await system.advanceBy(300);
    watch.close();
    peerBus.kill();
    await system.advanceBy(10_000);
    expect(pings).toBe(1);
    expect(lost).toEqual([]);
  });
});
