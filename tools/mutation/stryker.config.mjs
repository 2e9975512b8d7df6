// Every mutant of the turn engine against every test of the engine that reaches it. `disableBail`: each meets all of
// them and not only the first that kills it, or nobody could say which mutants the tests of one rule kill.

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  mutate: ['libs/turn-engine/src/**/*.ts', '!libs/turn-engine/src/**/*.spec.ts', '!libs/turn-engine/src/testing/**'],
  plugins: ['@stryker-mutator/jest-runner'],
  testRunner: 'jest',
  jest: { projectType: 'custom', configFile: 'tools/mutation/jest.config.cjs', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  disableBail: true,
  concurrency: 2,
  // A process of Jest's keeps what each run has loaded and grows slow with it: after some hundred mutants to a third.
  maxTestRunnerReuse: 60,
  // All tests of one mutant take about a second, several on a busy machine: what is not done by then is a loop.
  timeoutMS: 10_000,
  // What the tests read, and no more, is copied.
  ignorePatterns: [
    '**',
    '!libs/**',
    '!tools/mutation/*.cjs',
    '!tools/support/*.cjs',
    '!jest.config.cjs',
    '!tsconfig.base.json',
    '!package.json',
  ],
  tempDirName: '.cache/stryker',
  reporters: ['json', 'progress-append-only'],
  jsonReporter: { fileName: '.cache/stryker/mutation.json' },
  disableTypeChecks: false,
};
