import { RecordingLog, VirtualSystem } from '@parley/harness';
import type { MemoryBus } from './memory-bus';
import { MemoryBusServer } from './memory-bus-server';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('MemoryBusServer', () => {
  const setUp = () => {
    const system = new VirtualSystem();
    const hops: (() => void)[] = [];
    const server = new MemoryBusServer({ random: system.random, schedule: (callback) => hops.push(callback) });
    const connect = (): MemoryBus => server.connect({ log: new RecordingLog(), timers: system.timers });
    const hop = (): void => hops.shift()?.();
    return { system, hops, hop, connect };
  };

  it('carries what was sent in one turn in one hop, and what handlers send in the next', () => {
    const { hops, hop, connect } = setUp();
    const [a, b] = [connect(), connect()];
    const seen: string[] = [];
    a.subscribe('ping', () => {
      seen.push('ping');
      a.publish('pong', bytes());
    });
    b.subscribe('pong', () => {
      seen.push('pong');
      b.publish('ping', bytes());
    });
    b.publish('ping', bytes());
    b.publish('ping', bytes());
    expect([seen, hops.length]).toEqual([[], 1]);
    hop();
    expect([seen, hops.length]).toEqual([['ping', 'ping'], 1]);
    hop();
    expect([seen.slice(2), hops.length]).toEqual([['pong', 'pong'], 1]);
  });

  it('loses what is under way when the link breaks, also if it is healed before the hop', () => {
    const { hop, connect } = setUp();
    const [from, to] = [connect(), connect()];
    const got: number[] = [];
    to.subscribe('news', ({ payload }) => got.push(...payload));
    from.publish('news', bytes(1));
    to.disconnect();
    to.reconnect();
    from.publish('news', bytes(2));
    hop();
    expect(got).toEqual([2]);
  });

  it('leaves a killed client without a word: no delivery, no reply, no deadline, no listener', async () => {
    const { system, hop, hops, connect } = setUp();
    const [victim, other] = [connect(), connect()];
    const seen: string[] = [];
    victim.subscribe('news', () => seen.push('message'));
    victim.onReconnect(() => seen.push('reconnected'));
    other.subscribe('ask', ({ reply }) => reply?.(bytes(1)));
    void victim.request('ask', bytes(), { timeoutMs: 100 }).then(() => seen.push('outcome'));
    other.publish('news', bytes());
    victim.kill();
    victim.reconnect();
    while (hops.length > 0) hop();
    await system.advanceBy(1_000);
    expect(seen).toEqual([]);
    expect(system.pendingTimers).toBe(0);
    expect(victim.connected).toBe(false);
  });

  it('delivers payloads as a socket does: somewhere inside a larger buffer', () => {
    const { hop, connect } = setUp();
    const bus = connect();
    const seen: Uint8Array[] = [];
    bus.subscribe('pcm', ({ payload }) => seen.push(payload));
    bus.publish('pcm', bytes(1, 2, 3, 4));
    hop();
    const [payload = bytes()] = seen;
    expect([...payload]).toEqual([1, 2, 3, 4]);
    expect(payload.buffer.byteLength).toBeGreaterThan(4);
    expect(() => new Int16Array(payload.buffer, payload.byteOffset, 2)).toThrow(RangeError);
  });
});
