// npm run simulate: virtual worlds by the thousand. Bundles tests/system/simulation, which runs faster than through a test runner.

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './support/root.mjs';
import { runChild } from './support/run-child.mjs';

const BUNDLE = path.join(ROOT, '.cache/simulation/main.mjs');
/**
 * Most objects die with their message: a larger nursery spares half of the collector's work, and one thread does it with less
 * work than several. No source maps: reading them for stacks that nobody looks at costs a tenth.
 */
const FLAGS = ['--max-semi-space-size=128', '--single-threaded-gc'];

await build({
  absWorkingDir: ROOT,
  entryPoints: ['tests/system/simulation/main.ts'],
  outfile: BUNDLE,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  packages: 'external',
  tsconfig: path.join(ROOT, 'tsconfig.base.json'),
  logLevel: 'error',
});
process.exitCode = await runChild(process.execPath, [...FLAGS, BUNDLE, ...process.argv.slice(2)], {
  cwd: ROOT,
  env: { ...process.env, SIMULATED_COMMIT: commit() },
});

/** What lies in the working tree; with changes that are not committed it says so. */
function commit() {
  const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '-uno') === '' ? '' : ' (changed)'}`;
  } catch {
    return 'unknown';
  }
}
