import { createServer } from 'node:net';
import {
  startPrivateServer,
  startReplica,
  startWatchedRedis,
  type PrivateServer,
  type WatchedRedis,
} from '@parley/harness';
import { sleep } from './sleep';

/** One Redis, or a primary and a replica watched by a Sentinel. */
export type StoreKind = 'single' | 'watched';

/** The bus and the store of one cluster, nobody else's: on one bus two clusters would be one. They may be killed. */
export class Servers {
  private constructor(
    private nats: PrivateServer,
    private readonly natsConfig: string,
    /** Where the bus tells of its connections. */
    readonly natsMonitorUrl: string,
    private store: PrivateServer | WatchedRedis,
    private readonly storeConfig: string,
  ) {}

  /** `storeConfig`: lines of redis.conf for a single Redis. */
  static async start(kind: StoreKind, storeConfig = ''): Promise<Servers> {
    const monitor = `127.0.0.1:${await freePort()}`;
    const config = `http: "${monitor}"`;
    const [nats, store] = await Promise.all([
      startPrivateServer('nats', { config }),
      kind === 'single' ? startPrivateServer('redis', { config: storeConfig }) : startWatchedRedis(),
    ]);
    return new Servers(nats, config, `http://${monitor}`, store, storeConfig);
  }

  get natsUrl(): string {
    return this.nats.url;
  }

  /** What the processes are told of the store. */
  get storeEnvironment(): Record<string, string> {
    if ('url' in this.store) return { REDIS_URL: this.store.url };
    const { name, sentinel } = this.store;
    return { REDIS_URL: `redis://${name}`, REDIS_SENTINELS: `127.0.0.1:${sentinel.port}` };
  }

  /** Who holds the sessions now. */
  get primary(): PrivateServer {
    return 'url' in this.store ? this.store : this.store.primary;
  }

  /** SIGKILL of the bus, and another one in its place after so long. */
  async dropBus(awayMs: number): Promise<void> {
    const { port } = this.nats;
    await this.nats.kill();
    await sleep(awayMs);
    this.nats = await startPrivateServer('nats', { port, config: this.natsConfig });
  }

  /** SIGKILL of a Redis that writes nothing to disk: after so long it is back, and knows nothing any more. */
  async dropStore(awayMs: number): Promise<void> {
    const { port } = this.primary;
    await this.primary.kill();
    await sleep(awayMs);
    this.store = await startPrivateServer('redis', { port, config: this.storeConfig });
  }

  /** SIGKILL of the primary. Resolves when the replica is in its place, and followed by a new one that the Sentinel knows. */
  async failOver(): Promise<void> {
    if ('url' in this.store) throw new Error('a single Redis has no replica');
    const { primary, replica } = this.store;
    await primary.kill();
    await this.store.untilPrimaryIs(replica);
    const next = await startReplica(replica.port, primary.port);
    this.store = { ...this.store, primary: replica, replica: next };
    await this.store.untilFollowed();
  }

  async stop(): Promise<void> {
    await Promise.all([this.nats.stop(), this.store.stop()]);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
