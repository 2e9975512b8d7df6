// What can be built, and from what. Each target owns its outputs; two targets never write the same file.

/**
 * @typedef {object} Bundle
 * @property {string} entry
 * @property {string} outfile
 * @property {'cjs' | 'esm'} format
 *
 * @typedef {{ kind: 'bundles', bundles: Bundle[] } | { kind: 'web', root: string, outDir: string }} Target
 */

const ESPEAK_WORKER = 'libs/adapters/tts-espeak/src/espeak-worker.ts';

/**
 * Nest and what it loads on demand is CommonJS; a CommonJS bundle keeps its optional requires as they are.
 *
 * @param {string} app
 * @returns {Bundle}
 */
const service = (app) => ({ entry: `apps/${app}/src/main.ts`, outfile: `dist/apps/${app}/main.cjs`, format: 'cjs' });

/**
 * The voice's package is ESM only, so its worker thread is started from an ESM file.
 *
 * @param {string} app
 * @returns {Bundle}
 */
const espeakWorker = (app) => ({ entry: ESPEAK_WORKER, outfile: `dist/apps/${app}/espeak-worker.mjs`, format: 'esm' });

/** @type {Record<string, Target>} */
export const TARGETS = {
  gateway: { kind: 'bundles', bundles: [service('gateway')] },
  'turn-orchestrator': { kind: 'bundles', bundles: [service('turn-orchestrator')] },
  'tts-worker': { kind: 'bundles', bundles: [service('tts-worker'), espeakWorker('tts-worker')] },
  'avatar-bridge': { kind: 'bundles', bundles: [service('avatar-bridge')] },
  standalone: { kind: 'bundles', bundles: [service('standalone'), espeakWorker('standalone')] },
  cli: {
    kind: 'bundles',
    bundles: [{ entry: 'apps/cli/src/main.ts', outfile: 'dist/apps/cli/main.mjs', format: 'esm' }],
  },
  web: { kind: 'web', root: 'apps/web', outDir: 'dist/apps/web' },
  // For the tools, which are plain JavaScript: who may read which variable, and what is wrong with an environment.
  config: {
    kind: 'bundles',
    bundles: [{ entry: 'libs/runtime/src/config/index.ts', outfile: 'dist/tools/config.mjs', format: 'esm' }],
  },
  fakes: {
    kind: 'bundles',
    bundles: [{ entry: 'libs/testing/fakes/src/main.ts', outfile: 'dist/testing/fakes/main.mjs', format: 'esm' }],
  },
};
