// Runs all steps, even when one failed, and counts.

import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureInstalled } from '../support/installed.mjs';
import { describeCounts, NONE, ONE_FAILED, ONE_SKIPPED, sum } from './counts.mjs';
import { STEPS } from './steps.mjs';

const isVerify = process.argv.includes('--verify');
/** Whatever is missing is then a failure: nothing may pass for tested that was not. */
const isCi = process.env.CI === 'true';

/** @param {string} line */
const log = (line) => process.stdout.write(`${line}\n`);

/**
 * @param {import('./steps.mjs').Step} step
 * @param {import('./resources.mjs').Resources} resources
 * @param {ReadonlySet<string>} failed
 * @returns {string | undefined} why it cannot be run
 */
function obstacle(step, resources, failed) {
  const missing = (step.needs ?? []).find((need) => resources.missing.has(need));
  if (missing !== undefined) return `the ${missing} it needs could not be had`;
  const before = (step.after ?? []).find((name) => failed.has(name));
  return before === undefined ? undefined : `${before} failed`;
}

/**
 * @typedef {{ step: import('./steps.mjs').Step, counts: import('./counts.mjs').Counts, seconds: number }} Row
 * @typedef {{ env: Record<string, string | undefined>, resources: import('./resources.mjs').Resources }} Context
 */

/** @param {import('./steps.mjs').Step} step */
const printTitle = ({ name }) => log(`\n── ${name} ${'─'.repeat(Math.max(0, 100 - name.length))}`);

/**
 * @param {import('./steps.mjs').Step} step
 * @param {Context} context
 * @param {ReadonlySet<string>} failed
 * @param {import('node:child_process').StdioOptions} output
 * @returns {Promise<Row>}
 */
async function runStep(step, { env, resources }, failed, output) {
  const begunMs = performance.now();
  const reason = obstacle(step, resources, failed);
  if (reason !== undefined) log(`not run: ${reason}`);
  const counts = reason === undefined ? await step.run(env, output) : isCi ? ONE_FAILED : ONE_SKIPPED;
  return { step, counts, seconds: (performance.now() - begunMs) / 1000 };
}

/**
 * All of a group at a time; what they write is shown step by step.
 *
 * @param {import('./steps.mjs').Step[]} steps
 * @param {Context} context
 * @returns {Promise<Row[]>}
 */
async function runTogether(steps, context) {
  const dir = await mkdtemp(path.join(tmpdir(), 'parley-test-'));
  const runs = steps.map(async (step) => {
    const file = await open(path.join(dir, step.name), 'w+');
    const row = await runStep(step, context, new Set(), ['ignore', file.fd, file.fd]);
    await file.close();
    return row;
  });
  const rows = [];
  for (const [index, step] of steps.entries()) {
    rows.push(await runs[index]);
    printTitle(step);
    process.stdout.write(await readFile(path.join(dir, step.name)));
  }
  await rm(dir, { recursive: true });
  return rows;
}

/**
 * @param {import('./resources.mjs').Resources} resources
 * @returns {Promise<import('./counts.mjs').Counts>}
 */
async function runSteps(resources) {
  const context = { env: { ...process.env, ...resources.env }, resources };
  const steps = STEPS.filter((step) => step.isVerify || !isVerify);
  const rows = [];
  for (const group of /** @type {const} */ (['static', 'pure'])) {
    const members = steps.filter((step) => step.group === group);
    rows.push(...(await runTogether(members, context)));
  }
  for (const step of steps.filter((each) => each.group === undefined)) {
    printTitle(step);
    const failed = new Set(rows.filter(({ counts }) => counts.failed > 0).map((row) => row.step.name));
    rows.push(await runStep(step, context, failed, 'inherit'));
  }
  log('');
  for (const { step, counts, seconds } of rows) {
    const verdict = counts.failed > 0 ? 'FAILED' : 'ok    ';
    log(`${verdict} ${step.name.padEnd(20)} ${describeCounts(counts)} (${seconds.toFixed(1)} s)`);
  }
  return sum(rows.map(({ counts }) => counts));
}

/** @returns {Promise<import('./counts.mjs').Counts>} */
async function run() {
  if (!(await ensureInstalled(log))) return ONE_FAILED;
  if (isVerify) return runSteps({ env: {}, missing: new Set(), close: async () => {} });
  const { openResources } = await import('./resources.mjs');
  const resources = await openResources(log);
  try {
    return await runSteps(resources);
  } finally {
    await resources.close();
  }
}

const total = await run().catch((error) => {
  log(`error: ${error instanceof Error ? error.stack : String(error)}`);
  return { ...NONE, failed: 1 };
});
process.exitCode = total.failed > 0 ? 1 : 0;
log(describeCounts(total));
