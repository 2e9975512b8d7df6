// What is kept of a mutation run: results/mutation.json.

import { idsOf } from '../check-spec.mjs';
import { hashLines } from './changed-lines.mjs';

/**
 * @typedef {{ mutants: number, killed: number, timeout: number, survived: number, noCoverage: number, score: number }} Counts
 * @typedef {{ file: string, line: number, mutator: string, code: string, replacement: string, isCovered: boolean }} Survivor
 *
 * @typedef {object} Report
 * @property {string} commit that was measured
 * @property {number} seconds
 * @property {number} tests
 * @property {number} engineLines
 * @property {Counts} totals
 * @property {Record<string, Counts>} files
 * @property {Record<string, number>} rules mutants killed by the tests that cite the rule
 * @property {Survivor[]} survivors
 * @property {Record<string, string>} lines what was measured, for `changedLines`
 *
 * @typedef {{ id: string, mutatorName: string, replacement?: string, status: string, statusReason?: string, killedBy?: string[],
 *   location: { start: Position, end: Position } }} Mutant
 * @typedef {{ line: number, column: number }} Position both from 1
 * @typedef {{ files: Record<string, { source: string, mutants: Mutant[] }>,
 *   testFiles: Record<string, { tests: { id: string, name: string }[] }> }} StrykerReport
 */

export const ENGINE = 'libs/turn-engine/src/';
const JUDGED = new Set(['Killed', 'Timeout', 'Survived', 'NoCoverage']);

/**
 * @param {StrykerReport} stryker
 * @param {{ commit: string, seconds: number, rules: string[], sources: Record<string, string> }} run `sources`: all files of the engine
 * @returns {Report}
 */
export function reportOf(stryker, { commit, seconds, rules, sources }) {
  const files = Object.entries(stryker.files).map(([file, { source, mutants }]) => ({
    file: file.replace(ENGINE, ''),
    source,
    mutants,
  }));
  const all = files.flatMap(({ mutants }) => mutants);
  const unjudged = all.find(({ status }) => !JUDGED.has(status));
  // A test that runs the engine while it is only declared fails as a file, and then nobody knows which test it was.
  if (unjudged) throw new Error(`mutant ${unjudged.id} ended as ${unjudged.status}: ${unjudged.statusReason ?? ''}`);
  const tests = Object.values(stryker.testFiles).flatMap((file) => file.tests);
  return {
    commit,
    seconds,
    tests: tests.length,
    engineLines: Object.values(sources).reduce((sum, source) => sum + hashLines(source).split(' ').length, 0),
    totals: countsOf(all),
    files: Object.fromEntries(files.map(({ file, mutants }) => [file, countsOf(mutants)])),
    rules: killsOf(all, tests, rules),
    survivors: files.flatMap(({ file, source, mutants }) => survivorsOf(file, source, mutants)),
    lines: linesOf(sources),
  };
}

/** @param {Record<string, string>} sources */
export const linesOf = (sources) =>
  Object.fromEntries(Object.entries(sources).map(([file, source]) => [file, hashLines(source)]));

/** @param {Mutant[]} mutants @returns {Counts} */
function countsOf(mutants) {
  const count = (/** @type {string} */ status) => mutants.filter((mutant) => mutant.status === status).length;
  const [killed, timeout] = [count('Killed'), count('Timeout')];
  const score = mutants.length === 0 ? 100 : (100 * (killed + timeout)) / mutants.length;
  return {
    mutants: mutants.length,
    ...{ killed, timeout, survived: count('Survived'), noCoverage: count('NoCoverage') },
    // Rounded down: 89.996 is not 90.
    score: Math.floor(score * 100) / 100,
  };
}

/**
 * @param {Mutant[]} mutants
 * @param {{ id: string, name: string }[]} tests
 * @param {string[]} rules
 */
function killsOf(mutants, tests, rules) {
  // The name is that of the group and then the title, which begins with the ids.
  const cited = new Map(
    tests.map(({ id, name }) => [id, idsOf(name.slice(Math.max(0, name.search(/\[[A-Z]+\d+\]/))))]),
  );
  const kills = new Map(rules.map((rule) => [rule, 0]));
  for (const { status, killedBy = [] } of mutants) {
    if (status !== 'Killed') continue;
    const killers = new Set(killedBy.flatMap((test) => cited.get(test) ?? []));
    for (const rule of killers) if (kills.has(rule)) kills.set(rule, (kills.get(rule) ?? 0) + 1);
  }
  return Object.fromEntries(kills);
}

/**
 * @param {string} file
 * @param {string} source
 * @param {Mutant[]} mutants
 * @returns {Survivor[]}
 */
function survivorsOf(file, source, mutants) {
  return mutants
    .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    .map(({ location, mutatorName, replacement = '', status }) => ({
      ...{ file, line: location.start.line, mutator: mutatorName },
      code: onOneLine(textAt(source, location)),
      replacement: onOneLine(replacement),
      isCovered: status === 'Survived',
    }))
    .sort((a, b) => a.line - b.line);
}

/** @param {string} source @param {Mutant['location']} location */
function textAt(source, { start, end }) {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines.push((lines.pop() ?? '').slice(0, end.column - 1));
  return [(lines.shift() ?? '').slice(start.column - 1), ...lines].join('\n');
}

/** @param {string} code */
const onOneLine = (code) => code.replace(/\s+/g, ' ').trim();
