// npm run chaos: kills real processes, and judges what the clients heard. Bundles tests/system/chaos and brings BENCHMARKS.md up to date.

import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { ensureNatives, startNats, startRedis } from './natives/index.mjs';
import { findFreePort } from './natives/loopback.mjs';
import { ROOT } from './support/root.mjs';
import { runChild } from './support/run-child.mjs';

const BUNDLE = path.join(ROOT, '.cache/chaos/main.mjs');

/**
 * A source that finds something from where it is: in a bundle it would look for it from there.
 *
 * @type {import('esbuild').Plugin}
 */
const ownPlace = {
  name: 'own place',
  setup: ({ onLoad }) =>
    onLoad({ filter: /cluster-process\.ts$/ }, async ({ path: file }) => ({
      contents: (await readFile(file, 'utf8')).replaceAll('__dirname', JSON.stringify(path.dirname(file))),
      loader: 'ts',
    })),
};

await build({
  absWorkingDir: ROOT,
  entryPoints: ['tests/system/chaos/main.ts'],
  outfile: BUNDLE,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  packages: 'external',
  tsconfig: path.join(ROOT, 'tsconfig.base.json'),
  plugins: [ownPlace],
  sourcemap: true,
  logLevel: 'error',
});
// Servers of its own, whatever else is tested on this machine: on one bus two clusters would be one.
const { natsServer, redisServer } = await ensureNatives({ log: console.error });
const natsMonitor = `127.0.0.1:${await findFreePort()}`;
const nats = await startNats({ ...natsServer, config: `http: "${natsMonitor}"` });
const redis = await startRedis(redisServer);
process.exitCode = await runChild(process.execPath, ['--enable-source-maps', BUNDLE, ...process.argv.slice(2)], {
  cwd: ROOT,
  env: {
    ...process.env,
    NATS_URL: nats.url,
    NATS_MONITOR_URL: `http://${natsMonitor}`,
    REDIS_URL: redis.url,
    CHAOS_COMMIT: commit(),
  },
});
await Promise.all([nats.stop(), redis.stop()]);

/** What lies in the working tree; with changes that are not committed it says so. */
function commit() {
  const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '-uno') === '' ? '' : ' (changed)'}`;
  } catch {
    return 'unknown';
  }
}
