// Time, timers and randomness come from outside (SystemPorts), or a session could be neither simulated nor replayed.

const USE = 'Use the SystemPorts that are passed in; only libs/adapters/system reads the clock, sets timers or draws.';
const TIMERS = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'];
const RANDOM = [
  'randomBytes',
  'randomUUID',
  'randomInt',
  'randomFill',
  'randomFillSync',
  'getRandomValues',
  'webcrypto',
];
const HAS_TIMERS = ['node:timers', 'node:timers/promises', 'timers', 'timers/promises'];
const HAS_CLOCK = ['node:perf_hooks', 'perf_hooks'];

const PROPERTIES = {
  Date: ['now'],
  Math: ['random'],
  performance: ['now', 'timeOrigin', 'mark', 'measure'],
  crypto: ['getRandomValues', 'randomUUID', 'randomBytes', 'randomInt'],
  process: ['hrtime', 'uptime'],
  AbortSignal: ['timeout'],
  globalThis: [...TIMERS, 'performance', 'crypto'],
};

const RESTRICTED_PROPERTIES = Object.entries(PROPERTIES).flatMap(([object, names]) =>
  names.map((property) => ({ object, property, message: USE })),
);

const RESTRICTED_IMPORTS = [
  ...[...HAS_TIMERS, ...HAS_CLOCK].map((name) => ({ name, message: USE })),
  ...['node:crypto', 'crypto'].map((name) => ({ name, importNames: [...RANDOM, 'default'], message: USE })),
];

/** @param {{ allowed?: string[] }} [exception] globals that are allowed all the same */
export const systemAccess = ({ allowed = [] } = {}) => ({
  'no-restricted-globals': [
    'error',
    ...[...TIMERS, 'performance', 'crypto']
      .filter((name) => !allowed.includes(name))
      .map((name) => ({ name, message: USE })),
  ],
  'no-restricted-properties': ['error', ...RESTRICTED_PROPERTIES],
  'no-restricted-imports': ['error', { paths: RESTRICTED_IMPORTS }],
  'no-restricted-syntax': [
    'error',
    { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: USE },
    { selector: "CallExpression[callee.name='Date']", message: USE },
  ],
});
