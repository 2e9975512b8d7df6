// How each container of Parley is started: its command and exactly the environment it is given.

import { REQUIRED_SETTINGS, durationMs } from './compose.mjs';
import { containerOf, environmentOf, roleOf } from './kubernetes.mjs';

/**
 * @typedef {object} Start
 * @property {'compose' | 'k8s'} by
 * @property {string} name
 * @property {string} role
 * @property {string[]} command
 * @property {Record<string, string>} env
 * @property {number} graceMs between SIGTERM and SIGKILL
 * @property {string[]} probePaths what is asked over HTTP
 * @property {string[]} healthCommand what is run inside; empty: nothing
 */

/**
 * @param {import('./compose.mjs').Compose} compose
 * @param {import('./kubernetes-schemas.mjs').KubernetesObject[]} objects
 * @param {import('./image.mjs').Image} image
 * @param {import('./facts.mjs').Facts} facts
 * @returns {Start[]}
 */
export function startsOf(compose, objects, image, facts) {
  return [...composeStarts(compose, image, facts), ...kubernetesStarts(objects, image, facts)];
}

/**
 * @param {import('./compose.mjs').Compose} compose
 * @param {import('./image.mjs').Image} image
 * @param {import('./facts.mjs').Facts} facts
 * @returns {Start[]}
 */
function composeStarts({ services }, image, facts) {
  return Object.entries(services).flatMap(([name, { command = [], environment, stop_grace_period, healthcheck }]) => {
    const role = facts.roleOf(command);
    if (role === undefined) return [];
    const [how, ...healthCommand] = healthcheck?.test ?? [];
    return {
      by: 'compose',
      name,
      role,
      command: [...image.entrypoint, ...command],
      env: { ...image.env, ...environment },
      graceMs: durationMs(stop_grace_period ?? '10s'),
      probePaths: [],
      healthCommand: how === 'CMD' ? healthCommand : [],
    };
  });
}

/**
 * @param {import('./kubernetes-schemas.mjs').KubernetesObject[]} objects
 * @param {import('./image.mjs').Image} image
 * @param {import('./facts.mjs').Facts} facts
 * @returns {Start[]}
 */
function kubernetesStarts(objects, image, facts) {
  const secretOf = (/** @type {string} */ _secret, /** @type {string} */ _key, /** @type {boolean} */ optional) =>
    optional ? undefined : REQUIRED_SETTINGS.PARLEY_API_KEYS;
  return objects.flatMap((object) => {
    if (object.kind !== 'Deployment') return [];
    const role = roleOf(object, facts);
    if (role === undefined) return [];
    const container = containerOf(object);
    const probes = [container.livenessProbe, container.readinessProbe];
    return {
      by: 'k8s',
      name: object.metadata.name,
      role,
      command: [...image.entrypoint, ...container.args],
      env: { ...image.env, ...environmentOf(container, objects, secretOf).env },
      graceMs: object.spec.template.spec.terminationGracePeriodSeconds * 1000,
      probePaths: probes.flatMap(({ httpGet }) => (httpGet ? [httpGet.path] : [])),
      healthCommand: [],
    };
  });
}
