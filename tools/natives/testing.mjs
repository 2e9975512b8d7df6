// Shared by the specs in this folder.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @param {import('node:test').TestContext} t
 * @returns {Promise<string>} a folder that is removed after the test
 */
export async function temporaryDir(t) {
  const dir = await mkdtemp(path.join(tmpdir(), 'parley-spec-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/**
 * @param {string} file
 * @param {string} body of a shell script
 * @returns {Promise<string>} the file
 */
export async function writeScript(file, body) {
  await writeFile(file, `#!/bin/sh\n${body}\n`);
  await chmod(file, 0o755);
  return file;
}

/**
 * @param {number} pid
 * @returns {boolean} whether that process runs; a zombie does not
 */
export function isRunning(pid) {
  try {
    // The name in parentheses may hold anything, also a space.
    const state = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.[0];
    return state !== 'Z';
  } catch {
    return false;
  }
}

/**
 * @param {number} pid
 * @returns {number}
 */
export function parentOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return Number(fields[1]);
}

/**
 * @param {() => boolean} condition
 * @param {number} timeoutMs
 * @param {string} message
 */
export async function waitFor(condition, timeoutMs, message) {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    assert.ok(performance.now() < deadline, message);
    await sleep(20);
  }
}

/**
 * Asserts that a server has left nothing: no process, no folder.
 *
 * @param {{ pid: number, dir: string }} server
 * @param {number} [timeoutMs]
 */
export async function assertGone({ pid, dir }, timeoutMs = 0) {
  const runDir = path.dirname(dir);
  await waitFor(() => !isRunning(pid), timeoutMs, `process ${pid} still runs`);
  await waitFor(() => !existsSync(runDir), timeoutMs, `${runDir} is still there`);
}

/**
 * @param {Promise<unknown>} promise
 * @returns {Promise<string>} the message of the Error it rejects with, which must be one line
 */
export async function failureOf(promise) {
  const error = await promise.then(
    () => assert.fail('expected a failure'),
    (reason) => reason,
  );
  assert.ok(error instanceof Error);
  assert.ok(!error.message.includes('\n'), `more than one line: ${error.message}`);
  return error.message;
}
