// How many of each.

import { parseArgs } from 'node:util';

/** In the order of starting: who serves before who is served. */
export const ROLES = /** @type {const} */ (['orchestrator', 'tts', 'avatar', 'gateway']);

/** @typedef {(typeof ROLES)[number]} Role */

const MAX_REPLICAS = 64;

/**
 * @param {string[]} argv
 * @returns {Partial<Record<Role, number>>} what was asked for; throws an Error in one line
 */
export function parseReplicas(argv) {
  const options = Object.fromEntries(ROLES.map((role) => [role, /** @type {const} */ ({ type: 'string' })]));
  const { values } = parseArgs({ args: argv, options });
  return Object.fromEntries(Object.entries(values).map(([role, value]) => [role, countOf(role, String(value))]));
}

/**
 * @param {string} role
 * @param {string} value
 */
function countOf(role, value) {
  const count = /^\d{1,3}$/.test(value) ? Number(value) : -1;
  const least = role === 'avatar' ? 0 : 1;
  if (count >= least && count <= MAX_REPLICAS) return count;
  throw new Error(`--${role} must be a number from ${least} to ${MAX_REPLICAS}`);
}
