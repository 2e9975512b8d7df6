// What `npm test` runs, in this order.

import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from '../support/root.mjs';
import { runChild } from '../support/run-child.mjs';
import { judged, ONE_FAILED, ONE_PASSED, readJestCounts, readTapCounts } from './counts.mjs';

const RESULTS = path.join(ROOT, '.cache', 'test-results');
const POLL_MS = 500;
const MAX_LINGER_MS = 10_000;
/** The fixed set of worlds goes through so much of the services. */
const SIMULATION_COVERAGE = [
  ...['--coverage', '--coverageProvider=v8', '--coverageReporters=text-summary'],
  ...['libs/services/*/src/**/*.ts', '!**/*.spec.ts', '!**/*.fixture.ts'].map(
    (files) => `--collectCoverageFrom=${files}`,
  ),
  `--coverageThreshold=${JSON.stringify({ global: { lines: 80 } })}`,
];
/** By itself Jest leaves one core of two idle. */
const TWO_AT_A_TIME = ['--maxWorkers=2'];
const bin = (/** @type {string} */ file) => path.join(ROOT, 'node_modules', file);

/**
 * @typedef {import('./counts.mjs').Counts} Counts
 * @typedef {Record<string, string | undefined>} Env
 *
 * @typedef {object} Step
 * @property {string} name
 * @property {boolean} [isVerify] part of `npm run verify`: it needs neither server nor browser
 * @property {'static' | 'pure'} [group] those of a group run at a time: they judge no time, and need nothing but cores
 * @property {('servers' | 'browser')[]} [needs] without which it is skipped
 * @property {string[]} [after] steps without which it is pointless
 * @property {(env: Env, output: import('node:child_process').StdioOptions) => Promise<Counts>} run
 */

/** @type {Step[]} */
export const STEPS = [
  { name: 'format', isVerify: true, group: 'static', run: command([bin('prettier/bin/prettier.cjs'), '--check', '.']) },
  {
    name: 'lint',
    isVerify: true,
    group: 'static',
    run: command([bin('nx/dist/bin/nx.js'), 'run-many', '-t', 'lint', 'lint-fixtures', '--outputStyle=static']),
  },
  { name: 'typecheck', isVerify: true, group: 'static', run: command(['tools/typecheck.mjs']) },
  { name: 'rules of the engine', isVerify: true, group: 'pure', run: command(['tools/check-spec.mjs']) },
  { name: 'diagram of the engine', isVerify: true, group: 'pure', run: command(['tools/engine-diagram.mjs']) },
  { name: 'pages', isVerify: true, group: 'pure', run: command(['tools/check-docs.mjs']) },
  { name: 'mutants apply', isVerify: true, group: 'pure', run: command(['tools/prove.mjs', '--check']) },
  { name: 'unit', isVerify: true, group: 'pure', run: jest('unit', TWO_AT_A_TIME) },
  { name: 'mutation report', isVerify: true, group: 'pure', run: command(['tools/check-mutation.mjs']) },
  { name: 'simulation', isVerify: true, group: 'pure', run: jest('simulation', SIMULATION_COVERAGE) },
  { name: 'tools', isVerify: true, run: nodeTests('tools', isToolTest) },
  { name: 'build', isVerify: true, run: command(['tools/build.mjs']) },
  { name: 'integration', needs: ['servers'], after: ['build'], run: jest('integration', TWO_AT_A_TIME) },
  { name: 'timed', needs: ['servers'], after: ['build'], run: jest('timed', ['--runInBand']) },
  { name: 'native servers', needs: ['servers'], run: nodeTests('natives', isNativesTest) },
  {
    name: 'launchers',
    needs: ['servers'],
    after: ['build'],
    run: nodeTests('launchers', (file) => /\.e2e\.mjs$/.test(file)),
  },
  {
    name: 'chaos',
    needs: ['servers'],
    after: ['build'],
    run: command(['tools/chaos.mjs', '--small']),
  },
  { name: 'e2e', needs: ['servers', 'browser'], after: ['build'], run: jest('e2e') },
];

const TEST = /\.(spec|test)\.mjs$/;

/** @param {string} file in tools/ */
function isToolTest(file) {
  return TEST.test(file) && !isNativesTest(file);
}

/** @param {string} file in tools/ */
function isNativesTest(file) {
  return TEST.test(file) && file.startsWith('natives/');
}

/**
 * @param {string[]} args of node
 * @returns {Step['run']}
 */
function command(args) {
  return async (env, stdio) =>
    (await runChild(process.execPath, args, { cwd: ROOT, env, stdio })) === 0 ? ONE_PASSED : ONE_FAILED;
}

/**
 * @param {string} project of jest.config.cjs
 * @param {string[]} [more] arguments
 * @returns {Step['run']}
 */
function jest(project, more = []) {
  return async (env, output) => {
    const file = await freshResult(`${project}.json`);
    const args = [bin('jest/bin/jest.js'), '--selectProjects', project, '--json', `--outputFile=${file}`, ...more];
    const { signal, dispose } = deadlineAfter(file);
    // With --json Jest writes its report to standard error and the JSON once more to standard output.
    const report = Array.isArray(output) ? output[2] : output;
    const code = await runChild(process.execPath, args, {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'ignore', report],
      signal,
    });
    dispose();
    return judged(await readJestCounts(file), code);
  };
}

/**
 * A test that leaves something open keeps Jest alive for ever. That is a failure, and no reason to hang.
 *
 * @param {string} file the results, which Jest writes when all tests have ended
 */
function deadlineAfter(file) {
  const controller = new AbortController();
  let lingersMs = 0;
  const timer = setInterval(() => {
    lingersMs = existsSync(file) ? lingersMs + POLL_MS : 0;
    if (lingersMs >= MAX_LINGER_MS) controller.abort();
  }, POLL_MS);
  return { signal: controller.signal, dispose: () => clearInterval(timer) };
}

/**
 * @param {string} name of the result's file
 * @param {(file: string) => boolean} isWanted of the files in tools/
 * @returns {Step['run']}
 */
function nodeTests(name, isWanted) {
  return async (env) => {
    const tools = path.join(ROOT, 'tools');
    const files = (await readdir(tools, { recursive: true }))
      // It collects the others, for a run by hand.
      .filter((file) => isWanted(file) && path.basename(file) !== 'all.test.mjs')
      .map((file) => path.join(tools, file))
      .sort();
    if (files.length === 0) return ONE_FAILED;
    const result = await freshResult(`${name}.tap`);
    const reporters = [
      ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
      ...['--test-reporter=tap', `--test-reporter-destination=${result}`],
    ];
    const code = await runChild(process.execPath, ['--test', ...reporters, ...files], { cwd: ROOT, env });
    return judged(await readTapCounts(result), code);
  };
}

/**
 * @param {string} name
 * @returns {Promise<string>} where a result is to be written; the one of an earlier run is gone
 */
async function freshResult(name) {
  await mkdir(RESULTS, { recursive: true });
  const file = path.join(RESULTS, name);
  await rm(file, { force: true });
  return file;
}
