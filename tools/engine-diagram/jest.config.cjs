const { projects } = require('../../jest.config.cjs');
const unit = projects.find(({ displayName }) => displayName === 'unit');

/** The engine's tests, but who asks for `step` gets the one that takes notes. */
module.exports = {
  ...unit,
  testMatch: ['<rootDir>/tools/engine-diagram/observe.cjs'],
  moduleNameMapper: {
    ...unit.moduleNameMapper,
    '^\\.{1,2}/step$': '<rootDir>/tools/engine-diagram/observed-step.cjs',
  },
};
