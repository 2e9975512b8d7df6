// What a step did, as the last line of a test run counts it.

import { readFile } from 'node:fs/promises';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @type {Counts} */
export const NONE = { passed: 0, failed: 0, skipped: 0 };
/** @type {Counts} */
export const ONE_PASSED = { ...NONE, passed: 1 };
/** @type {Counts} */
export const ONE_FAILED = { ...NONE, failed: 1 };
/** @type {Counts} */
export const ONE_SKIPPED = { ...NONE, skipped: 1 };

/**
 * @param {Counts[]} all
 * @returns {Counts}
 */
export const sum = (all) => ({
  passed: all.reduce((total, { passed }) => total + passed, 0),
  failed: all.reduce((total, { failed }) => total + failed, 0),
  skipped: all.reduce((total, { skipped }) => total + skipped, 0),
});

/** @param {Counts} counts */
export const describeCounts = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`;

/**
 * A run that failed has at least one failure, also when no single test did (a file that cannot be loaded, a crash), and
 * one that left no result has failed: nothing was run.
 *
 * @param {Counts | null} counts
 * @param {number} exitCode
 * @returns {Counts}
 */
export function judged(counts, exitCode) {
  if (counts === null) return ONE_FAILED;
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/**
 * @param {string} file written by `jest --json --outputFile`
 * @returns {Promise<Counts | null>}
 */
export async function readJestCounts(file) {
  try {
    const results = JSON.parse(await readFile(file, 'utf8'));
    return {
      passed: results.numPassedTests,
      // A file that cannot be loaded has no tests to count.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
  } catch {
    return null;
  }
}

/**
 * @param {string} file written by `node --test --test-reporter=tap`
 * @returns {Promise<Counts | null>}
 */
export async function readTapCounts(file) {
  const text = await readFile(file, 'utf8').catch(() => '');
  const count = (/** @type {string} */ name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(text)?.[1] ?? NaN);
  const counts = {
    passed: count('pass'),
    failed: count('fail') + count('cancelled'),
    skipped: count('skipped') + count('todo'),
  };
  return Object.values(counts).some(Number.isNaN) ? null : counts;
}
