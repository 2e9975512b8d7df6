import { createRequire } from 'node:module';
import path from 'node:path';
import { ensureInstalled } from './installed.mjs';
import { ROOT } from './root.mjs';
import { runChild } from './run-child.mjs';

const BUILD = [path.join(ROOT, 'tools', 'build.mjs'), 'standalone', 'web'];
const APP = path.join(ROOT, 'dist', 'apps', 'standalone', 'main.cjs');

const log = (/** @type {string} */ line) => process.stderr.write(`${line}\n`);

if ((await ensureInstalled(log)) && (await runChild(process.execPath, BUILD, { cwd: ROOT })) === 0) {
  // In this process: there is no child that could be left behind.
  createRequire(import.meta.url)(APP);
} else {
  process.exitCode = 1;
}
