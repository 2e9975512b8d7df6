import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { describeCounts, judged, readJestCounts, readTapCounts, sum } from './counts.mjs';

describe('counting', () => {
  let dir = '';
  before(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'parley-counts-'));
  });
  after(() => rm(dir, { recursive: true }));

  /** @param {string} text */
  async function fileWith(text) {
    const file = path.join(dir, 'result');
    await writeFile(file, text);
    return file;
  }

  it('sums the steps into the last line', () => {
    const total = sum([
      { passed: 3, failed: 0, skipped: 1 },
      { passed: 1, failed: 2, skipped: 0 },
    ]);
    assert.equal(describeCounts(total), '4 passed, 2 failed, 1 skipped');
  });

  it("reads Jest's results, a file that cannot be loaded being a failure", async () => {
    const results = {
      numPassedTests: 5,
      numFailedTests: 1,
      numRuntimeErrorTestSuites: 2,
      numPendingTests: 3,
      numTodoTests: 1,
    };
    assert.deepEqual(await readJestCounts(await fileWith(JSON.stringify(results))), {
      passed: 5,
      failed: 3,
      skipped: 4,
    });
  });

  it("reads the summary of Node's test runner", async () => {
    const tap =
      'ok 1 - x\n# tests 9\n# suites 2\n# pass 4\n# fail 1\n# cancelled 1\n# skipped 2\n# todo 1\n# duration_ms 5\n';
    assert.deepEqual(await readTapCounts(await fileWith(tap)), { passed: 4, failed: 2, skipped: 3 });
  });

  it('takes no result for a failure, whatever the exit code', async () => {
    assert.equal(await readJestCounts(path.join(dir, 'none')), null);
    assert.equal(await readTapCounts(await fileWith('TAP version 13\n')), null);
    assert.deepEqual(judged(null, 0), { passed: 0, failed: 1, skipped: 0 });
  });

  it('takes a bad exit code for a failure when no test failed', () => {
    assert.deepEqual(judged({ passed: 5, failed: 0, skipped: 0 }, 1), { passed: 5, failed: 1, skipped: 0 });
    assert.deepEqual(judged({ passed: 5, failed: 2, skipped: 0 }, 1), { passed: 5, failed: 2, skipped: 0 });
    assert.deepEqual(judged({ passed: 5, failed: 0, skipped: 0 }, 0), { passed: 5, failed: 0, skipped: 0 });
  });
});
