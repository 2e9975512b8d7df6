// Which regions of the engine's state changed their stage in a step.

/**
 * @typedef {import('./regions.mjs').Region} Region
 * @typedef {{ region: string, from: string | null, to: string | null }} Change null: not there
 */

/** Fields by which one thing is told from the next of its kind. */
const ID = /^(id|\w+Id|ordinal)$/;

/**
 * @param {Region[]} regions
 * @param {unknown} before null: there was nothing
 * @param {unknown} after
 * @returns {Change[]}
 */
exports.changes = (regions, before, after) =>
  regions.flatMap((region) => {
    const was = new Map(stages(region, before, region.path, ''));
    const is = new Map(stages(region, after, region.path, ''));
    return [...new Set([...was.keys(), ...is.keys()])]
      .map((key) => ({ region: region.name, from: was.get(key) ?? null, to: is.get(key) ?? null }))
      .filter(({ from, to }) => from !== to);
  });

/**
 * The stage of everything that lies at the path, with what it belongs to: the generation of the next response is
 * another one, also when a step replaces one by the other.
 *
 * @param {Region} region
 * @param {any} value
 * @param {string[]} path
 * @param {string} owner
 * @returns {[string, string][]}
 */
function stages(region, value, path, owner) {
  if (value === null || value === undefined) return [];
  const [next, ...rest] = path;
  if (next === undefined)
    return [[owner, region.discriminant === null ? region.stages[0] : value[region.discriminant]]];
  if (next === '*') return value.flatMap((/** @type {any} */ each) => stages(region, each, rest, owner + idOf(each)));
  return stages(region, value[next], rest, owner + idOf(value));
}

/** @param {object} value */
const idOf = (value) => JSON.stringify(Object.entries(value).filter(([field]) => ID.test(field)));
