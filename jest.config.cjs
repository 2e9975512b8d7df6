const { compilerOptions } = require('./tsconfig.base.json');

/** `@parley/x` → its source, from the one list of aliases in tsconfig.base.json. */
const moduleNameMapper = Object.fromEntries(
  Object.entries(compilerOptions.paths).map(([alias, [path]]) => [`^${alias}$`, path.replace(/^\./, '<rootDir>')]),
);

const swc = [
  '@swc/jest',
  {
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2022',
    },
    module: { type: 'commonjs' },
  },
];

const project = (displayName, testMatch, more = {}) => ({
  displayName,
  rootDir: __dirname,
  testEnvironment: 'node',
  testMatch,
  moduleNameMapper,
  transform: { '^.+\\.ts$': swc },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.cache'],
  ...more,
});

/** Whatever a client receives is held against the Realtime API, from outside. */
const judged = { setupFilesAfterEnv: ['<rootDir>/tests/system/realtime/every-connection.setup.ts'] };

/**
 * unit: beside the source, no server · simulation: virtual worlds · integration: real NATS and Redis · timed: the same, but how late
 * something is gets judged, so one file at a time · e2e: built processes, browser.
 */
module.exports = {
  projects: [
    project('unit', [
      '<rootDir>/libs/**/*.spec.ts',
      '<rootDir>/apps/**/*.spec.ts',
      '<rootDir>/tests/system/virtual/**/*.spec.ts',
      '<rootDir>/tests/system/simulation/**/*.spec.ts',
      '<rootDir>/tests/system/chaos/**/*.spec.ts',
      '<rootDir>/tests/system/realtime/**/*.spec.ts',
    ]),
    project('simulation', ['<rootDir>/tests/system/simulation/**/*.simulation.ts']),
    project(
      'integration',
      [
        '<rootDir>/libs/**/*.integration.ts',
        '<rootDir>/tests/system/integration/**/*.integration.ts',
        '<rootDir>/tests/system/realtime/**/*.integration.ts',
      ],
      judged,
    ),
    project('timed', ['<rootDir>/tests/system/timed/**/*.timed.ts'], judged),
    project('e2e', ['<rootDir>/tests/system/e2e/**/*.e2e.ts'], judged),
  ],
};
