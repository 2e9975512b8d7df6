// Running short commands with a deadline, and finding programs.

import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';

/** Server binaries live in sbin, which is not on an ordinary user's PATH. */
const EXTRA_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
const MAX_OUTPUT_CHARS = 256 * 1024;
const KILL_GRACE_MS = 2_000;
const DRAIN_GRACE_MS = 200;

/**
 * @typedef {object} CommandResult
 * @property {number | null} code null when the command did not run to its end
 * @property {string} stdout
 * @property {string} stderr
 * @property {string | null} failure why it did not run to its end: it could not start, a signal, the deadline
 */

/**
 * Runs a command to its end. Never rejects: what went wrong is in `code` and `failure`.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ timeoutMs: number, env?: NodeJS.ProcessEnv, cwd?: string, killGraceMs?: number }} options
 * @returns {Promise<CommandResult>}
 */
export function runCommand(command, args, { timeoutMs, env, cwd, killGraceMs = KILL_GRACE_MS }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: env ?? process.env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    /** @type {string | null} */
    let failure = null;
    /** @type {NodeJS.Timeout | undefined} */
    let killTimer;
    const deadline = setTimeout(() => {
      failure = `not finished after ${timeoutMs} ms`;
      child.kill('SIGTERM');
      killTimer = setTimeout(() => child.kill('SIGKILL'), killGraceMs);
    }, timeoutMs);
    /** @param {number | null} code */
    const settle = (code) => {
      clearTimeout(deadline);
      clearTimeout(killTimer);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ code: failure === null ? code : null, stdout, stderr, failure });
    };
    child.stdout.on('data', (chunk) => (stdout = (stdout + chunk).slice(-MAX_OUTPUT_CHARS)));
    child.stderr.on('data', (chunk) => (stderr = (stderr + chunk).slice(-MAX_OUTPUT_CHARS)));
    child.on('error', (error) => {
      failure ??= error.message;
      settle(null);
    });
    child.on('exit', (code, signal) => {
      if (signal !== null) failure ??= `ended by ${signal}`;
      // 'close' waits for everyone who inherited the pipes; a stray grandchild must not make that forever.
      const drain = setTimeout(() => settle(code), DRAIN_GRACE_MS);
      child.on('close', () => {
        clearTimeout(drain);
        settle(code);
      });
    });
  });
}

/**
 * @param {string} name
 * @param {string} [searchPath] like PATH
 * @returns {Promise<string | null>} the first executable file of that name
 */
export async function findProgram(name, searchPath = defaultSearchPath()) {
  for (const folder of searchPath.split(path.delimiter)) {
    if (!path.isAbsolute(folder)) continue;
    const candidate = path.join(folder, name);
    if (await isExecutableFile(candidate)) return candidate;
  }
  return null;
}

/** @returns {string} */
export function defaultSearchPath() {
  return [process.env.PATH ?? '', ...EXTRA_FOLDERS].join(path.delimiter);
}

/**
 * @param {string} file
 * @returns {Promise<boolean>}
 */
export async function isExecutableFile(file) {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/**
 * @param {string} text
 * @param {number} count
 * @returns {string} the last non-empty lines, as one line
 */
export function lastLines(text, count) {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.slice(-count).join(' | ');
}
