// Builds, checks the settings, starts what is needed, says when it is ready, and ends it all together.

import path from 'node:path';
import { ensureInstalled } from '../support/installed.mjs';
import { ROOT } from '../support/root.mjs';
import { runChild } from '../support/run-child.mjs';
import { parseReplicas } from './arguments.mjs';
import { Cluster } from './cluster.mjs';
import { readSettings } from './settings.mjs';

/** Both from a terminal's Ctrl-C and from npm, which passes it on: one wish. */
const ECHO_MS = 500;
const TARGETS = ['gateway', 'turn-orchestrator', 'tts-worker', 'avatar-bridge', 'web', 'config'];

/** @param {string} line */
function log(line) {
  process.stderr.write(`${line}\n`);
}

/** @param {unknown} error */
function fail(error) {
  log(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** @param {Cluster} cluster */
function stopOnSignals(cluster) {
  /** @type {number | undefined} */
  let stoppingSinceMs;
  const stop = async () => {
    if (stoppingSinceMs === undefined) {
      stoppingSinceMs = performance.now();
      await cluster.stop();
      process.exit(process.exitCode ?? 0);
    }
    // Not waited for: the replicas see our end, and end too.
    if (performance.now() - stoppingSinceMs > ECHO_MS) process.exit(130);
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, stop);
  // Whoever started us over a channel and is gone can no longer send a signal.
  if (process.connected) process.once('disconnect', stop);
}

async function main() {
  const asked = parseReplicas(process.argv.slice(2));
  if (!(await ensureInstalled(log))) return fail('the packages could not be installed');
  const build = [path.join(ROOT, 'tools', 'build.mjs'), ...TARGETS];
  if ((await runChild(process.execPath, build, { cwd: ROOT, stdio: ['ignore', 2, 2] })) !== 0) {
    return fail('the build failed');
  }
  const cluster = new Cluster({
    settings: await readSettings(process.env, asked),
    print: (line) => process.stdout.write(`${line}\n`),
    log,
    onFatal: async (reason) => {
      fail(reason);
      await cluster.stop();
      process.exit();
    },
  });
  // Whoever read our output may be gone; the cluster is not to die of it.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  stopOnSignals(cluster);
  try {
    await cluster.start();
  } catch (error) {
    fail(error);
    await cluster.stop();
    process.exit();
  }
}

main().catch(fail);
