// Run by Jest: all tests of the engine, and then the changes of stage that they saw, to the file that was asked for.

const { writeFileSync } = require('node:fs');
const fc = require('fast-check');
const { initialState } = require('../../libs/turn-engine/src/state.ts');
const { changes } = require('./changes.cjs');
const { regions, seen } = require('./observed-step.cjs');

// The same stories each time: the diagram changes with the engine and not by chance.
fc.configureGlobal({ seed: 1 });
require('../support/engine-specs.cjs');

const beginnings = changes(regions, null, initialState({})).map((change) => ({ ...change, input: null }));

globalThis.afterAll(() =>
  writeFileSync(process.env.ENGINE_TRANSITIONS, JSON.stringify([...beginnings, ...seen.values()])),
);
