import { systemPorts } from '@parley/adapter-system';
import {
  describeBusConformance,
  RecordingLog,
  startNativeServers,
  startTcpProxy,
  type BusSubject,
  type NativeServers,
  type TcpProxy,
} from '@parley/harness';
import type { BusPort } from '@parley/ports';
import { connectNatsBus, type NatsBus } from './nats-bus';

let servers: NativeServers;

beforeAll(async () => {
  servers = await startNativeServers();
}, 200_000);

afterAll(() => servers.stop());

const natsPort = (): number => Number(new URL(servers.natsUrl).port);

const connectTo = (port: number, log: RecordingLog): Promise<NatsBus> =>
  connectNatsBus({
    urls: [`nats://127.0.0.1:${port}`],
    name: 'conformance',
    inboxPrefix: '_INBOX.conformance',
    log,
    timers: systemPorts.timers,
    random: systemPorts.random,
    schedule: systemPorts.schedule,
  });

const natsSubject = (): Promise<BusSubject> => {
  const log = new RecordingLog();
  const proxies = new Map<BusPort, TcpProxy>();
  const breakLink = (bus: BusPort): void => {
    proxies.get(bus)?.refuse();
    proxies.get(bus)?.cut();
  };
  return Promise.resolve({
    system: systemPorts,
    connect: async () => {
      const proxy = await startTcpProxy(natsPort());
      const bus = await connectTo(proxy.port, log);
      proxies.set(bus, proxy);
      return bus;
    },
    breakLink,
    allowLink: (bus) => proxies.get(bus)?.heal(),
    // What the broker sees of a killed process: its connection is reset and it never comes back.
    kill: breakLink,
    loggedErrors: () => log.lines.filter(({ level }) => level === 'error').length,
    run: (work) => work(),
    dispose: async () => {
      await Promise.all([...proxies].map(([bus, proxy]) => bus.close().then(() => proxy.close())));
    },
  });
};

describeBusConformance('NatsBus', natsSubject);

describe('NatsBus on a link that goes silent', () => {
  const log = new RecordingLog();
  const { timers, clock } = systemPorts;
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      timers.after(ms, resolve);
    });
  const eventually = async (limitMs: number, condition: () => boolean): Promise<void> => {
    const deadlineMs = clock.nowMs() + limitMs;
    while (!condition()) {
      if (clock.nowMs() > deadlineMs) throw new Error(`did not happen within ${limitMs} ms`);
      await pause(5);
    }
  };

  it('notices it within 10 s with data under way, and is back as soon as a server answers', async () => {
    const proxy = await startTcpProxy(natsPort());
    const bus = await connectTo(proxy.port, log);
    const watcher = await connectTo(natsPort(), log);
    const subject = `silent.${systemPorts.random.hex(8)}`;
    const got: string[] = [];
    bus.subscribe(subject, () => got.push('bus'));
    watcher.subscribe(subject, ({ payload }) => got.push(new TextDecoder().decode(payload.subarray(0, 5))));
    await watcher.flush(1_000);
    try {
      proxy.blackhole();
      // More than all socket buffers on the way take: what the library's own reconnecting never gets over.
      const chunk = new Uint8Array(500_000);
      for (let n = 0; n < 40; n++) bus.publish('silent.ballast', chunk);
      const silentMs = clock.nowMs();
      await eventually(12_000, () => !bus.connected);
      expect(clock.nowMs() - silentMs).toBeLessThan(10_500);
      // During the dial that the hole swallows: the library by itself would send this after it.
      bus.publish(subject, new TextEncoder().encode('stale'));
      await pause(600);
      bus.publish(subject, new TextEncoder().encode('stale'));
      proxy.heal();
      await eventually(6_000, () => bus.connected);
      bus.publish(subject, new TextEncoder().encode('fresh'));
      await eventually(1_000, () => got.length >= 2);
      expect(got.sort()).toEqual(['bus', 'fresh']);
    } finally {
      await Promise.all([bus.close(), watcher.close()]);
      await proxy.close();
    }
  }, 30_000);

  it('gives up a first connection that gets no answer, after 5 s', async () => {
    const proxy = await startTcpProxy(natsPort());
    proxy.blackhole();
    const startMs = clock.nowMs();
    await expect(connectTo(proxy.port, log)).rejects.toThrow(`cannot connect to NATS at 127.0.0.1:${proxy.port}: `);
    expect(clock.nowMs() - startMs).toBeLessThan(7_000);
    await proxy.close();
  }, 10_000);

  it('closes within about 2 s in the middle of a dial, and what the dial brings is not kept', async () => {
    const proxy = await startTcpProxy(natsPort());
    const bus = await connectTo(proxy.port, log);
    const other = await connectTo(natsPort(), log);
    const subject = `dialing.${systemPorts.random.hex(8)}`;
    bus.subscribe(subject, ({ reply }) => reply?.(new Uint8Array(1)), { queue: 'workers' });
    try {
      proxy.blackhole();
      proxy.cut();
      await eventually(1_000, () => !bus.connected);
      await pause(600);
      const startMs = clock.nowMs();
      await bus.close();
      expect(clock.nowMs() - startMs).toBeLessThan(2_500);
      proxy.heal();
      await pause(300);
      await expect(other.request(subject, new Uint8Array(0), { timeoutMs: 500 })).resolves.toEqual({
        kind: 'no-responders',
      });
    } finally {
      await other.close();
      await proxy.close();
    }
  }, 10_000);

  it('closes within about 2 s on a link that is silent but not yet noticed', async () => {
    const proxy = await startTcpProxy(natsPort());
    const bus = await connectTo(proxy.port, log);
    proxy.blackhole();
    for (let n = 0; n < 40; n++) bus.publish('silent.ballast', new Uint8Array(500_000));
    const outcome = bus.request('silent.question', new Uint8Array(0), { timeoutMs: 60_000 });
    const startMs = clock.nowMs();
    await bus.close();
    expect(await outcome).toEqual({ kind: 'disconnected' });
    expect(clock.nowMs() - startMs).toBeLessThan(3_000);
    expect(bus.connected).toBe(false);
    await proxy.close();
  }, 10_000);
});

describe('connectNatsBus', () => {
  it('gives a bus whose orderly life leaves nothing in the log', async () => {
    const log = new RecordingLog();
    const bus = await connectTo(natsPort(), log);
    bus.subscribe('quiet.life', () => undefined);
    await bus.flush(1_000);
    await bus.close();
    expect(log.lines).toEqual([]);
  });

  it('names the server it cannot reach, and no credentials', async () => {
    const proxy = await startTcpProxy(1);
    await proxy.close();
    const failure = connectNatsBus({
      urls: [`nats://someone:s3cret@127.0.0.1:${proxy.port}`],
      name: 'test',
      inboxPrefix: '_INBOX.test',
      log: new RecordingLog(),
      timers: systemPorts.timers,
      random: systemPorts.random,
      schedule: systemPorts.schedule,
    });
    await expect(failure).rejects.toThrow(`cannot connect to NATS at 127.0.0.1:${proxy.port}: connection refused`);
    await failure.catch((error: unknown) => expect(String(error)).not.toMatch(/someone|s3cret/));
  });
});
