import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changedLines, hashLines } from './changed-lines.mjs';
import { judge, nameOf } from './judge.mjs';
import { mutationPage, rulesPage } from './pages.mjs';
import { reportOf } from './report.mjs';

const SOURCE = 'export const isLate = (ms: number) =>\n  ms > 5 &&\n  ms < 9;\n';

/** @param {string} status @param {object} [more] */
const mutant = (status, more = {}) => ({
  ...{ id: '1', mutatorName: 'EqualityOperator', replacement: 'ms >= 5', status },
  location: { start: { line: 2, column: 3 }, end: { line: 2, column: 9 } },
  ...more,
});

/** @param {ReturnType<typeof mutant>[]} mutants */
const strykerOf = (mutants) => ({
  files: { 'libs/turn-engine/src/late.ts': { source: SOURCE, mutants } },
  testFiles: {
    'every-spec.cjs': {
      tests: [
        { id: 't1', name: 'a turn [TU1][SP6] is late' },
        { id: 't2', name: 'a turn [TU2] is not [LI1]' },
        { id: 't3', name: 'a turn [TU1] again' },
      ],
    },
  },
});

const RUN = { commit: 'abc1234', seconds: 61, rules: ['TU1', 'TU2', 'LI1'], sources: { 'late.ts': SOURCE } };
/** @param {number} killed @param {number} survived */
const measured = (killed, survived) =>
  reportOf(
    strykerOf([
      ...Array.from({ length: killed }, () => mutant('Killed', { killedBy: ['t1', 't3', 't2'] })),
      ...Array.from({ length: survived }, () => mutant('Survived')),
    ]),
    { ...RUN, rules: ['TU1', 'TU2'] },
  );

describe('the report of a mutation run', () => {
  it('counts, and takes only what was noticed for killed', () => {
    const report = reportOf(
      strykerOf([mutant('Killed'), mutant('Timeout'), mutant('Survived'), mutant('NoCoverage')]),
      RUN,
    );
    const counts = { mutants: 4, killed: 1, timeout: 1, survived: 1, noCoverage: 1, score: 50 };
    assert.deepEqual(report.totals, counts);
    assert.deepEqual(report.files, { 'late.ts': counts });
    assert.deepEqual([report.engineLines, report.tests], [3, 3]);
  });

  it('never rounds a score up', () => {
    assert.equal(measured(8_999, 1_001).totals.score, 89.99);
    assert.equal(measured(2, 1).totals.score, 66.66);
  });

  it('counts a mutant once for each rule that the tests which kill it cite', () => {
    const kills = [['t1', 't3'], ['t2'], ['t3']].map((killedBy) => mutant('Killed', { killedBy }));
    const lost = mutant('Timeout', { killedBy: ['t2'] });
    assert.deepEqual(reportOf(strykerOf([...kills, lost]), RUN).rules, { TU1: 2, TU2: 1, LI1: 0 });
  });

  it('shows what a survivor was, on one line', () => {
    const wide = { location: { start: { line: 2, column: 3 }, end: { line: 3, column: 9 } }, replacement: 'true' };
    const { survivors } = reportOf(strykerOf([mutant('NoCoverage', wide), mutant('Survived')]), RUN);
    assert.deepEqual(survivors.map(nameOf), [
      'late.ts EqualityOperator: ms > 5 && ms < 9 → true',
      'late.ts EqualityOperator: ms > 5 → ms >= 5',
    ]);
    assert.deepEqual(
      survivors.map(({ isCovered }) => isCovered),
      [false, true],
    );
  });

  it('is none when a mutant could not be judged', () => {
    assert.throws(
      () => reportOf(strykerOf([mutant('RuntimeError', { statusReason: 'no such file' })]), RUN),
      /RuntimeError: no such file/,
    );
  });
});

describe('lines that changed', () => {
  const of = (/** @type {string[]} */ ...lines) => ({ 'a.ts': hashLines(`${lines.join('\n')}\n`) });

  it('are those added and those removed', () => {
    assert.equal(changedLines(of('a', 'b', 'c'), of('a', 'b', 'c')), 0);
    assert.equal(changedLines(of('a', 'b', 'c'), of('a', 'x', 'c', 'd')), 3);
    assert.equal(changedLines(of('a', 'b'), of('b', 'a')), 2);
  });

  it('are all those of a file that came or went', () => {
    assert.equal(changedLines(of('a', 'b'), {}), 2);
    assert.equal(changedLines({}, of('a', 'b', 'c')), 3);
  });
});

describe('what is wrong with a report', () => {
  const report = measured(9, 1);
  const reasons = [{ reason: 'Nobody can tell.', mutants: report.survivors.map(nameOf) }];
  const now = { reasons, rules: ['TU1', 'TU2'], lines: report.lines };
  const problems = (/** @type {object} */ change, of = report) => judge(of, { ...now, ...change }).problems.join();

  it('is nothing, when it is good', () => assert.equal(problems({}), ''));

  it('is a score below 90, or that nothing was measured', () => {
    assert.match(problems({}, measured(8, 1)), /score is 88.88 %/);
    assert.match(problems({ reasons: [] }, measured(0, 0)), /no mutant was tried/);
  });

  it('is a survivor without a reason, and a reason without a survivor', () => {
    assert.match(problems({ reasons: [] }), /no reason why it survived: late.ts .* \(line 2\)/);
    assert.match(problems({}, measured(9, 0)), /a reason for what did not survive: late.ts/);
    assert.match(problems({ reasons: [{ ...reasons[0], reason: ' ' }] }), /a reason is empty/);
    assert.match(problems({}, measured(90, 2)), /no reason why it survived/);
  });

  it('is an engine that moved on by more than 200 lines', () => {
    const grown = (/** @type {number} */ by) => ({ lines: { ...report.lines, 'new.ts': hashLines('x\n'.repeat(by)) } });
    assert.equal(problems(grown(200)), '');
    assert.match(problems(grown(201)), /201 lines of the engine changed since abc1234/);
  });

  it('is a rule whose tests kill nothing', () => {
    assert.match(problems({}, { ...report, rules: { TU1: 1, TU2: 0 } }), /rule TU2: its own tests killed no mutant/);
  });

  it('is no rule that is newer than the report: the next one measures it', () => {
    assert.equal(problems({ rules: ['TU1', 'TU9'] }), '');
  });
});

describe('the pages', () => {
  const report = measured(9, 2);
  const page = mutationPage(report, [{ reason: 'Nobody can tell.', mutants: [nameOf(report.survivors[0])] }]);

  it('show each survivor with its reason', () => {
    assert.match(page, /Commit abc1234: 81.81 % of 11 mutants in 3 lines, 3 tests, 2 minutes\./);
    assert.match(page, /Nobody can tell\.\n\n- late\.ts:2, EqualityOperator: `` ms > 5 `` becomes `` ms >= 5 ``/);
  });

  it('show each rule with its tests and their kills', () => {
    const tests = [
      { file: 'late.spec.ts', title: '[TU1][SP6] is late' },
      { file: 'late.spec.ts', title: '[TU2] is not' },
    ];
    const rules = rulesPage(report, ['TU1', 'TU2'], tests);
    assert.match(rules, /\| TU1 \| 1 \| 9 \|/);
    assert.match(rules, /### TU2\n\n- \[late\.spec\.ts\]\(.*\) “\[TU2\] is not”/);
  });
});
