import { describeStoreConformance, VirtualSystem } from '@parley/harness';
import type { ClaimRequest, WriteRequest } from '@parley/ports';
import { MemoryStoreServer } from './memory-store-server';

describeStoreConformance('memory', async () => {
  const system = new VirtualSystem();
  const server = new MemoryStoreServer(system);
  return {
    connect: async () => server.connect(),
    advance: (ms) => system.advanceBy(ms),
    nowMs: () => system.nowMs,
    cutLinks: async () => server.setUnavailable(true),
    healLinks: async () => server.setUnavailable(false),
    loseData: async () => server.clear(),
    close: async () => undefined,
  };
});

describe('memory store', () => {
  const claim: ClaimRequest = {
    sessionId: 'sess_a',
    owner: 'orc_a',
    expectedEpoch: 0,
    seenEpoch: 0,
    newAttachment: true,
    ttlMs: 1_000,
  };
  const write: WriteRequest = {
    sessionId: 'sess_a',
    epoch: 1,
    rev: 1,
    owner: 'orc_a',
    attachment: 1,
    state: new Uint8Array(1),
    ttlMs: 1_000,
  };

  it('cuts off one client and leaves the others', async () => {
    const server = new MemoryStoreServer(new VirtualSystem());
    const [ours, theirs] = [server.connect(), server.connect()];
    ours.setUnavailable(true);
    expect([await ours.ping(), await theirs.ping()]).toEqual([false, true]);
    ours.setUnavailable(false);
    expect(await ours.ping()).toBe(true);
  });

  it('takes effect after the call has returned', async () => {
    const server = new MemoryStoreServer(new VirtualSystem());
    const store = server.connect();
    const claiming = store.claim(claim);
    server.setUnavailable(true);
    expect((await claiming).kind).toBe('unavailable');
    server.setUnavailable(false);
    expect(await store.load('sess_a')).toEqual({ kind: 'missing' });
  });

  it('loses the answer of a call whose link is lost after it took effect', async () => {
    const server = new MemoryStoreServer(new VirtualSystem());
    const store = server.connect();
    await store.claim(claim);
    const writing = store.write(write);
    await Promise.resolve();
    server.setUnavailable(true);
    expect((await writing).kind).toBe('unavailable');
    server.setUnavailable(false);
    expect(await store.write(write)).toEqual({ kind: 'already' });
  });

  it('expires at the very millisecond', async () => {
    const system = new VirtualSystem();
    const server = new MemoryStoreServer(system);
    const store = server.connect();
    await Promise.all([store.claim(claim), store.renewLease('orc_a', 1_000)]);
    await system.advanceBy(999);
    expect([(await store.load('sess_a')).kind, (await store.leaseAlive('orc_a')).kind]).toEqual(['found', 'alive']);
    await system.advanceBy(1);
    expect([(await store.load('sess_a')).kind, (await store.leaseAlive('orc_a')).kind]).toEqual(['missing', 'gone']);
  });

  it('does not keep expired sessions that nobody asks for, and arms no timer for it', async () => {
    const system = new VirtualSystem();
    const server = new MemoryStoreServer(system);
    const store = server.connect();
    const ids = Array.from({ length: 100 }, (_, index) => `sess_${index}` as const);
    await Promise.all(ids.map((sessionId) => store.claim({ ...claim, sessionId })));
    expect(server.sessions.size).toBe(100);
    await system.advanceBy(60_000);
    await store.claim(claim);
    expect(server.sessions.size).toBe(1);
    expect(system.pendingTimers).toBe(0);
  });
});
