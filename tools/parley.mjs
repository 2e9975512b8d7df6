#!/usr/bin/env node
// The command line client. Runs the built program, and builds it first where it is missing.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = new URL('../dist/apps/cli/main.mjs', import.meta.url);

/** Prints nothing: standard output belongs to the program. */
async function buildMissing() {
  try {
    const { TARGETS } = await import('./build/targets.mjs');
    const { bundleAll } = await import('./build/bundle.mjs');
    const root = fileURLToPath(new URL('..', import.meta.url));
    if (TARGETS.cli.kind === 'bundles') await bundleAll(TARGETS.cli.bundles, root);
    return existsSync(program);
  } catch {
    return false;
  }
}

if (existsSync(program) || (await buildMissing())) {
  await import(program.href);
} else {
  process.stderr.write('parley: the command line could not be built: run npm ci && npm run build\n');
  process.exitCode = 1;
}
