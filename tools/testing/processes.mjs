// For tests of the launchers: programs as a user starts them, and what is left of them.

import { spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../support/root.mjs';

const POLL_MS = 20;

/**
 * @typedef {object} Program
 * @property {number} pid
 * @property {string[]} lines of standard output so far
 * @property {() => string} errors what it wrote to standard error
 * @property {Promise<number | string>} exited its code, or the signal that ended it
 * @property {(line: RegExp, timeoutMs: number) => Promise<RegExpExecArray>} printed the first such line, soon or already there
 * @property {(signal: NodeJS.Signals) => void} signal to this process alone
 * @property {(signal: NodeJS.Signals) => void} signalGroup to everybody in its process group, as a terminal does
 */

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [env] on top of a clean environment
 * @returns {Program}
 */
export function run(command, args, env = {}) {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const pid = child.pid ?? 0;
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  // Not `exit`: what it wrote last may still be in the pipe then.
  /** @type {Promise<number | string>} */
  const exited = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code ?? 0)));
  const lines = () => output.split('\n').slice(0, -1);
  return {
    pid,
    get lines() {
      return lines();
    },
    errors: () => errors,
    exited,
    printed: (pattern, timeoutMs) =>
      eventually(
        `a line like ${pattern}`,
        () =>
          lines()
            .map((line) => pattern.exec(line))
            .find((match) => match !== null),
        timeoutMs,
        () => `${output}${errors}`,
      ),
    signal: (signal) => process.kill(pid, signal),
    signalGroup: (signal) => process.kill(-pid, signal),
  };
}

/**
 * Polls: what is looked at lies in other processes.
 *
 * @template T
 * @param {string} what
 * @param {() => T | undefined | Promise<T | undefined>} look
 * @param {number} timeoutMs
 * @param {() => string} [context] for the failure's message
 * @returns {Promise<T>}
 */
export async function eventually(what, look, timeoutMs, context = () => '') {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms\n${context()}`);
    await sleep(POLL_MS);
  }
}

/**
 * @param {number} pid
 * @returns {Promise<number[]>} it and all that descend from it
 */
export async function processTree(pid) {
  const parents = new Map();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    // The program's name stands in parentheses and may hold anything, also a parenthesis.
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const tree = [pid];
  for (const each of tree) {
    for (const [child, parent] of parents) if (parent === each) tree.push(child);
  }
  return tree;
}

/**
 * @param {number} pid
 * @param {string} script how the path of what they run ends
 * @returns {Promise<number[]>} those of its tree
 */
export async function processesOf(pid, script) {
  const tree = await processTree(pid);
  const commands = await Promise.all(tree.map((each) => readFile(`/proc/${each}/cmdline`, 'utf8').catch(() => '')));
  return tree.filter((_each, index) => commands[index]?.endsWith(`${script}\0`));
}

/**
 * @param {number[]} pids
 * @param {number} timeoutMs
 */
export function allGone(pids, timeoutMs) {
  return eventually(
    `the end of ${pids.join(', ')}`,
    async () => ((await Promise.all(pids.map(isRunning))).some(Boolean) ? undefined : true),
    timeoutMs,
  );
}

/**
 * @param {number} pid
 * @returns {Promise<boolean>} false for one that has ended and only waits to be collected
 */
export async function isRunning(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
}

/**
 * @param {number} pid
 * @returns {Promise<Record<string, string>>}
 */
export async function environmentOf(pid) {
  const text = await readFile(`/proc/${pid}/environ`, 'utf8');
  const pairs = text.split('\0').filter((pair) => pair.includes('='));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

/** @returns {Record<string, string | undefined>} ours, without what would decide about Parley or this very test run */
function cleanEnvironment() {
  const isForeign = (/** @type {string} */ name) => !/^(PARLEY_|OPENAI_|NATS_|REDIS_|NODE_|npm_)/.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => isForeign(name)));
}
