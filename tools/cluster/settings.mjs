// What the environment says, checked for all roles at once, before anything starts.

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../support/root.mjs';
import { ROLES } from './arguments.mjs';
import { environmentFor } from './environment.mjs';

/** Built from libs/runtime, so that this tool knows no variable by itself. */
const CONFIG = pathToFileURL(path.join(ROOT, 'dist', 'tools', 'config.mjs')).href;
/** Stands in while the settings are checked; the real one is known once the server runs. */
const PRIVATE_SERVERS = { NATS_URL: 'nats://127.0.0.1:1', REDIS_URL: 'redis://127.0.0.1:1' };

const SYSTEM = {
  clock: { wallMs: () => Date.now() },
  random: { hex: (/** @type {number} */ bytes) => randomBytes(bytes).toString('hex') },
};

/**
 * @typedef {object} Settings
 * @property {{ host: string, port: number, tls: { port: number } | null }} listen where clients connect
 * @property {string | undefined} madeCertificate the file of a certificate that was made for this machine
 * @property {Record<import('./arguments.mjs').Role, number>} replicas
 * @property {{ nats: boolean, redis: boolean }} privateServers which ones are to be started
 * @property {boolean} isReadable
 * @property {(role: import('./arguments.mjs').Role, servers: Record<string, string>) => Record<string, string>} envOf
 */

/**
 * @param {Record<string, string | undefined>} environment
 * @param {Partial<Record<import('./arguments.mjs').Role, number>>} asked
 * @returns {Promise<Settings>} rejects with all problems in one line
 */
export async function readSettings(environment, asked) {
  const { VARIABLE_TABLE, describeProblems, readConfig, tlsCredentials } = await import(CONFIG);
  const privateServers = { nats: !environment.NATS_URL, redis: !environment.REDIS_URL };
  const checked = {
    ...environment,
    NATS_URL: environment.NATS_URL || PRIVATE_SERVERS.NATS_URL,
    REDIS_URL: environment.REDIS_URL || PRIVATE_SERVERS.REDIS_URL,
  };
  const outcomes = Object.fromEntries(ROLES.map((role) => [role, readConfig(role, checked)]));
  const problems = new Map(
    Object.values(outcomes)
      .flatMap((outcome) => (outcome.kind === 'invalid' ? outcome.problems : []))
      .map((problem) => [problem.variable, problem]),
  );
  if (problems.size > 0) throw new Error(`bad settings: ${describeProblems([...problems.values()])}`);
  const { gateway, orchestrator } = outcomes;
  const { tls } = gateway.config.listen;
  // Made here, if it is to be made: all gateways show the same one.
  const certificate = tls && (await tlsCredentials(tls, SYSTEM));
  if (certificate?.kind === 'invalid') throw new Error(`bad settings: ${describeProblems([certificate.problem])}`);
  const hasFace = orchestrator.config.conversation.lipSync;
  return {
    listen: gateway.config.listen,
    madeCertificate: certificate?.credentials.madeHere,
    replicas: { gateway: 1, orchestrator: 1, tts: 1, avatar: hasFace ? 1 : 0, ...asked },
    privateServers,
    isReadable: environment.PARLEY_LOG_FORMAT !== 'json',
    envOf: (role, servers) =>
      environmentFor(role, { PARLEY_LOG_FORMAT: 'readable', ...withoutEmpty(environment), ...servers }, VARIABLE_TABLE),
  };
}

/** @param {Record<string, string | undefined>} environment */
const withoutEmpty = (environment) => Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
