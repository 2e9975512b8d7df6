// Runs the steps one after the other, all of them even when one failed, and counts.

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
 * @param {import('./resources.mjs').Resources} resources
 * @returns {Promise<import('./counts.mjs').Counts>}
 */
async function runSteps(resources) {
  const env = { ...process.env, NX_DAEMON: 'false', ...resources.env };
  /** @type {Set<string>} */
  const failed = new Set();
  const rows = [];
  for (const step of STEPS.filter((each) => each.isVerify || !isVerify)) {
    log(`\n── ${step.name} ${'─'.repeat(Math.max(0, 100 - step.name.length))}`);
    const begunMs = performance.now();
    const reason = obstacle(step, resources, failed);
    if (reason !== undefined) log(`not run: ${reason}`);
    const counts = reason === undefined ? await step.run(env) : isCi ? ONE_FAILED : ONE_SKIPPED;
    if (counts.failed > 0) failed.add(step.name);
    rows.push({ step, counts, seconds: (performance.now() - begunMs) / 1000 });
  }
  log('');
  for (const { step, counts, seconds } of rows) {
    log(
      `${counts.failed > 0 ? 'FAILED' : 'ok    '} ${step.name.padEnd(20)} ${describeCounts(counts)} (${seconds.toFixed(1)} s)`,
    );
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
