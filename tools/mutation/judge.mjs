// What is wrong with a mutation report, or with being too far from what it measured.

import { changedLines } from './changed-lines.mjs';

/**
 * @typedef {import('./report.mjs').Report} Report
 * @typedef {import('./report.mjs').Survivor} Survivor
 * @typedef {{ reason: string, mutants: string[] }} Reason
 */

export const MIN_SCORE = 90;
export const MAX_CHANGED_LINES = 200;

/** How a survivor is named where reasons are given: by its text, since lines move. @param {Survivor} survivor */
export const nameOf = ({ file, mutator, code, replacement }) => `${file} ${mutator}: ${code} → ${replacement}`;

/**
 * @param {Report} report
 * @param {{ reasons: Reason[], rules: string[], lines: Record<string, string> }} now reasons, rules and hashed lines as they stand
 */
export function judge(report, { reasons, rules, lines }) {
  const problems = [...problemsOfReasons(report.survivors, reasons)];
  if (report.totals.mutants === 0) problems.push('no mutant was tried');
  if (report.totals.score < MIN_SCORE) problems.push(`the score is ${report.totals.score} %, less than ${MIN_SCORE} %`);
  const changed = changedLines(report.lines, lines);
  if (changed > MAX_CHANGED_LINES) {
    problems.push(`${changed} lines of the engine changed since ${report.commit}, more than ${MAX_CHANGED_LINES}`);
  }
  for (const rule of rules) {
    // A rule that is newer than the report is measured with the next one, which is due within MAX_CHANGED_LINES.
    if (report.rules[rule] === 0) problems.push(`rule ${rule}: its own tests killed no mutant`);
  }
  return { problems, changed };
}

/**
 * Each survivor has its reason, and each reason its survivor; of two that look the same both.
 *
 * @param {Survivor[]} survivors
 * @param {Reason[]} reasons
 */
function problemsOfReasons(survivors, reasons) {
  const left = reasons.flatMap(({ mutants }) => mutants);
  const problems = reasons.filter(({ reason }) => reason.trim() === '').map(() => 'a reason is empty');
  for (const survivor of survivors) {
    const at = left.indexOf(nameOf(survivor));
    if (at < 0) problems.push(`no reason why it survived: ${nameOf(survivor)} (line ${survivor.line})`);
    else left.splice(at, 1);
  }
  return [...problems, ...left.map((name) => `a reason for what did not survive: ${name}`)];
}
