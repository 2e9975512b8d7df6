// node tools/check-deploy.mjs [--out <folder>]: what is wrong with deploy/ and k8s/, as far as that can be seen without
// a container engine and a cluster. With --out it leaves there what the image would hold (`app`) and how each container
// is started (`report.json`), for tests/system/integration/deploy.integration.ts. On Debian 12 only: it uses that
// system's docker-compose 1.29, kubectl 1.20 and Prometheus, which it unpacks into the cache.
// Exit codes: 0 nothing is wrong, 1 something is, 3 a program that it needs is not to be had.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { checkComposeFile, prometheusConfig } from './deploy/compose.mjs';
import { checkGrafana } from './deploy/dashboard.mjs';
import { ensureDebianPrograms, runProgram } from './deploy/debian-programs.mjs';
import { loadFacts } from './deploy/facts.mjs';
import { assembleImage } from './deploy/image.mjs';
import { checkKubernetesBase } from './deploy/kubernetes.mjs';
import { startsOf } from './deploy/starts.mjs';
import { lastLines } from './natives/command.mjs';
import { ROOT } from './support/root.mjs';

const PROMTOOL_TIMEOUT_MS = 20_000;

/** @typedef {import('./deploy/debian-programs.mjs').Programs} Programs */

const { values } = parseArgs({ options: { out: { type: 'string' } } });
process.exitCode = await main(values.out);

/**
 * @param {string | undefined} out
 * @returns {Promise<number>} the exit code
 */
async function main(out) {
  /** @type {Programs} */
  let programs;
  try {
    programs = await ensureDebianPrograms({ log: console.log });
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    return 3;
  }
  const dir = out ?? (await mkdtemp(path.join(tmpdir(), 'parley-deploy-')));
  try {
    await mkdir(dir, { recursive: true });
    const problems = await check(programs, dir);
    for (const problem of problems) console.error(`error: ${problem}`);
    if (problems.length === 0) console.log('deploy/ and k8s/ are in order');
    return problems.length === 0 ? 0 : 1;
  } finally {
    if (out === undefined) await rm(dir, { recursive: true, force: true });
  }
}

/**
 * @param {Programs} programs
 * @param {string} dir
 * @returns {Promise<string[]>}
 */
async function check(programs, dir) {
  const facts = await loadFacts();
  const [compose, kubernetes, image, prometheus] = await Promise.all([
    checkComposeFile(programs, facts),
    checkKubernetesBase(programs, facts),
    assembleImage(programs, dir),
    checkPrometheus(programs),
  ]);
  const grafana = await checkGrafana(facts, compose.compose);
  const starts = startsOf(compose.compose, kubernetes.objects, image, facts);
  const report = {
    starts,
    queries: grafana.queries,
    prometheus: { args: compose.compose.services.prometheus?.command ?? [], config: await prometheusConfig() },
    programs,
  };
  await writeFile(path.join(dir, 'report.json'), JSON.stringify(report, null, 2));
  return [...compose.problems, ...kubernetes.problems, ...image.problems, ...prometheus, ...grafana.problems];
}

/**
 * @param {Programs} programs
 * @returns {Promise<string[]>}
 */
async function checkPrometheus({ promtool }) {
  const args = ['check', 'config', path.join(ROOT, 'deploy/prometheus.yml')];
  const result = await runProgram(promtool, args, { timeoutMs: PROMTOOL_TIMEOUT_MS });
  return result.code === 0 ? [] : [`promtool refuses prometheus.yml: ${result.failure ?? lastLines(result.stderr, 3)}`];
}
