// npm run mutate [-- file …]: mutation testing of the turn engine (Stryker). Without files the whole engine, at most 40
// minutes on two cores, and the report goes to results/mutation.json; with files, say deadlines.ts, only these, and only
// the survivors are printed. Not part of `npm test`, which looks at the report (tools/check-mutation.mjs).

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rulesOf } from './check-spec.mjs';
import { engineSources } from './mutation/engine-files.mjs';
import { nameOf } from './mutation/judge.mjs';
import { ENGINE, reportOf } from './mutation/report.mjs';
import { ROOT } from './support/root.mjs';
import { runChild } from './support/run-child.mjs';

/** What decides about the result. */
const MEASURED = [
  'libs/turn-engine',
  'libs/speech-text',
  'libs/contracts/model',
  'tools/mutation',
  'package-lock.json',
];
const STRYKER_REPORT = path.join(ROOT, '.cache/stryker/mutation.json');

const files = process.argv.slice(2);
const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
const isDirty = git('status', '--porcelain', '--', ...MEASURED) !== '';
if (files.length === 0 && isDirty) {
  console.error('The report names the commit that was measured: commit the engine and its tests first.');
  process.exit(1);
}
const commit = git('rev-parse', '--short', 'HEAD');
const sources = engineSources();
const rules = rulesOf(readFileSync(path.join(ROOT, 'libs/turn-engine/SPEC.md'), 'utf8'));
const begunMs = performance.now();
const code = await runChild(
  process.execPath,
  [
    path.join(ROOT, 'node_modules/@stryker-mutator/core/bin/stryker.js'),
    ...['run', 'tools/mutation/stryker.config.mjs'],
    ...(files.length === 0 ? [] : ['--mutate', files.map((file) => ENGINE + file).join(',')]),
  ],
  { cwd: ROOT },
);
if (code !== 0) process.exit(code);
const seconds = Math.round((performance.now() - begunMs) / 1000);
const report = reportOf(JSON.parse(readFileSync(STRYKER_REPORT, 'utf8')), {
  ...{ commit, seconds, rules, sources },
});
for (const survivor of report.survivors) console.log(`line ${survivor.line}: ${JSON.stringify(nameOf(survivor))}`);
const { mutants, timeout, score } = report.totals;
console.log(`${mutants} mutants, ${timeout} timed out, ${report.survivors.length} survived: ${score} %`);
if (files.length === 0) {
  writeFileSync(path.join(ROOT, 'results/mutation.json'), `${JSON.stringify(report, null, 2)}\n`);
  console.log('results/mutation.json is written; node tools/check-mutation.mjs --write writes the pages');
}
