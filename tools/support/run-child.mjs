// Runs a program whose output goes where ours goes, and which ends when we are told to end.

import { spawn } from 'node:child_process';

const SIGNALS = /** @type {const} */ ({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 });

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>} its exit code; 1 when it could not be started or was killed
 */
export function runChild(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    const passOn = (/** @type {keyof typeof SIGNALS} */ signal) => {
      child.kill(signal);
      process.exit(128 + SIGNALS[signal]);
    };
    const names = /** @type {(keyof typeof SIGNALS)[]} */ (Object.keys(SIGNALS));
    for (const name of names) process.on(name, passOn);
    const end = (/** @type {number} */ code) => {
      for (const name of names) process.off(name, passOn);
      resolve(code);
    };
    child.once('error', (error) => {
      const reason = error.name === 'AbortError' ? 'it did not end by itself' : error.message;
      process.stderr.write(`error: ${[command, ...args].join(' ')}: ${reason}\n`);
      end(1);
    });
    child.once('close', (code) => end(code ?? 1));
  });
}
