// npm run simulate: virtual worlds by the thousand. Bundles tests/system/simulation, which runs faster than through a test runner.

import { execFileSync } from 'node:child_process';
import { bundle } from './support/bundle.mjs';
import { ROOT } from './support/root.mjs';
import { runChild } from './support/run-child.mjs';

/**
 * Most objects die with their message: a larger nursery spares half of the collector's work, and one thread does it with less
 * work than several. No source maps: reading them for stacks that nobody looks at costs a tenth.
 */
const FLAGS = ['--max-semi-space-size=128', '--single-threaded-gc'];

const program = await bundle('tests/system/simulation/main.ts', 'simulation');
process.exitCode = await runChild(process.execPath, [...FLAGS, program, ...process.argv.slice(2)], {
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
