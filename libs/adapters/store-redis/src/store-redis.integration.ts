import { systemPorts } from '@parley/adapter-system';
import {
  describeStoreConformance,
  RecordingLog,
  startPrivateServer,
  startTcpProxy,
  startWatchedRedis,
  type PrivateServer,
  type PrivateServerOptions,
  type TcpProxy,
  type WatchedRedis,
} from '@parley/harness';
import type { SessionId } from '@parley/model';
import type { ClaimRequest, WriteRequest } from '@parley/ports';
import { Redis } from 'ioredis';
import { connectRedisStore, type RedisStoreOptions } from './connect';
import type { RedisStore } from './redis-store';
import { RecordingTelemetry } from './testing/recording-telemetry';
import { startScriptedSentinel } from './testing/scripted-sentinel';

let redis: PrivateServer;
let admin: Redis;

// The limit is for the first run of all, which fetches the server.
beforeAll(async () => {
  redis = await startPrivateServer('redis', { config: 'enable-debug-command local' });
  admin = new Redis(redis.url);
}, 200_000);
afterAll(async () => {
  await admin.quit();
  await redis.stop();
});

const { clock, timers } = systemPorts;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => timers.after(ms, resolve));

describeStoreConformance('redis', async () => {
  await admin.flushall();
  const proxy = await startTcpProxy(redis.port);
  const url = `redis://127.0.0.1:${proxy.port}`;
  return {
    connect: () => connectRedisStore({ url, log: new RecordingLog(), system: systemPorts }),
    advance: sleep,
    nowMs: () => clock.nowMs(),
    cutLinks: async () => {
      proxy.refuse();
      proxy.cut();
    },
    healLinks: async () => proxy.heal(),
    loseData: async () => {
      await admin.flushall();
    },
    close: () => proxy.close(),
  };
});

const SESSION: SessionId = 'sess_a';
const SECRET = 'what was said';
const claim: ClaimRequest = {
  sessionId: SESSION,
  owner: 'orc_a',
  expectedEpoch: 0,
  seenEpoch: 0,
  newAttachment: true,
  ttlMs: 60_000,
};
const write = (rev: number): WriteRequest => ({
  sessionId: SESSION,
  epoch: 1,
  rev,
  owner: 'orc_a',
  attachment: 1,
  state: Buffer.from(`${SECRET} ${rev}`),
  ttlMs: 60_000,
});

describe('store on Redis', () => {
  let store: RedisStore;
  let log: RecordingLog;
  let telemetry: RecordingTelemetry;
  /** What a case opened, released after it in the opposite order however it ended. */
  let releases: (() => Promise<void>)[] = [];

  const connect = async (options: Partial<RedisStoreOptions> = {}): Promise<RedisStore> => {
    const made = await connectRedisStore({ url: redis.url, log, telemetry, system: systemPorts, ...options });
    releases.push(() => made.close());
    return made;
  };
  const startServer = async (options: PrivateServerOptions = {}): Promise<PrivateServer> => {
    const server = await startPrivateServer('redis', options);
    releases.push(() => server.stop());
    return server;
  };
  const connectThroughProxy = async (): Promise<{ target: RedisStore; proxy: TcpProxy }> => {
    const proxy = await startTcpProxy(redis.port);
    releases.push(() => proxy.close());
    return { proxy, target: await connect({ url: `redis://127.0.0.1:${proxy.port}` }) };
  };
  /** Writes `rev` again until it is stored. */
  const written = async (target: RedisStore, rev: number): Promise<void> => {
    const deadlineMs = clock.nowMs() + 5_000;
    for (;;) {
      const outcome = await target.write(write(rev));
      if (outcome.kind === 'written' || outcome.kind === 'already') return;
      if (outcome.kind === 'fenced' || clock.nowMs() > deadlineMs) throw new Error(`not written: ${outcome.kind}`);
      await sleep(20);
    }
  };

  beforeEach(async () => {
    await admin.flushall();
    log = new RecordingLog();
    telemetry = new RecordingTelemetry();
    store = await connect();
    await store.claim(claim);
    await store.write(write(1));
  });
  afterEach(async () => {
    for (const release of releases.reverse()) await release();
    releases = [];
    expect(JSON.stringify(log.lines)).not.toContain(SECRET);
  });

  it('goes on when Redis forgot the scripts', async () => {
    await admin.script('FLUSH');
    const revs = Array.from({ length: 20 }, (_, index) => index + 2);
    const outcomes = await Promise.all(revs.map((rev) => store.write(write(rev))));
    expect(outcomes).toEqual(revs.map(() => ({ kind: 'written' })));
    await admin.script('FLUSH');
    expect(await store.release(SESSION, 1)).toEqual({ kind: 'released' });
    expect(telemetry.counted).toEqual([]);
  });

  it('sends the state of the call again with a script that Redis forgot, whatever the buffer holds by then', async () => {
    await admin.script('FLUSH');
    const state = Buffer.from('at the call');
    const writing = store.write({ ...write(2), state });
    state.fill(0);
    expect(await writing).toEqual({ kind: 'written' });
    const outcome = await store.load(SESSION);
    expect(outcome).toMatchObject({ session: { state: new Uint8Array(Buffer.from('at the call')) } });
  });

  it('answers unavailable while Redis is a replica, looks for the primary again, and goes on when there is one', async () => {
    const connections = async (): Promise<string[]> => {
      const own = `${await admin.client('ID')}`;
      const ids = [...`${await admin.client('LIST')}`.matchAll(/^id=(\d+)/gm)].map(([, id]) => id ?? '');
      return ids.filter((id) => id !== own);
    };
    const [before] = await connections();
    expect(before).toMatch(/^\d+$/);
    await admin.replicaof('127.0.0.1', 1);
    try {
      const outcome = await store.write(write(2));
      expect(outcome).toEqual({ kind: 'unavailable', message: expect.stringContaining('READONLY') });
    } finally {
      await admin.replicaof('NO', 'ONE');
    }
    await written(store, 2);
    expect(await connections()).not.toContain(before);
    expect(telemetry.counted).toContain('parley_store_failures_total write');
  });

  it('answers unavailable while Redis is out of memory, leaves the session as it was, and can still remove it', async () => {
    const before = await store.load(SESSION);
    await admin.config('SET', 'maxmemory', 1);
    try {
      const unavailable = { kind: 'unavailable', message: expect.stringContaining('OOM') };
      expect(await store.write(write(2))).toEqual(unavailable);
      expect(await store.claim({ ...claim, expectedEpoch: 1 })).toEqual(unavailable);
      expect(await store.write({ ...write(1), epoch: 2 })).toEqual(unavailable);
      expect(await store.load(SESSION)).toEqual(before);
      expect(await store.remove(SESSION, 1, 60_000)).toEqual({ kind: 'removed' });
    } finally {
      await admin.config('SET', 'maxmemory', 0);
    }
    expect(await store.load(SESSION)).toEqual({ kind: 'removed', epoch: 1 });
  });

  it('answers unavailable while Redis loads its data, and goes on then', async () => {
    await Promise.all(Array.from({ length: 400 }, (_, index) => admin.set(`filler${index}`, 'x'.repeat(200))));
    await admin.config('SET', 'loading-process-events-interval-bytes', 1024);
    await admin.config('SET', 'key-load-delay', 2_000);
    const loading = admin.debug('RELOAD');
    const messages = new Set<string>();
    try {
      while (messages.size === 0) {
        const outcome = await store.write(write(2));
        if (outcome.kind === 'unavailable') messages.add(outcome.message);
      }
    } finally {
      await loading;
      await admin.config('SET', 'key-load-delay', 0);
    }
    expect([...messages]).toEqual([expect.stringContaining('LOADING')]);
    await written(store, 2);
  });

  it('writes back into a Redis that was restarted empty', async () => {
    const first = await startServer();
    const target = await connect({ url: first.url });
    await target.claim(claim);
    await written(target, 1);
    await first.stop();
    expect(await target.write(write(2))).toEqual({ kind: 'unavailable', message: expect.any(String) });
    await startServer({ port: first.port });
    await written(target, 3);
    expect(await target.load(SESSION)).toMatchObject({ session: { epoch: 1, owner: 'orc_a', attachment: 1, rev: 3 } });
  });

  it('gives a silent link up after the deadline of one command, then fails at once, and comes back', async () => {
    const { target, proxy } = await connectThroughProxy();
    proxy.blackhole();
    const elapsedMs = async (work: () => Promise<unknown>): Promise<number> => {
      const startMs = clock.nowMs();
      await work();
      return clock.nowMs() - startMs;
    };
    const first = await elapsedMs(async () => {
      expect(await target.write(write(2))).toEqual({ kind: 'unavailable', message: 'no answer within 1000 ms' });
    });
    expect(first).toBeGreaterThan(900);
    expect(first).toBeLessThan(1_500);
    for (const pauseMs of [0, 20, 500]) {
      await sleep(pauseMs);
      const next = await elapsedMs(async () => expect((await target.write(write(2))).kind).toBe('unavailable'));
      expect(next).toBeLessThan(100);
    }
    proxy.heal();
    await written(target, 2);
  }, 15_000);

  it('closes in time on a silent link', async () => {
    const { target, proxy } = await connectThroughProxy();
    proxy.blackhole();
    const startMs = clock.nowMs();
    await target.close();
    expect(clock.nowMs() - startMs).toBeLessThan(2_500);
  });

  it('fails what is under way when the link is lost, at once, and does not apply it later', async () => {
    const { target, proxy } = await connectThroughProxy();
    proxy.blackhole();
    const claiming = target.claim({ ...claim, expectedEpoch: 1 });
    await sleep(20);
    const startMs = clock.nowMs();
    proxy.refuse();
    proxy.cut();
    expect((await claiming).kind).toBe('unavailable');
    expect((await target.claim({ ...claim, expectedEpoch: 1 })).kind).toBe('unavailable');
    expect(clock.nowMs() - startMs).toBeLessThan(500);
    proxy.heal();
    while (!(await target.ping())) await sleep(20);
    await sleep(100);
    expect(await target.load(SESSION)).toMatchObject({ session: { epoch: 1 } });
  });

  it('starts while Redis is away, and is there when Redis is', async () => {
    const first = await startServer();
    await first.stop();
    const target = await connect({ url: first.url });
    expect(await target.ping()).toBe(false);
    expect(await target.load(SESSION)).toMatchObject({ message: expect.stringContaining('ECONNREFUSED') });
    await startServer({ port: first.port });
    await written(target, 1);
  });

  describe('over a Sentinel', () => {
    let watched: WatchedRedis;
    let target: RedisStore;

    beforeEach(async () => {
      watched = await startWatchedRedis();
      releases.push(() => watched.stop());
      const sentinels = [{ host: '127.0.0.1', port: watched.sentinel.port }];
      target = await connect({ url: `redis://${watched.name}`, sentinels });
      await target.claim(claim);
      await written(target, 1);
    }, 40_000);

    it('finds the primary, and writes to the one that takes its place when it is killed', async () => {
      const atFirst = new Redis(watched.primary.url);
      expect(await atFirst.hget(`parley:{${SESSION}}:state`, 'rev')).toBe('1');
      atFirst.disconnect();
      await watched.primary.kill();
      expect((await target.write(write(2))).kind).toBe('unavailable');
      await written(target, 2);
      const after = new Redis(watched.replica.url);
      expect(await after.hget(`parley:{${SESSION}}:state`, 'rev')).toBe('2');
      after.disconnect();
    }, 30_000);

    it('leaves a primary that only stands still for the one that takes its place', async () => {
      process.kill(watched.primary.pid, 'SIGSTOP');
      try {
        expect((await target.write(write(2))).kind).toBe('unavailable');
        await written(target, 2);
      } finally {
        process.kill(watched.primary.pid, 'SIGCONT');
      }
      // Awake again it is a replica, and whoever still wrote to it would be refused.
      expect(await target.write(write(3))).toEqual({ kind: 'written' });
    }, 30_000);

    it('goes on without the Sentinel while the primary is there, and waits for it when both are away', async () => {
      const { port } = watched.sentinel;
      await watched.sentinel.kill();
      expect(await target.write(write(2))).toEqual({ kind: 'written' });
      await watched.primary.kill();
      expect((await target.write(write(3))).kind).toBe('unavailable');
      await sleep(500);
      expect((await target.write(write(3))).kind).toBe('unavailable');
      const replica = new Redis(watched.replica.url);
      await replica.replicaof('NO', 'ONE');
      replica.disconnect();
      const config = `sentinel monitor ${watched.name} 127.0.0.1 ${watched.replica.port} 1`;
      const again = await startPrivateServer('sentinel', { port, config });
      releases.push(() => again.stop());
      await written(target, 3);
    }, 30_000);

    it('starts while Sentinel is away, and closes in time then', async () => {
      const log = new RecordingLog();
      const sentinels = [{ host: '127.0.0.1', port: 1 }];
      const lost = await connectRedisStore({ url: `redis://${watched.name}`, sentinels, log, system: systemPorts });
      expect(await lost.ping()).toBe(false);
      const startMs = clock.nowMs();
      await lost.close();
      expect(clock.nowMs() - startMs).toBeLessThan(2_500);
    }, 15_000);
  });

  it('comes back when a Sentinel tells of a switch while it is asked for the primary', async () => {
    const proxy = await startTcpProxy(redis.port);
    releases.push(() => proxy.close());
    const sentinel = await startScriptedSentinel(proxy.port);
    releases.push(() => sentinel.close());
    const target = await connect({
      url: 'redis://sessions',
      sentinels: [{ host: '127.0.0.1', port: sentinel.port }],
    });
    await written(target, 2);
    let asked = 0;
    sentinel.onAsked = async () => {
      if (++asked > 1) return;
      sentinel.announceSwitch();
      await sleep(100);
    };
    proxy.cut();
    await written(target, 3);
    expect(asked).toBeGreaterThan(1);
  });

  it('touches one slot of a Redis Cluster in every call, and answers unavailable where a slot is not served', async () => {
    const node = await startServer({ config: 'cluster-enabled yes\ncluster-require-full-coverage no' });
    const target = await connect({ url: node.url });
    expect(await target.claim(claim)).toEqual({ kind: 'unavailable', message: expect.stringContaining('CLUSTERDOWN') });
    const nodeAdmin = new Redis(node.url);
    await nodeAdmin.cluster('ADDSLOTSRANGE', 0, 16_383);
    while (!(await nodeAdmin.cluster('INFO')).includes('cluster_state:ok')) await sleep(20);
    await nodeAdmin.quit();
    expect(await target.claim(claim)).toMatchObject({ kind: 'claimed' });
    expect(await target.write(write(1))).toEqual({ kind: 'written' });
    expect(await target.release(SESSION, 1)).toEqual({ kind: 'released' });
    expect(await target.remove(SESSION, 1, 60_000)).toEqual({ kind: 'removed' });
    expect(await target.renewLease('orc_a', 60_000)).toEqual({ kind: 'taken' });
    expect(await target.renewLease('orc_a', 60_000)).toEqual({ kind: 'renewed' });
  });

  it('keeps what was said out of messages and logs when Redis refuses a command with its arguments', async () => {
    const odd = await startServer({ config: 'rename-command EVALSHA ""' });
    const target = await connect({ url: odd.url });
    const outcome = await target.write(write(1));
    expect(outcome).toEqual({ kind: 'unavailable', message: expect.stringMatching(/^ERR unknown command 'EVALSHA'$/) });
  });

  it('keeps deployments with other key prefixes apart', async () => {
    const other = await connect({ keyPrefix: 'other:' });
    expect(await other.load(SESSION)).toEqual({ kind: 'missing' });
    await other.renewLease('orc_a', 60_000);
    expect(await store.leaseAlive('orc_a')).toEqual({ kind: 'gone' });
    expect((await admin.keys('*')).sort()).toEqual(['other:lease:orc_a', `parley:{${SESSION}}:state`]);
  });

  it('measures writes, and logs an outage once', async () => {
    expect(telemetry.observedSeconds).toHaveLength(1);
    expect(telemetry.observedSeconds[0]).toBeLessThan(1);
    await admin.config('SET', 'maxmemory', 1);
    for (const rev of [2, 2, 2]) await store.write(write(rev));
    await admin.config('SET', 'maxmemory', 0);
    for (const rev of [2, 3]) await store.write(write(rev));
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(log.lines.filter(({ message }) => message.endsWith('available again'))).toHaveLength(1);
    expect(telemetry.counted).toEqual(Array.from({ length: 3 }, () => 'parley_store_failures_total write'));
    expect(telemetry.observedSeconds).toHaveLength(3);
  });

  it('refuses a URL that is not one of Redis without repeating it', async () => {
    const attempt = connectRedisStore({ url: 'http://user:secret@127.0.0.1', log, system: systemPorts });
    await expect(attempt).rejects.toThrow(/^the URL of Redis must start with redis:\/\/ or rediss:\/\/$/);
  });
});
