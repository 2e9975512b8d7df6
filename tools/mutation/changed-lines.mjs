// How far sources are from those that were measured, without asking git: a clone may be shallow, a branch rebased.

import { createHash } from 'node:crypto';

/** 24 bits tell the lines of one file apart well enough to count, and keep the report small. */
const HASH_CHARS = 4;

/** @param {string} text */
const linesOf = (text) => text.replace(/\n$/, '').split('\n');

/** @param {string} text @returns {string} one word per line */
export const hashLines = (text) =>
  linesOf(text)
    .map((line) => createHash('sha256').update(line).digest('base64url').slice(0, HASH_CHARS))
    .join(' ');

/**
 * Lines that were added or removed, as `git diff --numstat` counts them: a line that was changed counts twice.
 *
 * @param {Record<string, string>} before hashed lines by file
 * @param {Record<string, string>} after
 */
export function changedLines(before, after) {
  const files = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...files].reduce((sum, file) => sum + distance(wordsOf(before[file]), wordsOf(after[file])), 0);
}

/** @param {string | undefined} hashes */
const wordsOf = (hashes) => hashes?.split(' ') ?? [];

/**
 * All lines but those of the longest common subsequence.
 *
 * @param {string[]} before
 * @param {string[]} after
 */
function distance(before, after) {
  let row = new Array(after.length + 1).fill(0);
  for (const line of before) {
    const next = [0];
    for (const [index, other] of after.entries()) {
      next.push(line === other ? row[index] + 1 : Math.max(row[index + 1], next[index]));
    }
    row = next;
  }
  return before.length + after.length - 2 * row[after.length];
}
