// npm run typecheck: everything that is TypeScript. The pure libraries once more by themselves, where neither Node nor
// the DOM exists.

import path from 'node:path';
import { ROOT } from './support/root.mjs';
import { runChild } from './support/run-child.mjs';

const PROJECTS = ['tsconfig.pure.json', 'tsconfig.node.json', 'apps/web'];
const TSC = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

const codes = await Promise.all(
  PROJECTS.map((project) => runChild(process.execPath, [TSC, '-p', project], { cwd: ROOT })),
);
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;
