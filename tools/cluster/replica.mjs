// One replica: a process that is started again when it dies, until it is stopped.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const FIRST_RESTART_MS = 100;
/** With the start itself still within the 2 s in which a replica is to be back. */
const LONGEST_RESTART_MS = 1_000;
/** One that ran for so long did not die of what ended the one before. */
const STABLE_MS = 10_000;
/** Failures in a row before the first READY: it will not start at all. */
const MAX_FALSE_STARTS = 3;
/** The services of a process have 20 s, and what they stand on 6 more; Kubernetes gives as long. */
const KILL_AFTER_MS = 30_000;
const ANNOUNCEMENT = /^(READY|TLS) (https?:\/\/\S+)/;

/**
 * Where a replica listens, read from a line of its log in either format.
 *
 * @param {string} line
 * @returns {{ what: string, url: string } | undefined}
 */
export function announcementIn(line) {
  const text = line.startsWith('{') ? announcementOf(line) : line;
  const [, what, url] = ANNOUNCEMENT.exec(text) ?? [];
  return what === undefined || url === undefined ? undefined : { what, url };
}

/** @param {string} json */
function announcementOf(json) {
  try {
    const { message, url } = JSON.parse(json);
    return `${message} ${url}`;
  } catch {
    return json;
  }
}

/**
 * @typedef {object} ReplicaOptions
 * @property {import('./arguments.mjs').Role} role
 * @property {number} number from 1
 * @property {string} script
 * @property {Record<string, string>} env
 * @property {(replica: Replica) => void} onReady each time it has come up
 * @property {(replica: Replica, reason: string) => void} onGone each time it has died
 * @property {(reason: string) => void} onFailed it does not come up at all
 * @property {(line: string) => void} onLine of its log
 */

export class Replica {
  /** @type {string | undefined} Where it listens, while it is up. */
  url;
  /** @type {string | undefined} The same over TLS, if it does. */
  tlsUrl;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** @type {NodeJS.Timeout | undefined} */
  #restart;
  #wasReady = false;
  #deathsInARow = 0;
  #isStopping = false;

  /** @param {ReplicaOptions} options */
  constructor(options) {
    this.options = options;
    this.env = { ...options.env };
  }

  get name() {
    return `${this.options.role} ${this.options.number}`;
  }

  get pid() {
    return this.#child?.pid;
  }

  start() {
    const child = spawn(process.execPath, [this.options.script], {
      env: this.env,
      // The channel carries nothing: its end tells the replica that we are gone, even after SIGKILL.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A Ctrl-C is for us: we stop them in order.
      detached: true,
    });
    this.#child = child;
    const startedMs = performance.now();
    createInterface({ input: /** @type {import('node:stream').Readable} */ (child.stdout) }).on('line', (line) =>
      this.#read(line),
    );
    createInterface({ input: /** @type {import('node:stream').Readable} */ (child.stderr) }).on('line', (line) =>
      this.options.onLine(line),
    );
    child.once('error', (error) => this.#died(startedMs, error.message));
    child.once('exit', (code, signal) => this.#died(startedMs, signal ?? `exit code ${code}`));
  }

  /** @returns {Promise<void>} when it is gone */
  async stop() {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    await gone;
    clearTimeout(kill);
  }

  /** @param {string} line */
  #read(line) {
    const announcement = announcementIn(line);
    if (announcement === undefined) return this.options.onLine(line);
    if (announcement.what === 'TLS') {
      this.tlsUrl = announcement.url;
      return;
    }
    this.#wasReady = true;
    this.url = announcement.url;
    this.options.onReady(this);
  }

  /**
   * @param {number} startedMs
   * @param {string} reason
   */
  #died(startedMs, reason) {
    if (this.#child === undefined) return;
    this.#child = undefined;
    this.url = undefined;
    this.tlsUrl = undefined;
    if (this.#isStopping) return;
    this.#deathsInARow = performance.now() - startedMs > STABLE_MS ? 1 : this.#deathsInARow + 1;
    if (!this.#wasReady && this.#deathsInARow >= MAX_FALSE_STARTS) return this.options.onFailed(reason);
    this.options.onGone(this, reason);
    const delayMs = Math.min(FIRST_RESTART_MS * 2 ** (this.#deathsInARow - 1), LONGEST_RESTART_MS);
    this.#restart = setTimeout(() => this.start(), delayMs);
  }
}
