import path from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './root.mjs';

/**
 * Bundles a program of ours that is written in TypeScript, for Node, and returns where it lies: under `.cache/<name>`. Packages stay
 * outside.
 *
 * @param {string} entry
 * @param {string} name
 * @param {import('esbuild').BuildOptions} more
 */
export async function bundle(entry, name, more = {}) {
  const outfile = path.join(ROOT, '.cache', name, 'main.mjs');
  await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    packages: 'external',
    tsconfig: path.join(ROOT, 'tsconfig.base.json'),
    logLevel: 'error',
    ...more,
  });
  return outfile;
}
