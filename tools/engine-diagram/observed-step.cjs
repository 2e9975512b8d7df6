// `step` as the engine's tests call it, and a note of each change of stage that it makes.

const { step } = require('../../libs/turn-engine/src/step.ts');
const { changes } = require('./changes.cjs');

/** @type {import('./regions.mjs').Region[]} */
const regions = JSON.parse(process.env.ENGINE_REGIONS);
/** @type {Map<string, import('./draw.mjs').Transition>} */
const seen = new Map();

module.exports = {
  regions,
  seen,
  step(state, input, nowMs, policy) {
    const result = step(state, input, nowMs, policy);
    const isClient = input.kind === 'client';
    for (const change of changes(regions, state, result.state)) {
      const transition = { ...change, input: isClient ? input.input.kind : input.kind, isClient };
      seen.set(JSON.stringify(transition), transition);
    }
    return result;
  },
};
