const { projects } = require('../../jest.config.cjs');

/** The engine's tests as `npm test` runs them, in the environment that tells Stryker which test reaches what. */
module.exports = {
  ...projects.find(({ displayName }) => displayName === 'unit'),
  testEnvironment: '@stryker-mutator/jest-runner/jest-env/node',
  testMatch: ['<rootDir>/tools/mutation/every-spec.cjs'],
};
