// What the rest of the project says, and the deployment must agree with: variables, metrics, version.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { Registry, collectDefaultMetrics } from 'prom-client';
import { buildTargets } from '../build/run.mjs';
import { ROOT } from '../support/root.mjs';

/** Which role the entry point of an app has. */
const ROLE_OF_ENTRY = new Map([
  ['dist/apps/gateway/main.cjs', 'gateway'],
  ['dist/apps/turn-orchestrator/main.cjs', 'orchestrator'],
  ['dist/apps/tts-worker/main.cjs', 'tts'],
  ['dist/apps/avatar-bridge/main.cjs', 'avatar'],
]);

/** Variables that hold a secret; URLs do only when they carry a password. */
export const SECRET_VARIABLES = ['PARLEY_API_KEYS', 'OPENAI_API_KEY'];

/**
 * @typedef {object} Facts
 * @property {string} version of the package, and so of the image
 * @property {string[]} roles every one that a deployment must run
 * @property {(command: readonly string[]) => string | undefined} roleOf
 * @property {(role: string) => Set<string>} variablesOf
 * @property {(role: string, env: Record<string, string>) => string[]} configProblems what that process would say
 * @property {Set<string>} series every series name that `/metrics` can answer
 */

/** @returns {Promise<Facts>} */
export async function loadFacts() {
  if (!(await buildTargets(['config']))) throw new Error('the table of variables cannot be built');
  const { VARIABLE_TABLE, readConfig } = await import(pathToFileURL(path.join(ROOT, 'dist/tools/config.mjs')).href);
  const { version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
  return {
    version,
    roles: [...ROLE_OF_ENTRY.values()],
    roleOf: (command) => (command.length === 1 ? ROLE_OF_ENTRY.get(command[0] ?? '') : undefined),
    variablesOf: (role) =>
      new Set(
        VARIABLE_TABLE.filter((/** @type {{ roles: string[] }} */ { roles }) => roles.includes(role)).map(
          (/** @type {{ name: string }} */ { name }) => name,
        ),
      ),
    configProblems: (role, env) => {
      const outcome = readConfig(role, env);
      if (outcome.kind === 'valid') return [];
      return outcome.problems.map(
        (/** @type {{ variable: string, problem: string }} */ { variable, problem }) => `${variable} ${problem}`,
      );
    },
    series: await knownSeries(),
  };
}

/** @returns {Promise<Set<string>>} */
async function knownSeries() {
  const { METRICS } = await importTypeScript('libs/ports/src/telemetry.ts');
  const names = Object.entries(METRICS).flatMap(([name, { type }]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const line of (await registry.metrics()).split('\n')) {
    const series = /^[a-zA-Z_:][\w:]*/.exec(line)?.[0];
    if (series !== undefined) names.push(series);
  }
  return new Set(names);
}

/**
 * @param {string} file one that imports nothing but types
 * @returns {Promise<any>}
 */
async function importTypeScript(file) {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [file],
    write: false,
    format: 'esm',
    logLevel: 'error',
  });
  const code = Buffer.from(outputFiles[0].contents).toString('base64');
  return import(`data:text/javascript;base64,${code}`);
}
