// deploy/docker-compose.yml, as docker-compose 1.29 reads it, and what must be true of it.

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { runProgram } from './debian-programs.mjs';
import { lastLines } from '../natives/command.mjs';
import { ROOT } from '../support/root.mjs';

const CONFIG_TIMEOUT_MS = 30_000;
const COMPOSE_FILE = path.join(ROOT, 'deploy/docker-compose.yml');
const ENV_EXAMPLE = path.join(ROOT, 'deploy/.env.example');
const PROMETHEUS_FILE = path.join(ROOT, 'deploy/prometheus.yml');
const PUBLISHED = ['gateway', 'grafana'];
/** The services' own deadline for stopping plus releasing what they stand on (libs/nest). */
const MIN_GRACE_MS = 30_000;

/** What an operator must set. */
export const REQUIRED_SETTINGS = { PARLEY_API_KEYS: 'key-of-the-clients', GRAFANA_PASSWORD: 'password-of-grafana' };

/** Each of these is for one service, and no other may see it. */
const PRIVATE_SETTINGS = {
  PARLEY_API_KEYS: ['gateway', 'key-of-the-clients'],
  GRAFANA_PASSWORD: ['grafana', 'password-of-grafana'],
  LLM_API_KEY: ['orchestrator', 'key-of-the-model'],
  LLM_BASE_URL: ['orchestrator', 'http://model.invalid/v1'],
  TTS_API_KEY: ['tts', 'key-of-the-voice'],
  TTS_BASE_URL: ['tts', 'http://voice.invalid/v1'],
};

/**
 * @typedef {import('./debian-programs.mjs').Programs} Programs
 * @typedef {import('./facts.mjs').Facts} Facts
 *
 * @typedef {object} ComposeService
 * @property {string} image
 * @property {string[]} [command]
 * @property {string[]} [entrypoint]
 * @property {Record<string, string>} [environment]
 * @property {string[]} [ports]
 * @property {string[]} [volumes]
 * @property {string[]} [cap_drop]
 * @property {string} [restart]
 * @property {boolean} [read_only]
 * @property {string} [stop_grace_period]
 * @property {{ test: string[] }} [healthcheck]
 *
 * @typedef {{ services: Record<string, ComposeService> }} Compose
 */

/**
 * What docker-compose makes of the file.
 *
 * @param {Programs} programs
 * @param {Record<string, string>} settings laid over `.env.example`
 * @returns {Promise<{ compose: Compose } | { refusal: string }>}
 */
export async function renderCompose({ compose }, settings) {
  const dir = await mkdtemp(path.join(tmpdir(), 'parley-compose-'));
  try {
    const envFile = path.join(dir, 'env');
    const lines = Object.entries({ ...(await exampleSettings()), ...settings }).map(
      ([name, value]) => `${name}=${value}`,
    );
    await writeFile(envFile, `${lines.join('\n')}\n`);
    const args = ['-f', COMPOSE_FILE, '--env-file', envFile, 'config'];
    const result = await runProgram(compose, args, { timeoutMs: CONFIG_TIMEOUT_MS });
    if (result.code !== 0) return { refusal: result.failure ?? lastLines(result.stderr, 3) };
    return { compose: parse(result.stdout) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** @returns {Promise<Record<string, string>>} */
export async function exampleSettings() {
  const text = await readFile(ENV_EXAMPLE, 'utf8');
  return Object.fromEntries([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
}

/** @returns {Promise<any>} deploy/prometheus.yml */
export async function prometheusConfig() {
  return parse(await readFile(PROMETHEUS_FILE, 'utf8'));
}

/**
 * Everything that is wrong with deploy/docker-compose.yml and what it mounts.
 *
 * @param {Programs} programs
 * @param {Facts} facts
 * @returns {Promise<{ problems: string[], compose: Compose }>}
 */
export async function checkComposeFile(programs, facts) {
  const everything = Object.fromEntries(Object.entries(PRIVATE_SETTINGS).map(([name, [, value]]) => [name, value]));
  const [minimal, full, unset] = await Promise.all([
    renderCompose(programs, REQUIRED_SETTINGS),
    renderCompose(programs, everything),
    renderCompose(programs, {}),
  ]);
  if (!('compose' in minimal) || !('compose' in full)) {
    const refusal = 'refusal' in minimal ? minimal.refusal : 'refusal' in full ? full.refusal : '';
    return { problems: [`docker-compose refuses the file: ${refusal}`], compose: { services: {} } };
  }
  const source = await readFile(COMPOSE_FILE, 'utf8');
  const problems = [
    ...('compose' in unset ? ['an .env that leaves out what must be set is accepted'] : []),
    ...checkServices(minimal.compose, facts),
    ...checkServices(full.compose, facts),
    ...checkPrivacy(full.compose),
    ...checkSettings(source, await exampleSettings()),
    ...checkScrapeTargets(minimal.compose, await prometheusConfig(), facts),
  ];
  return { problems: [...new Set(problems)], compose: minimal.compose };
}

/**
 * @param {Compose} compose
 * @param {Facts} facts
 * @returns {string[]}
 */
export function checkServices({ services }, facts) {
  const roles = Object.values(services).map(({ command }) => facts.roleOf(command ?? []));
  return [
    ...facts.roles.filter((role) => !roles.includes(role)).map((role) => `no service runs the ${role}`),
    ...Object.entries(services).flatMap(([name, service]) =>
      [...checkAnyService(name, service), ...checkParleyService(service, facts)].map((what) => `${name}: ${what}`),
    ),
  ];
}

/**
 * @param {string} name
 * @param {ComposeService} service
 */
function checkAnyService(name, service) {
  const problems = [];
  if (!/^[\w./-]+:v?\d[\w.-]*$/.test(service.image)) problems.push(`the image ${service.image} has no version`);
  if (service.restart !== 'unless-stopped') problems.push('is not restarted');
  if (service.read_only !== true) problems.push('its root file system can be written');
  if (!service.cap_drop?.includes('ALL')) problems.push('keeps capabilities');
  if ((service.healthcheck?.test ?? []).length === 0) problems.push('has no health check');
  for (const port of service.ports ?? []) {
    if (!PUBLISHED.includes(name)) problems.push(`publishes ${port}`);
    else if (!port.startsWith('127.0.0.1:')) problems.push(`publishes ${port} beyond this machine by default`);
  }
  for (const volume of service.volumes ?? []) {
    const [source = ''] = volume.split(':');
    if (source.startsWith('/') && !existsSync(source)) problems.push(`mounts ${source}, which is not there`);
  }
  return problems;
}

/**
 * @param {ComposeService} service
 * @param {Facts} facts
 */
function checkParleyService({ image, command = [], entrypoint, environment = {}, stop_grace_period }, facts) {
  const isOurs = image.startsWith('parley:');
  const role = facts.roleOf(command);
  if (!isOurs) return role === undefined ? [] : ['runs a service of Parley in another image'];
  if (role === undefined) return [`runs ${command.join(' ')}, which is no service`];
  const problems = [];
  if (image !== `parley:${facts.version}`) problems.push(`runs ${image}, but this is ${facts.version}`);
  if (entrypoint !== undefined) problems.push('has an entry point of its own');
  if (durationMs(stop_grace_period ?? '10s') < MIN_GRACE_MS) problems.push('is killed while it stops');
  const known = facts.variablesOf(role);
  for (const variable of Object.keys(environment)) {
    if (!known.has(variable)) problems.push(`sets ${variable}, which the ${role} does not read`);
  }
  return [...problems, ...facts.configProblems(role, environment)];
}

/**
 * Each private setting must reach its one service, and nobody else.
 *
 * @param {Compose} compose rendered with all of them
 * @returns {string[]}
 */
export function checkPrivacy({ services }) {
  return Object.entries(PRIVATE_SETTINGS).flatMap(([setting, [owner, value]]) => {
    const holders = Object.entries(services)
      .filter(([, service]) => JSON.stringify(service).includes(value))
      .map(([name]) => name);
    if (holders.length === 1 && holders[0] === owner) return [];
    return [`${setting} is for ${owner}, but goes to: ${holders.join(', ') || 'nobody'}`];
  });
}

/**
 * @param {string} source of the compose file
 * @param {Record<string, string>} example the settings in .env.example
 * @returns {string[]}
 */
export function checkSettings(source, example) {
  const used = new Set([...source.matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name));
  const offered = new Set(Object.keys(example));
  return [
    ...[...used].filter((name) => !offered.has(name)).map((name) => `.env.example does not offer ${name}`),
    ...[...offered].filter((name) => !used.has(name)).map((name) => `.env.example offers ${name}, which nothing uses`),
    ...Object.keys(PRIVATE_SETTINGS)
      .filter((name) => example[name] !== '')
      .map((name) => `.env.example must leave ${name} empty`),
  ];
}

/**
 * Prometheus must find every service of Parley where it listens.
 *
 * @param {Compose} compose
 * @param {any} prometheus
 * @param {Facts} facts
 * @returns {string[]}
 */
export function checkScrapeTargets({ services }, prometheus, facts) {
  const wanted = Object.entries(services).flatMap(([name, { command, environment = {} }]) =>
    facts.roleOf(command ?? []) ? [`${name}:${environment.PARLEY_METRICS_PORT ?? environment.PARLEY_PORT}`] : [],
  );
  const found = scrapeTargets(prometheus);
  return [
    ...wanted.filter((target) => !found.includes(target)).map((target) => `Prometheus does not scrape ${target}`),
    ...found.filter((target) => !wanted.includes(target)).map((target) => `Prometheus scrapes ${target}: what is it?`),
  ];
}

/**
 * @param {any} prometheus
 * @returns {string[]} `host:port`
 */
function scrapeTargets({ scrape_configs: jobs }) {
  return jobs.flatMap((/** @type {any} */ { dns_sd_configs: lookups = [] }) =>
    lookups.flatMap((/** @type {any} */ { names, port }) =>
      names.map((/** @type {string} */ host) => `${host}:${port}`),
    ),
  );
}

/** @param {string} text as docker-compose prints it: `1m30s` */
export function durationMs(text) {
  const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  const parts = [...text.matchAll(/([\d.]+)(ms|h|m|s)/g)];
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * units[/** @type {keyof units} */ (unit)], 0);
}
