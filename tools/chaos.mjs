// npm run chaos: kills real processes, and judges what the clients heard. Bundles tests/system/chaos and brings BENCHMARKS.md up to date.

import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from './support/bundle.mjs';
import { ROOT } from './support/root.mjs';
import { runChild } from './support/run-child.mjs';

/**
 * A source that finds something from where it is: in a bundle it would look for it from there.
 *
 * @type {import('esbuild').Plugin}
 */
const ownPlace = {
  name: 'own place',
  setup: ({ onLoad }) =>
    onLoad({ filter: /(cluster-process|private-server)\.ts$/ }, async ({ path: file }) => ({
      contents: (await readFile(file, 'utf8'))
        .replaceAll('__dirname', JSON.stringify(path.dirname(file)))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href)),
      loader: 'ts',
    })),
};

const program = await bundle('tests/system/chaos/main.ts', 'chaos', { plugins: [ownPlace], sourcemap: true });
process.exitCode = await runChild(process.execPath, ['--enable-source-maps', program, ...process.argv.slice(2)], {
  cwd: ROOT,
  env: {
    ...process.env,
    CHAOS_COMMIT: commit(),
  },
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
