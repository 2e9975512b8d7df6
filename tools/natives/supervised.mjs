// The starter's side of supervise.mjs.

import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SUPERVISOR = fileURLToPath(new URL('./supervise.mjs', import.meta.url));
const STOP_GRACE_MS = 2_000;
/** On top of the grace: the supervisor's own work, on a busy machine. */
const STOP_MARGIN_MS = 5_000;
const LAUNCH_TIMEOUT_MS = 15_000;
const LAST_OUTPUT_WAIT_MS = 200;
const MAX_OUTPUT_CHARS = 16 * 1024;
/** Meant for the starter, and in the supervisor would load its hooks or talk to its test runner. */
const OWN_VARIABLES = ['NODE_OPTIONS', 'NODE_TEST_CONTEXT', 'NODE_CHANNEL_FD', 'NODE_V8_COVERAGE'];

/**
 * @typedef {object} Supervised
 * @property {number} pid of the server, not of its supervisor
 * @property {Promise<string>} exited how the server ended, in words; never rejects
 * @property {() => string} output the end of what the server wrote
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a server that ends with this process. The supervisor makes `runDir` with the given files and an empty
 * folder `data`, and removes it.
 *
 * @param {{ command: string, args: string[], env: Record<string, string>, runDir: string,
 *   files: Record<string, string> }} options
 * @returns {Promise<Supervised>}
 */
export async function launch({ command, args, env, runDir, files }) {
  const job = JSON.stringify({ command, args, env, stopGraceMs: STOP_GRACE_MS, runDir, files });
  const supervisor = spawn(process.execPath, [SUPERVISOR, job], {
    env: withoutOwnVariables(process.env),
    stdio: ['pipe', 'pipe', 'pipe'],
    // Ctrl-C reaches the whole foreground group; the servers must outlast an orderly end of their starter.
    detached: true,
  });
  supervisor.stdin.on('error', () => {});
  let output = '';
  supervisor.stderr.on('data', (chunk) => (output = (output + chunk).slice(-MAX_OUTPUT_CHARS)));

  const { pidKnown, ended, state } = followReports(supervisor);
  const exited = ended.then(async () => {
    if (state.exit === undefined) await cleanUpFor(state.pid, runDir);
    await settledWithin(new Promise((resolve) => supervisor.stderr.once('close', resolve)), LAST_OUTPUT_WAIT_MS);
    return state.exit ?? 'lost its supervisor';
  });
  const stop = once(async () => {
    supervisor.stdin.destroy();
    if (await settledWithin(exited, STOP_GRACE_MS + STOP_MARGIN_MS)) return;
    // `exited` cleans up after a supervisor that ended without a word.
    supervisor.kill('SIGKILL');
    await settledWithin(exited, STOP_MARGIN_MS);
  });
  const outcome = Promise.race([pidKnown, exited]);
  if (!(await settledWithin(outcome, LAUNCH_TIMEOUT_MS)) || state.pid === undefined) {
    await stop();
    throw new Error(state.exit ?? 'its supervisor did not start');
  }
  return { pid: state.pid, exited, output: () => output, stop };
}

/**
 * @param {import('node:child_process').ChildProcessByStdio<import('node:stream').Writable,
 *   import('node:stream').Readable, import('node:stream').Readable>} supervisor
 */
function followReports(supervisor) {
  /** @type {{ pid?: number, exit?: string }} */
  const state = {};
  const lines = createInterface({ input: supervisor.stdout });
  const pidKnown = new Promise((resolve) => {
    lines.on('line', (line) => {
      Object.assign(state, JSON.parse(line));
      if (state.pid !== undefined) resolve(undefined);
    });
  });
  // The last report may be read after the exit is noticed. Standard error is no sign: the server has it too.
  const ended = Promise.all([
    new Promise((resolve) => {
      supervisor.once('exit', resolve);
      supervisor.once('error', resolve);
    }),
    new Promise((resolve) => lines.once('close', resolve)),
  ]);
  return { pidKnown, ended, state };
}

/**
 * Does the supervisor's last work when it was killed. At once, while the server's id cannot mean another process.
 *
 * @param {number | undefined} pid
 * @param {string} runDir
 */
async function cleanUpFor(pid, runDir) {
  if (pid !== undefined) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Already gone.
    }
  }
  await rm(runDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }).catch(() => {});
}

/**
 * @param {Promise<unknown>} promise
 * @param {number} timeoutMs
 * @returns {Promise<boolean>} false when the time ran out
 */
async function settledWithin(promise, timeoutMs) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const timedOut = new Promise((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  const result = await Promise.race([settled, timedOut]);
  clearTimeout(timer);
  return result === true;
}

/**
 * @param {() => Promise<void>} action
 * @returns {() => Promise<void>} runs the action once; every caller awaits that run
 */
function once(action) {
  /** @type {Promise<void> | undefined} */
  let running;
  return () => (running ??= action());
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
function withoutOwnVariables(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !OWN_VARIABLES.includes(name)));
}
