// k8s/base, as the kustomize inside kubectl 1.20 builds it, and what must be true of it.

import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { lastLines } from '../natives/command.mjs';
import { ROOT } from '../support/root.mjs';
import { runProgram } from './debian-programs.mjs';
import { SECRET_VARIABLES } from './facts.mjs';
import { kubernetesObject } from './kubernetes-schemas.mjs';

const KUSTOMIZE_TIMEOUT_MS = 30_000;

/**
 * @typedef {import('./debian-programs.mjs').Programs} Programs
 * @typedef {import('./facts.mjs').Facts} Facts
 * @typedef {import('./kubernetes-schemas.mjs').KubernetesObject} KubernetesObject
 * @typedef {import('./kubernetes-schemas.mjs').Deployment} Deployment
 * @typedef {import('./kubernetes-schemas.mjs').Container} Container
 */

/**
 * Everything that is wrong with k8s/base.
 *
 * @param {Programs} programs
 * @param {Facts} facts
 * @returns {Promise<{ problems: string[], objects: KubernetesObject[] }>}
 */
export async function checkKubernetesBase({ kubectl }, facts) {
  const args = ['kustomize', path.join(ROOT, 'k8s/base')];
  const result = await runProgram(kubectl, args, { timeoutMs: KUSTOMIZE_TIMEOUT_MS });
  if (result.code !== 0) {
    return { problems: [`kustomize refuses k8s/base: ${result.failure ?? lastLines(result.stderr, 3)}`], objects: [] };
  }
  return checkObjects(
    parseAllDocuments(result.stdout).map((document) => document.toJS()),
    facts,
  );
}

/**
 * @param {unknown[]} documents
 * @param {Facts} facts
 * @returns {{ problems: string[], objects: KubernetesObject[] }}
 */
export function checkObjects(documents, facts) {
  const problems = [];
  /** @type {KubernetesObject[]} */
  const objects = [];
  for (const document of documents) {
    const parsed = kubernetesObject.safeParse(document);
    if (parsed.success) objects.push(parsed.data);
    else problems.push(...parsed.error.issues.map((issue) => `${labelOf(document)}: ${describeIssue(issue)}`));
  }
  const deployments = objects.filter((object) => object.kind === 'Deployment');
  const roles = deployments.map((deployment) => roleOf(deployment, facts));
  problems.push(
    ...facts.roles.filter((role) => !roles.includes(role)).map((role) => `no Deployment runs the ${role}`),
    ...deployments.flatMap((deployment) =>
      [...checkSelector(deployment), ...checkProbes(deployment), ...checkParley(deployment, objects, facts)].map(
        (what) => `${labelOf(deployment)}: ${what}`,
      ),
    ),
    ...checkServices(objects),
    ...checkSecrecy(objects),
    ...checkAddresses(objects),
  );
  return { problems, objects };
}

/** @param {import('zod').core.$ZodIssue} issue */
const describeIssue = ({ path: where, message }) => `${where.join('.') || 'it'}: ${message}`;

/** @param {any} document */
const labelOf = (document) => `${document?.kind} ${document?.metadata?.name}`;

/** @param {Deployment} deployment */
export const containerOf = ({ spec }) => spec.template.spec.containers[0];

/**
 * @param {Deployment} deployment
 * @param {Facts} facts
 */
export const roleOf = (deployment, facts) => facts.roleOf(containerOf(deployment).args);

/**
 * @param {Record<string, string>} labels
 * @param {Record<string, string>} wanted
 */
const matches = (labels, wanted) => Object.entries(wanted).every(([name, value]) => labels[name] === value);

/** @param {Deployment} deployment */
function checkSelector({ spec }) {
  return matches(spec.template.metadata.labels, spec.selector.matchLabels)
    ? []
    : ['its selector does not match its own pods'];
}

/** @param {Deployment} deployment */
function checkProbes(deployment) {
  const { livenessProbe, readinessProbe, ports } = containerOf(deployment);
  return [livenessProbe, readinessProbe].flatMap(({ httpGet }) => {
    if (
      httpGet === undefined ||
      ports.some(({ name, containerPort }) => [name, containerPort].includes(httpGet.port))
    ) {
      return [];
    }
    return [`a probe asks the port ${httpGet.port}, which the container does not have`];
  });
}

/**
 * @param {Deployment} deployment
 * @param {KubernetesObject[]} objects
 * @param {Facts} facts
 */
function checkParley(deployment, objects, facts) {
  const container = containerOf(deployment);
  const role = roleOf(deployment, facts);
  if (!/^parley:/.test(container.image)) {
    return role === undefined ? [] : ['runs a service of Parley in another image'];
  }
  if (role === undefined) return [`runs ${container.args.join(' ')}, which is no service`];
  const problems = [];
  if (container.image !== `parley:${facts.version}`) problems.push(`runs ${container.image}, not ${facts.version}`);
  const { livenessProbe, readinessProbe } = container;
  if (livenessProbe.httpGet?.path !== '/healthz/live') problems.push('its liveness probe is not /healthz/live');
  if (readinessProbe.httpGet?.path !== '/healthz/ready') problems.push('its readiness probe is not /healthz/ready');
  const { env, missing } = environmentOf(container, objects, () => 'a-secret');
  problems.push(...missing);
  const known = facts.variablesOf(role);
  for (const variable of Object.keys(env)) {
    if (!known.has(variable)) problems.push(`sets ${variable}, which the ${role} does not read`);
  }
  const port = env.PARLEY_METRICS_PORT ?? env.PARLEY_PORT;
  if (!container.ports.some(({ containerPort }) => String(containerPort) === port)) {
    problems.push(`listens on ${port}, which is not a port of the container`);
  }
  const annotations = deployment.spec.template.metadata.annotations ?? {};
  const scrape = { 'prometheus.io/scrape': 'true', 'prometheus.io/port': port, 'prometheus.io/path': '/metrics' };
  for (const [name, value] of Object.entries(scrape)) {
    if (annotations[name] !== value) problems.push(`its annotation ${name} is not ${value}`);
  }
  return [...problems, ...facts.configProblems(role, env)];
}

/**
 * The environment a container gets, as the kubelet puts it together: `env` wins over `envFrom`.
 *
 * @param {Container} container
 * @param {KubernetesObject[]} objects
 * @param {(secret: string, key: string, optional: boolean) => string | undefined} secretValue
 * @returns {{ env: Record<string, string>, missing: string[] }}
 */
export function environmentOf({ envFrom = [], env: own = [] }, objects, secretValue) {
  /** @type {Record<string, string>} */
  const env = {};
  const missing = [];
  for (const { configMapRef } of envFrom) {
    const map = objects.find((object) => object.kind === 'ConfigMap' && object.metadata.name === configMapRef.name);
    if (map?.kind === 'ConfigMap') Object.assign(env, map.data);
    else missing.push(`takes its settings from ${configMapRef.name}, which is not there`);
  }
  for (const { name, value, valueFrom } of own) {
    const reference = valueFrom?.secretKeyRef;
    const found = reference ? secretValue(reference.name, reference.key, reference.optional ?? false) : value;
    if (found !== undefined) env[name] = found;
  }
  return { env, missing };
}

/** @param {KubernetesObject[]} objects */
function checkServices(objects) {
  const deployments = objects.filter((object) => object.kind === 'Deployment');
  const services = objects.filter((object) => object.kind === 'Service');
  const problems = [];
  for (const service of services) {
    const targets = deployments.filter(({ spec }) => matches(spec.template.metadata.labels, service.spec.selector));
    if (targets.length !== 1) problems.push(`${labelOf(service)}: selects ${targets.length} Deployments, not one`);
    for (const { targetPort } of service.spec.ports) {
      const isThere = targets
        .flatMap((target) => containerOf(target).ports)
        .some(({ name, containerPort }) => [name, containerPort].includes(targetPort));
      if (!isThere) problems.push(`${labelOf(service)}: leads to the port ${targetPort}, which nobody has`);
    }
  }
  for (const deployment of deployments) {
    const { labels } = deployment.spec.template.metadata;
    if (!services.some(({ spec }) => matches(labels, spec.selector))) {
      problems.push(`${labelOf(deployment)}: no Service leads to it`);
    }
  }
  return problems;
}

/**
 * Secrets come from Secret objects, and each of those is for one Deployment.
 *
 * @param {KubernetesObject[]} objects
 */
function checkSecrecy(objects) {
  const problems = [];
  /** @type {Map<string, string>} */
  const holders = new Map();
  for (const object of objects) {
    const data = object.kind === 'ConfigMap' ? object.data : {};
    const env = object.kind === 'Deployment' ? (containerOf(object).env ?? []) : [];
    const literals = [...Object.entries(data), ...env.map(({ name, value }) => /** @type {const} */ ([name, value]))];
    for (const [name, value] of literals) {
      if (value === undefined) continue;
      if (SECRET_VARIABLES.includes(name)) problems.push(`${labelOf(object)}: ${name} is written down`);
      if (/:\/\/[^/]*@/.test(value)) problems.push(`${labelOf(object)}: ${name} holds a password`);
    }
    for (const { valueFrom } of env) {
      const secret = valueFrom?.secretKeyRef.name;
      if (secret === undefined) continue;
      const other = holders.get(secret) ?? labelOf(object);
      holders.set(secret, other);
      if (other !== labelOf(object)) problems.push(`the Secret ${secret} goes to ${other} and ${labelOf(object)}`);
    }
  }
  return problems;
}

/**
 * Every address in a setting leads to a Service of ours, at a port that it has.
 *
 * @param {KubernetesObject[]} objects
 */
function checkAddresses(objects) {
  const known = objects.flatMap((object) =>
    object.kind === 'Service' ? object.spec.ports.map(({ port }) => `${object.metadata.name}:${port}`) : [],
  );
  return objects.flatMap((object) =>
    object.kind !== 'ConfigMap'
      ? []
      : Object.entries(object.data)
          .filter(([name, value]) => /^(NATS|REDIS)_URL$/.test(name) && !known.includes(new URL(value).host))
          .map(([name]) => `${labelOf(object)}: ${name} leads to no Service`),
  );
}
