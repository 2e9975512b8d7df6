// Everything that runs in a cluster, and the order in which it comes and goes.

import path from 'node:path';
import { ensureNatives, startNats, startRedis } from '../natives/index.mjs';
import { ROOT } from '../support/root.mjs';
import { ROLES } from './arguments.mjs';
import { startForwarder } from './forwarder.mjs';
import { Replica } from './replica.mjs';

/** @typedef {import('./arguments.mjs').Role} Role */
/** @typedef {{ port: number, close: () => Promise<void> }} Forwarder */

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
  /** @type {Forwarder | undefined} */
  #forwarder;
  /** @type {Forwarder | undefined} */
  #tlsForwarder;
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
      await Promise.all([this.#forwarder?.close(), this.#tlsForwarder?.close()]);
      await Promise.all(this.#servers.map((server) => server.stop()));
    })();
    return this.#stopping;
  }

  async #listen() {
    const { host, port, tls } = this.options.settings.listen;
    this.#forwarder = await this.#forward('PARLEY_PORT', host, port, ({ url }) => url);
    if (tls) this.#tlsForwarder = await this.#forward('PARLEY_TLS_PORT', host, tls.port, ({ tlsUrl }) => tlsUrl);
  }

  /**
   * With one gateway the port is only tried, so that a taken one is a clear message before anything is started.
   *
   * @param {string} variable
   * @param {string} host
   * @param {number} port
   * @param {(gateway: Replica) => string | undefined} urlOf
   */
  async #forward(variable, host, port, urlOf) {
    try {
      const forwarder = await startForwarder({ host, port, targets: () => this.#targets(urlOf) });
      if (this.options.settings.replicas.gateway > 1) return forwarder;
      await forwarder.close();
      return undefined;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'EADDRINUSE') throw error;
      const message = `${host}:${port} is already in use; stop what listens there or set ${variable} to another port`;
      throw new Error(message, { cause: error });
    }
  }

  /** The gateways that are up. @param {(gateway: Replica) => string | undefined} urlOf */
  #targets(urlOf) {
    return this.#replicas
      .filter(({ options }) => options.role === 'gateway')
      .flatMap((gateway) => urlOf(gateway) ?? [])
      .map((url) => ({ host: LOOPBACK, port: Number(new URL(url).port) }));
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
    const isOwn = this.#forwarder === undefined;
    /** @param {number} port */
    const portOf = (port) => String(isOwn ? port : 0);
    return {
      PARLEY_HOST: isOwn ? listen.host : LOOPBACK,
      PARLEY_PORT: portOf(listen.port),
      ...(listen.tls ? { PARLEY_TLS_PORT: portOf(listen.tls.port) } : {}),
    };
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
      if (replica.tlsUrl !== undefined) replica.env.PARLEY_TLS_PORT = new URL(replica.tlsUrl).port;
    }
    if (this.#isReady || this.#replicas.some((each) => each.url === undefined)) return;
    this.#isReady = true;
    this.#printAddresses();
  }

  #printAddresses() {
    const { listen, madeCertificate } = this.options.settings;
    const name = listen.host === '0.0.0.0' || listen.host === '::' ? 'localhost' : listen.host;
    const host = name.includes(':') ? `[${name}]` : name;
    if (listen.tls) {
      const port = this.#tlsForwarder?.port ?? this.#targets(({ tlsUrl }) => tlsUrl)[0]?.port;
      this.options.print(`tls https://${host}:${port}${madeCertificate ? ` certificate=${madeCertificate}` : ''}`);
    }
    this.options.print(`ready http://${host}:${this.#forwarder?.port ?? this.#targets(({ url }) => url)[0]?.port}`);
  }
}
