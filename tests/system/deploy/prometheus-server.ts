import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { until } from '../support/until';
import type { Report } from './report';
import type { StartedContainer } from './started-container';

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const SCRAPE_INTERVAL = '500ms';
/** Longer than the test, so that nothing it did has left the window when it is asked for. */
const RATE_INTERVAL = '2m';

export interface PrometheusServer {
  /** The values that a panel's query gives now, one for each line of the panel. Rejects a query that is refused. */
  query(expr: string): Promise<number[]>;
  stop(): Promise<void>;
}

/**
 * Debian's Prometheus with the arguments of the compose file and deploy/prometheus.yml. Changed are: where its files
 * are, where it listens, how often it looks, and the addresses that its name lookups would find.
 */
export async function startPrometheus(
  { prometheus, programs }: Report,
  containers: readonly StartedContainer[],
): Promise<PrometheusServer> {
  const dir = await mkdtemp(join(tmpdir(), 'parley-prometheus-'));
  const configFile = join(dir, 'prometheus.yml');
  // JSON is YAML.
  await writeFile(configFile, JSON.stringify(configHere(prometheus.config, containers)));
  const args = [
    ...prometheus.args.map((arg) => argumentHere(arg, dir, configFile)),
    '--web.listen-address=127.0.0.1:0',
    '--log.format=json',
  ];
  const { command, env } = programs.prometheus;
  const child = spawn(command, args, { env, cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const server = { stop: () => stop(child, dir) };
  try {
    const address = await until('Prometheus listens', () => listenAddress(said), START_TIMEOUT_MS);
    await until('Prometheus is ready', () => isReady(`http://${address}/-/ready`), START_TIMEOUT_MS);
    return { ...server, query: (expr) => query(`http://${address}`, expr) };
  } catch (error) {
    await server.stop();
    throw new Error(`${String(error)}\n${said}`, { cause: error });
  }
}

function argumentHere(arg: string, dir: string, configFile: string): string {
  if (arg.startsWith('--config.file=')) return `--config.file=${configFile}`;
  if (arg.startsWith('--storage.tsdb.path=')) return `--storage.tsdb.path=${join(dir, 'data')}`;
  return arg;
}

const config = z.object({
  global: z.looseObject({}),
  scrape_configs: z.array(
    z.looseObject({ dns_sd_configs: z.array(z.object({ names: z.array(z.string()), port: z.number() })) }),
  ),
});
const answer = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('success'),
    data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
  }),
  z.object({ status: z.literal('error'), error: z.string() }),
]);

function configHere(deployed: unknown, containers: readonly StartedContainer[]): object {
  const { global, scrape_configs: jobs } = config.parse(deployed);
  const targetOf = (name: string, port: number): string => {
    const found = containers.find(({ start }) => start.name === name);
    const { PARLEY_PORT, PARLEY_METRICS_PORT } = found?.start.env ?? {};
    const isThere = String(port) === (PARLEY_METRICS_PORT ?? PARLEY_PORT);
    if (found === undefined || !isThere) throw new Error(`Prometheus asks ${name}:${port}, where nobody listens`);
    return new URL(found.url).host;
  };
  return {
    global: { ...global, scrape_interval: SCRAPE_INTERVAL, scrape_timeout: SCRAPE_INTERVAL },
    scrape_configs: jobs.map(({ dns_sd_configs: lookups, ...job }) => ({
      ...job,
      static_configs: lookups.map(({ names, port }) => ({ targets: names.map((name) => targetOf(name, port)) })),
    })),
  };
}

function listenAddress(said: string): string | undefined {
  return /"address":"(127\.0\.0\.1:[1-9]\d*)"/.exec(said)?.[1];
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

async function query(url: string, expr: string): Promise<number[]> {
  const body = new URLSearchParams({ query: expr.replaceAll('$__rate_interval', RATE_INTERVAL) });
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body });
  const answered = answer.parse(await response.json());
  if (answered.status === 'error') throw new Error(`${expr}: ${answered.error}`);
  return answered.data.result.map(({ value }) => Number(value[1]));
}

async function stop(child: ReturnType<typeof spawn>, dir: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(timer);
  }
  await rm(dir, { recursive: true, force: true });
}
