// Everything that runs in a cluster, and the order in which it comes and goes.

import path from 'node:path';
import { ensureNatives, startNats, startRedis } from '../natives/index.mjs';
import { ROOT } from '../support/root.mjs';
import { ROLES } from './arguments.mjs';
import { startForwarder } from './forwarder.mjs';
import { Replica } from './replica.mjs';

/** @typedef {import('./arguments.mjs').Role} Role */

const APPS = { orchestrator: 'turn-orchestrator', tts: 'tts-worker', avatar: 'avatar-bridge', gateway: 'gateway' };
const LOOPBACK = '127.0.0.1';
const REALTIME_PATH = '/v1/realtime';

/**
 * @typedef {object} ClusterOptions
 * @property {import('./settings.mjs').Settings} settings
 * @property {(line: string) => void} print the lines that others script against
 * @property {(line: string) => void} log
 * @property {(reason: string) => void} onFatal it cannot go on
 */

export class Cluster {
  /** @type {Replica[]} */
  #replicas = [];
  /** @type {import('../natives/servers.mjs').RunningServer[]} */
  #servers = [];
  /** @type {{ port: number, close: () => Promise<void> } | undefined} */
  #forwarder;
  /** @type {Promise<void> | undefined} */
  #stopping;
  #isReady = false;

  /** @param {ClusterOptions} options */
  constructor(options) {
    this.options = options;
  }

  /** Resolves when everything has been started; `ready` is printed when all of it has come up. */
  async start() {
    const { settings } = this.options;
    await this.#listen();
    const servers = await this.#startServers();
    if (this.#stopping !== undefined) return;
    for (const role of ROLES) {
      for (let number = 1; number <= settings.replicas[role]; number++) this.#add(role, number, servers);
    }
    for (const replica of this.#replicas) replica.start();
  }

  /** Gateways first: they say goodbye to their clients while everybody is there. */
  stop() {
    this.#stopping ??= (async () => {
      const isGateway = (/** @type {Replica} */ replica) => replica.options.role === 'gateway';
      await Promise.all(this.#replicas.filter(isGateway).map((replica) => replica.stop()));
      await Promise.all(this.#replicas.filter((replica) => !isGateway(replica)).map((replica) => replica.stop()));
      await this.#forwarder?.close();
      await Promise.all(this.#servers.map((server) => server.stop()));
    })();
    return this.#stopping;
  }

  /** With one gateway its port is only tried, so that a taken one is a clear message before anything is started. */
  async #listen() {
    const { listen, replicas } = this.options.settings;
    try {
      const forwarder = await startForwarder({ ...listen, targets: () => this.#gatewaysUp() });
      if (replicas.gateway > 1) this.#forwarder = forwarder;
      else await forwarder.close();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'EADDRINUSE') throw error;
      const address = `${listen.host}:${listen.port}`;
      throw new Error(`${address} is already in use; stop what listens there or set PARLEY_PORT to another port`, {
        cause: error,
      });
    }
  }

  #gatewaysUp() {
    return this.#replicas
      .filter(({ options, url }) => options.role === 'gateway' && url !== undefined)
      .map(({ url }) => ({ host: LOOPBACK, port: Number(new URL(String(url)).port) }));
  }

  /** @returns {Promise<Record<string, string>>} the variables that say where they are */
  async #startServers() {
    const { nats, redis } = this.options.settings.privateServers;
    if (!nats && !redis) return {};
    const { natsServer, redisServer } = await ensureNatives({ log: this.options.log });
    /** @type {Record<string, string>} */
    const urls = {};
    if (nats) urls.NATS_URL = await this.#startServer('nats-server', () => startNats(natsServer));
    if (redis) urls.REDIS_URL = await this.#startServer('redis-server', () => startRedis(redisServer));
    return urls;
  }

  /**
   * @param {string} name
   * @param {() => Promise<import('../natives/servers.mjs').RunningServer>} start
   */
  async #startServer(name, start) {
    const server = await start();
    this.options.print(`${name} ${server.url}`);
    this.#servers.push(server);
    void server.exited.then((how) => this.#giveUp(`${name} ${how}`));
    return server.url;
  }

  /** What ends one replica for good mostly ends the others too: the first reason is the one to tell. @param {string} reason */
  #giveUp(reason) {
    if (this.#stopping === undefined) this.options.onFatal(reason);
  }

  /**
   * @param {Role} role
   * @param {number} number
   * @param {Record<string, string>} servers
   */
  #add(role, number, servers) {
    const { settings, log } = this.options;
    const prefix = `[${role} ${number}]`;
    const replica = new Replica({
      role,
      number,
      script: path.join(ROOT, 'dist', 'apps', APPS[role], 'main.cjs'),
      env: { ...settings.envOf(role, servers), ...this.#addressOf(role) },
      onReady: () => this.#cameUp(replica),
      onGone: (_replica, reason) => log(`${prefix} died (${reason}), starting it again`),
      onFailed: (reason) => this.#giveUp(`${role} ${number} does not start (${reason})`),
      onLine: (line) => log(settings.isReadable ? `${prefix} ${line}` : line),
    });
    this.#replicas.push(replica);
  }

  /**
   * Only what clients connect to listens where they can reach it.
   *
   * @param {Role} role
   * @returns {Record<string, string>}
   */
  #addressOf(role) {
    const { listen } = this.options.settings;
    if (role !== 'gateway') return { PARLEY_HOST: LOOPBACK, PARLEY_METRICS_PORT: '0' };
    if (this.#forwarder !== undefined) return { PARLEY_HOST: LOOPBACK, PARLEY_PORT: '0' };
    return { PARLEY_HOST: listen.host, PARLEY_PORT: String(listen.port) };
  }

  /** @param {Replica} replica */
  #cameUp(replica) {
    const { role, number } = replica.options;
    const url = String(replica.url);
    this.options.print(`process ${role} ${number} pid=${replica.pid} metrics=${url}/metrics`);
    if (role === 'gateway') {
      this.options.print(`gateway ${number} ${url.replace(/^http/, 'ws')}${REALTIME_PATH}`);
      // It comes back under the address that its clients know.
      replica.env.PARLEY_PORT = new URL(url).port;
    }
    if (this.#isReady || this.#replicas.some((each) => each.url === undefined)) return;
    this.#isReady = true;
    this.options.print(`ready ${this.#publicUrl()}`);
  }

  #publicUrl() {
    const { host } = this.options.settings.listen;
    const [gateway] = this.#gatewaysUp();
    const port = this.#forwarder?.port ?? gateway?.port;
    const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
    return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
  }
}
