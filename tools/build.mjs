// node tools/build.mjs [target…]: builds what is not up to date, everything when no target is named.

import { buildTargets } from './build/run.mjs';
import { TARGETS } from './build/targets.mjs';

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(TARGETS, name));
if (unknown.length > 0) {
  console.error(`error: no such target: ${unknown.join(', ')} (there are ${Object.keys(TARGETS).join(', ')})`);
  process.exit(2);
}
process.exitCode = (await buildTargets(names.length > 0 ? names : Object.keys(TARGETS))) ? 0 : 1;
