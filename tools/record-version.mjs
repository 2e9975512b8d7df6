// node tools/record-version.mjs <version>: what this code stores and says on the bus, kept for the tests of later versions
// (docs/runbook.md, "Old and new side by side"). The same bytes each time.

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { bundle } from './support/bundle.mjs';
import { ROOT } from './support/root.mjs';
import { runChild } from './support/run-child.mjs';

const [version] = process.argv.slice(2);
if (!version || !/^[\w.-]+$/.test(version)) {
  console.error('usage: node tools/record-version.mjs <version>');
  process.exit(2);
}
const folder = path.join(ROOT, 'tests/system/virtual/versions', version);
mkdirSync(folder, { recursive: true });
const program = await bundle('tests/system/virtual/versions/main.ts', 'versions');
process.exitCode = await runChild(process.execPath, [program, folder]);
