// Private instances of NATS and Redis on loopback, for tests and for a cluster on one machine.

import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastLines } from './command.mjs';
import { LOOPBACK, exchange, findFreePort } from './loopback.mjs';
import { launch } from './supervised.mjs';

const READY_TIMEOUT_MS = 15_000;
const PROBE_TIMEOUT_MS = 2_000;
const PROBE_INTERVAL_MS = 10;
const REDIS_PORT_ATTEMPTS = 5;
const REDIS_DEFAULTS = 'save ""\nappendonly no\n';

/**
 * @typedef {object} ServerOptions
 * @property {string} command
 * @property {Record<string, string>} [env] variables to add to the environment
 * @property {string} [dir] where to keep data, and leave it; else a temporary folder
 * @property {number} [port] else a free one
 * @property {string} [config] text in the server's own configuration language
 * @property {number} [readyTimeoutMs]
 *
 * @typedef {object} RunningServer
 * @property {string} url
 * @property {number} port
 * @property {number} pid
 * @property {string} dir where its data is
 * @property {Promise<string>} exited how it ended, in words; never rejects
 * @property {() => Promise<void>} stop SIGTERM, after 2 s SIGKILL; resolves when it is gone
 *
 * @typedef {import('./supervised.mjs').Supervised} Supervised
 */

/**
 * Starts nats-server with JetStream.
 *
 * @param {ServerOptions} options
 * @returns {Promise<RunningServer>}
 */
export function startNats(options) {
  return start('nats-server', options, {
    configFile: 'nats.conf',
    configText: options.config ?? '',
    args: (configFile, runDir, dataDir) => [
      ...['-c', configFile, '-a', LOOPBACK, '-js', '-sd', dataDir],
      // -1: the kernel chooses while binding, and the server writes what it got.
      ...['-p', String(options.port || -1), '--ports_file_dir', runDir],
    ],
    probe: probeNats,
    scheme: 'nats',
  });
}

/**
 * Starts redis-server without persistence (the caller's config may turn it on).
 *
 * @param {ServerOptions} options
 * @returns {Promise<RunningServer>}
 */
export const startRedis = (options) => startRedisAs('server', options);

/**
 * Starts redis-server as a Sentinel. The caller's config says whom it watches.
 *
 * @param {ServerOptions} options
 * @returns {Promise<RunningServer>}
 */
export const startSentinel = (options) => startRedisAs('sentinel', options);

/**
 * @param {'server' | 'sentinel'} mode
 * @param {ServerOptions} options
 * @returns {Promise<RunningServer>}
 */
async function startRedisAs(mode, options) {
  for (let attempt = 1; ; attempt++) {
    // Redis cannot bind "any port", so one is chosen for it, and another when it was taken in between.
    const port = options.port || (await findFreePort());
    try {
      return await startRedisOn(port, mode, options);
    } catch (error) {
      const wasTaken = error instanceof Error && /address already in use/i.test(error.message);
      if (options.port || !wasTaken || attempt === REDIS_PORT_ATTEMPTS) throw error;
    }
  }
}

/**
 * @param {number} port
 * @param {'server' | 'sentinel'} mode
 * @param {ServerOptions} options
 */
function startRedisOn(port, mode, options) {
  return start('redis-server', options, {
    configFile: 'redis.conf',
    configText: `${mode === 'server' ? REDIS_DEFAULTS : ''}${options.config ?? ''}\n`,
    args: (configFile, runDir, dataDir) => [
      configFile,
      ...(mode === 'sentinel' ? ['--sentinel'] : []),
      ...['--bind', LOOPBACK, '--port', String(port), '--dir', dataDir, '--daemonize', 'no'],
    ],
    probe: (server) => probeRedis(server, port),
    scheme: 'redis',
  });
}

/**
 * @typedef {object} Kind
 * @property {string} configFile
 * @property {string} configText
 * @property {(configFile: string, runDir: string, dataDir: string) => string[]} args
 * @property {(server: Supervised, runDir: string) => Promise<number | null>} probe the port, when this very server answers
 * @property {string} scheme
 */

/**
 * @param {string} name
 * @param {ServerOptions} options
 * @param {Kind} kind
 * @returns {Promise<RunningServer>}
 */
async function start(name, { command, env = {}, dir, readyTimeoutMs = READY_TIMEOUT_MS }, kind) {
  // Only named here: the supervisor makes the folder, so that there is no moment when nobody would remove it.
  const runDir = path.join(tmpdir(), `parley-${kind.scheme}-${randomUUID()}`);
  const dataDir = path.resolve(dir ?? path.join(runDir, 'data'));
  const configFile = path.join(runDir, kind.configFile);
  if (dir !== undefined) await mkdir(dataDir, { recursive: true });
  const server = await launch({
    command,
    args: kind.args(configFile, runDir, dataDir),
    env,
    runDir,
    files: { [kind.configFile]: kind.configText },
  }).catch((error) => {
    throw new Error(`${name} ${error.message}`, { cause: error });
  });
  try {
    const port = await waitUntilReady(server, () => kind.probe(server, runDir), readyTimeoutMs);
    const { pid, exited, stop } = server;
    return { url: `${kind.scheme}://${LOOPBACK}:${port}`, port, pid, dir: dataDir, exited, stop };
  } catch (error) {
    await server.stop();
    const said = lastLines(server.output(), 3);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name} ${reason}${said === '' ? '' : `: ${said}`}`, { cause: error });
  }
}

/**
 * @param {Supervised} server
 * @param {() => Promise<number | null>} probe
 * @param {number} timeoutMs
 * @returns {Promise<number>}
 */
async function waitUntilReady(server, probe, timeoutMs) {
  const deadline = performance.now() + timeoutMs;
  const gone = server.exited.then((how) => {
    throw new Error(`${how} before it answered`);
  });
  // It rejects also when it is no longer awaited: at the server's ordinary end.
  gone.catch(() => {});
  while (performance.now() < deadline) {
    // A server that does not listen yet refuses: not an error here.
    const port = await Promise.race([probe().catch(() => null), gone]);
    if (port !== null) return port;
    await Promise.race([sleep(PROBE_INTERVAL_MS), gone]);
  }
  throw new Error(`did not answer within ${timeoutMs} ms`);
}

/**
 * The ports file is written by this server into its own folder, so the port cannot be somebody else's.
 *
 * @param {Supervised} server
 * @param {string} runDir
 * @returns {Promise<number | null>}
 */
async function probeNats(server, runDir) {
  const file = (await readdir(runDir)).find((name) => name.endsWith('.ports'));
  if (file === undefined) return null;
  const ports = JSON.parse(await readFile(path.join(runDir, file), 'utf8'));
  const port = Number(new URL(ports.nats[0]).port);
  const answer = await exchange(port, '', (text) => text.includes('\r\n'), PROBE_TIMEOUT_MS);
  return answer.startsWith('INFO ') ? port : null;
}

/**
 * The port may have been taken by another Redis in between, so its process is compared.
 *
 * @param {Supervised} server
 * @param {number} port
 * @returns {Promise<number | null>}
 */
async function probeRedis(server, port) {
  const processId = /process_id:(\d+)\r\n/;
  const isComplete = (/** @type {string} */ text) => processId.test(text) || /^-/m.test(text);
  const answer = await exchange(port, 'PING\r\nINFO server\r\n', isComplete, PROBE_TIMEOUT_MS);
  const pid = processId.exec(answer)?.[1];
  return answer.startsWith('+PONG') && Number(pid) === server.pid ? port : null;
}
