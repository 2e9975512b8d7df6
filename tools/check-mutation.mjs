// node tools/check-mutation.mjs [--write]: the committed mutation report of the turn engine (`npm run mutate`) is good
// enough and near enough to the engine as it stands, each survivor has a reason, each rule kills, and the pages made of
// it are up to date. Run by `npm test`; with --write it writes the pages.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { rulesOf, testsOf } from './check-spec.mjs';
import { engineSources, engineTests } from './mutation/engine-files.mjs';
import { judge } from './mutation/judge.mjs';
import { mutationPage, rulesPage } from './mutation/pages.mjs';
import { linesOf } from './mutation/report.mjs';
import { ROOT } from './support/root.mjs';

const REPORT = 'results/mutation.json';
const REASONS = 'libs/turn-engine/survivors.json';

/** @param {string} file from the root of the repository */
const read = (file) => readFileSync(path.join(ROOT, file), 'utf8');

/** The report and everything it is compared with. */
function readAll() {
  /** @type {import('./mutation/report.mjs').Report} */
  const report = JSON.parse(read(REPORT));
  return {
    report,
    /** @type {import('./mutation/judge.mjs').Reason[]} */
    reasons: JSON.parse(read(REASONS)),
    rules: rulesOf(read('libs/turn-engine/SPEC.md')),
    lines: linesOf(engineSources()),
    tests: engineTests().flatMap(([file, source]) =>
      testsOf(source).flatMap(({ title }) => (title === undefined ? [] : [{ file, title }])),
    ),
  };
}

/**
 * @param {string} page
 * @param {string} text
 * @returns {Promise<string[]>}
 */
async function comparePage(page, text) {
  const file = path.join(ROOT, page);
  const wanted = await format(text, { ...(await resolveConfig(file)), parser: 'markdown' });
  if (process.argv.includes('--write')) writeFileSync(file, wanted);
  if (existsSync(file) && read(page) === wanted) return [];
  return [`${page} is not up to date: node tools/check-mutation.mjs --write`];
}

async function main() {
  const { report, reasons, rules, lines, tests } = readAll();
  const { problems, changed } = judge(report, { reasons, rules, lines });
  // Without a reason for each survivor there is no page to compare.
  if (problems.length === 0) {
    problems.push(...(await comparePage('docs/mutation.md', mutationPage(report, reasons))));
    problems.push(...(await comparePage('docs/engine-rules.md', rulesPage(report, rules, tests))));
  }
  for (const problem of problems) console.error(problem);
  const { score, mutants } = report.totals;
  console.log(
    `turn engine: ${score} % of ${mutants} mutants at ${report.commit}, ${report.survivors.length} survivors, ` +
      `${changed} lines changed since`,
  );
  if (problems.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
