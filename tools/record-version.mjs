// node tools/record-version.mjs <version>: what this code stores and says on the bus, kept for the tests of later versions
// (docs/runbook.md, "Old and new side by side"). The same bytes each time.

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './support/root.mjs';
import { runChild } from './support/run-child.mjs';

const BUNDLE = path.join(ROOT, '.cache/versions/main.mjs');
const [version] = process.argv.slice(2);
if (!version || !/^[\w.-]+$/.test(version)) {
  console.error('usage: node tools/record-version.mjs <version>');
  process.exit(2);
}
const folder = path.join(ROOT, 'tests/system/virtual/versions', version);
mkdirSync(folder, { recursive: true });
await build({
  absWorkingDir: ROOT,
  entryPoints: ['tests/system/virtual/versions/main.ts'],
  outfile: BUNDLE,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  packages: 'external',
  tsconfig: path.join(ROOT, 'tsconfig.base.json'),
  logLevel: 'error',
});
process.exitCode = await runChild(process.execPath, [BUNDLE, folder]);
