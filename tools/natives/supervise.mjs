// Runs one server, and ends it when whoever started this ends, however that happens: standard input is a pipe whose
// other end only the starter holds, so the kernel closes it even after SIGKILL.
//
// This process owns the server and the folder it runs in. It writes JSON lines to standard output: { pid } once, then
// { exit } with words. The server writes straight to this process's standard error.

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';

/** @type {{ command: string, args: string[], env: Record<string, string>, stopGraceMs: number, runDir: string,
 *   files: Record<string, string> }} */
const { command, args, env, stopGraceMs, runDir, files } = JSON.parse(process.argv[2] ?? '{}');

// With the starter gone nobody reads; writing must not end this process before it has cleaned up.
process.stdout.on('error', () => {});
process.stdin.on('error', stop);
process.stdin.on('close', stop);
process.stdin.resume();
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT', 'SIGHUP'])) process.on(signal, stop);

/** @type {NodeJS.Timeout | undefined} */
let killTimer;
/** @type {number | undefined} */
let serverPid;
try {
  makeRunDir();
  startServer();
} catch (error) {
  await finish(`could not start: ${error instanceof Error ? error.message : String(error)}`, 1);
}

function startServer() {
  // A process group of its own, so that a wrapper script's children end too.
  const server = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', process.stderr, process.stderr],
    detached: true,
  });
  serverPid = server.pid;
  server.on('error', (error) => void finish(`could not start: ${error.message}`, 1));
  server.on('exit', (code, signal) => {
    signalGroup('SIGKILL');
    void finish(signal === null ? `exited with code ${code}` : `was ended by ${signal}`, 0);
  });
  if (serverPid !== undefined) void report({ pid: serverPid });
}

/** Not `recursive`: the folder must be new, and readable to nobody else. */
function makeRunDir() {
  mkdirSync(runDir, { mode: 0o700 });
  mkdirSync(path.join(runDir, 'data'));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(runDir, name), text);
}

function stop() {
  if (killTimer !== undefined) return;
  killTimer = setTimeout(() => signalGroup('SIGKILL'), stopGraceMs);
  signalGroup('SIGTERM');
}

/** @param {NodeJS.Signals} signal */
function signalGroup(signal) {
  if (serverPid === undefined) return;
  try {
    process.kill(-serverPid, signal);
  } catch {
    // Nobody of that group is left.
  }
}

/**
 * @param {string} exit
 * @param {number} exitCode
 */
async function finish(exit, exitCode) {
  clearTimeout(killTimer);
  // A killed server's writes may still be under way: retry what appears while the folder is being emptied.
  await rm(runDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }).catch(() => {});
  await report({ exit });
  process.exit(exitCode);
}

/**
 * @param {object} message
 * @returns {Promise<void>}
 */
function report(message) {
  return new Promise((resolve) => process.stdout.write(`${JSON.stringify(message)}\n`, () => resolve()));
}
