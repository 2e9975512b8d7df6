// npm run chaos: kills real processes, and judges what the clients heard. Bundles tests/system/chaos and brings BENCHMARKS.md up to date.

import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
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
    onLoad({ filter: /(cluster-process|private-server)\.ts$/ }, async ({ path: file }) => ({
      contents: (await readFile(file, 'utf8'))
        .replaceAll('__dirname', JSON.stringify(path.dirname(file)))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href)),
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
process.exitCode = await runChild(process.execPath, ['--enable-source-maps', BUNDLE, ...process.argv.slice(2)], {
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
