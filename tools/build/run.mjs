// Builds targets, skipping what is up to date.

import { ROOT } from '../support/root.mjs';
import { TARGETS } from './targets.mjs';
import { isUpToDate, recordBuild } from './up-to-date.mjs';

/** @typedef {{ inputs: string[], outputs: string[] }} Files */

/**
 * @param {string[]} names
 * @returns {Promise<boolean>} false when one could not be built
 */
export async function buildTargets(names) {
  const isStale = await Promise.all(names.map(async (name) => !(await isUpToDate(ROOT, name, TARGETS[name]))));
  const stale = names.filter((_name, index) => isStale[index]);
  const groups = [
    stale.filter((name) => TARGETS[name].kind === 'bundles'),
    ...stale.filter((name) => TARGETS[name].kind === 'web').map((name) => [name]),
  ].filter((group) => group.length > 0);
  const results = await Promise.all(groups.map(buildGroup));
  return results.every(Boolean);
}

/**
 * @param {string[]} names
 * @returns {Promise<boolean>}
 */
async function buildGroup(names) {
  const begunWallMs = Date.now();
  try {
    const files = await makeOutputs(names);
    for (const [name, made] of files) await recordBuild(ROOT, name, TARGETS[name], made, begunWallMs);
  } catch (error) {
    console.error(`build of ${names.join(', ')} failed: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
  console.log(`built ${names.join(', ')} in ${((Date.now() - begunWallMs) / 1000).toFixed(1)} s`);
  return true;
}

/**
 * @param {string[]} names
 * @returns {Promise<Map<string, Files>>}
 */
async function makeOutputs(names) {
  const target = TARGETS[names[0]];
  if (target.kind === 'web') {
    const { buildWeb } = await import('./web.mjs');
    return new Map([[names[0], await buildWeb(target, ROOT)]]);
  }
  return makeBundles(names);
}

/**
 * @param {string[]} names
 * @returns {Promise<Map<string, Files>>}
 */
async function makeBundles(names) {
  const { bundleAll } = await import('./bundle.mjs');
  const bundlesOf = (/** @type {string} */ name) => {
    const target = TARGETS[name];
    return target.kind === 'bundles' ? target.bundles : [];
  };
  const all = names.flatMap(bundlesOf);
  const byFormat = /** @type {const} */ (['cjs', 'esm']).map((format) => all.filter((each) => each.format === format));
  const made = await Promise.all(byFormat.filter((bundles) => bundles.length > 0).map((each) => bundleAll(each, ROOT)));
  /** @type {Map<string, Files>} */
  const filesOf = new Map();
  for (const name of names) {
    const files = bundlesOf(name).map(({ outfile }) => made.map((each) => each.get(outfile)).find(Boolean));
    filesOf.set(name, {
      inputs: files.flatMap((each) => each?.inputs ?? []),
      outputs: files.flatMap((each) => each?.outputs ?? []),
    });
  }
  return filesOf;
}
