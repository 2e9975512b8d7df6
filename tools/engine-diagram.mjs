// node tools/engine-diagram.mjs [--write]: the diagram in libs/turn-engine/SPEC.md must be the one that the code gives:
// phases and regions from the types, transitions as the engine's tests make them happen. A stage that none enters is a
// fault. Run by `npm test`; with --write it writes the diagram.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { draw, unreached } from './engine-diagram/draw.mjs';
import { readRegions } from './engine-diagram/regions.mjs';
import { ROOT } from './support/root.mjs';

const SPEC = path.join(ROOT, 'libs/turn-engine/SPEC.md');
const STATE = path.join(ROOT, 'libs/turn-engine/src/state.ts');
const TRANSITIONS = path.join(ROOT, '.cache/engine-diagram/transitions.json');
const DIAGRAM = /(?<=<!-- diagram[^>]*-->\n\n```mermaid\n)[\s\S]*?(?=\n```\n\n<!-- end of diagram -->)/;

/**
 * What the engine's tests saw.
 *
 * @param {import('./engine-diagram/regions.mjs').Region[]} regions
 * @returns {import('./engine-diagram/draw.mjs').Transition[]}
 */
function observe(regions) {
  mkdirSync(path.dirname(TRANSITIONS), { recursive: true });
  const jest = path.join(ROOT, 'node_modules/jest/bin/jest.js');
  const run = spawnSync(process.execPath, [jest, '--config', 'tools/engine-diagram/jest.config.cjs'], {
    cwd: ROOT,
    env: { ...process.env, ENGINE_REGIONS: JSON.stringify(regions), ENGINE_TRANSITIONS: TRANSITIONS },
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(`the tests of the engine failed:\n${run.stderr}`);
  return JSON.parse(readFileSync(TRANSITIONS, 'utf8'));
}

function main() {
  const regions = readRegions(STATE);
  const transitions = observe(regions);
  const problems = unreached(regions, transitions);
  const spec = readFileSync(SPEC, 'utf8');
  const drawn = draw(regions, transitions);
  if (!DIAGRAM.test(spec)) problems.push('SPEC.md has no place for the diagram');
  else if (process.argv.includes('--write'))
    writeFileSync(
      SPEC,
      spec.replace(DIAGRAM, () => drawn),
    );
  else if (DIAGRAM.exec(spec)?.[0] !== drawn) {
    problems.push('the diagram in SPEC.md is not that of the code: node tools/engine-diagram.mjs --write');
  }
  for (const problem of problems) console.error(problem);
  const stages = regions.reduce((sum, region) => sum + region.stages.length, 0);
  console.log(
    `turn engine: ${regions.length} phases and regions, ${stages} stages, ${transitions.length} transitions seen`,
  );
  if (problems.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
