import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';
import { BOUNDARIES } from './tools/eslint/boundaries.mjs';
import { NODE_GLOBALS } from './tools/eslint/globals.mjs';
import { systemAccess } from './tools/eslint/system-access.mjs';

const TESTS = [
  ...['**/*.spec.ts', '**/*.spec.tsx', '**/*.integration.ts', '**/*.e2e.ts', '**/*.fixture.ts', '**/testing/**/*.ts'],
  'tests/**/*.ts',
];
/** Browser time is theirs, and the command line is a client. */
const CLIENTS = ['apps/web/**', 'apps/cli/**', 'libs/client/**'];
const TSCONFIGS = ['tsconfig.node.json', 'apps/web/tsconfig.json', 'tools/lint-fixtures/refused/tsconfig.json'];
const TYPESCRIPT = ['**/*.ts', '**/*.tsx'];

/** A file is one noun; a function is read in one look. A component is mostly markup. */
const sizeLimits = (functionLines) => ({
  'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: functionLines, skipBlankLines: true, skipComments: true }],
});

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.cache/', '.nx/', 'coverage/', 'results/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error', noInlineConfig: true } },
  js.configs.recommended,
  { rules: { eqeqeq: ['error', 'always'] } },
  { files: ['**/*.mjs', '**/*.cjs'], languageOptions: { globals: NODE_GLOBALS } },
  {
    files: TYPESCRIPT,
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: TSCONFIGS, tsconfigRootDir: import.meta.dirname } },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': ['error', BOUNDARIES.sources],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // A port's method may be asynchronous for others and not for this adapter.
      '@typescript-eslint/require-await': 'off',
      // Ports are objects of functions, made to be taken apart.
      '@typescript-eslint/unbound-method': 'off',
      // What is caught is unknown; a text of it is the best there is.
      '@typescript-eslint/no-base-to-string': 'off',
      'no-console': 'error',
    },
  },
  { files: ['**/*.ts'], ignores: TESTS, rules: sizeLimits(60) },
  { files: ['**/*.tsx'], ignores: TESTS, rules: sizeLimits(90) },
  { files: TYPESCRIPT, ignores: [...TESTS, ...CLIENTS, 'libs/adapters/system/**'], rules: systemAccess() },
  // Gives the memory bus its scheduler.
  { files: ['libs/composition/**'], rules: systemAccess({ allowed: ['setImmediate'] }) },
  {
    files: TESTS,
    rules: {
      '@nx/enforce-module-boundaries': ['error', BOUNDARIES.tests],
      // What a server answered is looked at as it is.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
    },
  },
);
