/*
 * deploy/ and k8s/base, as far as that goes without a container engine and a cluster. tools/check-deploy.mjs has the
 * files read by docker-compose 1.29 and kubectl 1.20, and assembles what the image would hold, from the files that a
 * build would send, in a folder outside of the repository. Here each container's command is started in that folder, by
 * this Node, with exactly the environment that compose (and then Kubernetes) gives it. The rule for what is changed:
 *
 *   nats://nats:4222, nats://parley-nats:4222       a private NATS on loopback
 *   redis://redis:6379, redis://parley-redis:6379   a private Redis on loopback
 *   PARLEY_HOST=0.0.0.0                             127.0.0.1
 *   PARLEY_PORT, PARLEY_METRICS_PORT                0: a free one
 *
 * (deploy/README.md says the same.) Any other address fails the test.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNativeServers, type NativeServers } from '@parley/harness';
import { startPrometheus, type PrometheusServer } from '../deploy/prometheus-server';
import { checkDeploy, type Report, type Start } from '../deploy/report';
import { isOk, startContainer, type StartedContainer } from '../deploy/started-container';
import { errorOf, speakTurn } from '../support/spoken-turn';
import { TestClient } from '../support/test-client';
import { until } from '../support/until';

jest.setTimeout(60_000);

const dir = mkdtempSync(join(tmpdir(), 'parley-deploy-'));
const appDir = join(dir, 'app');
const check = checkDeploy(dir);
const mayBeSkipped = check.kind === 'not-to-be-had' && process.env['CI'] !== 'true';
const describeDeploy = mayBeSkipped ? describe.skip : describe;
const report: Report | undefined = check.kind === 'checked' ? check.report : undefined;

/** A panel that is empty when all is well; every other one must show something after a conversation. */
const EMPTY_WHEN_ALL_IS_WELL = ['Provider failures', 'Connections refused', 'Stale chunks dropped'];
const KEY = 'key-of-the-clients';

let servers: NativeServers;
let running: StartedContainer[] = [];

beforeAll(async () => {
  // Private even if the test run shares a pair: whole services run here, and would meet those of other files.
  delete process.env['NATS_TEST_URL'];
  if (!mayBeSkipped) servers = await startNativeServers();
});

afterAll(async () => {
  await Promise.all(running.map((container) => container.stop()));
  await servers?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function startAll(by: Start['by']): Promise<StartedContainer[]> {
  const starts = (report?.starts ?? []).filter((start) => start.by === by);
  const outcomes = await Promise.allSettled(starts.map((start) => startContainer(start, appDir, servers)));
  running = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return running;
}

/** SIGTERM for all of them at once, as compose and Kubernetes do. How each ended; with what it said, if that is not well. */
async function stopAll(): Promise<Record<string, string>> {
  const ends = running.map(async (container) => {
    const { code, signal, tookMs } = await container.stop();
    const isClean = code === 0 && tookMs < container.start.graceMs;
    const how = `${code ?? signal} after ${Math.round(tookMs)} ms\n${container.output()}`;
    return [container.start.role, isClean ? 'clean' : how];
  });
  running = [];
  return Object.fromEntries(await Promise.all(ends));
}

const ALL_CLEAN = { gateway: 'clean', orchestrator: 'clean', tts: 'clean', avatar: 'clean' };

const connect = (): Promise<TestClient> => {
  const url = running.find(({ start }) => start.role === 'gateway')?.url;
  if (url === undefined) throw new Error('no gateway runs');
  return TestClient.connect({ url, key: KEY });
};

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => `${file} ${statSync(file).mtimeMs}`)
    .sort();
}

describeDeploy('deploy/ and k8s/base', () => {
  it('are accepted by docker-compose 1.29, kustomize of kubectl 1.20 and promtool, and agree with the project', () => {
    expect(check).toMatchObject({ kind: 'checked', exitCode: 0, output: expect.stringContaining('are in order') });
  });

  it('start every role in both', () => {
    const roles = (by: Start['by']) => (report?.starts ?? []).flatMap((start) => (start.by === by ? [start.role] : []));
    expect(roles('compose').sort()).toEqual(['avatar', 'gateway', 'orchestrator', 'tts']);
    expect(roles('k8s').sort()).toEqual(['avatar', 'gateway', 'orchestrator', 'tts']);
  });
});

describeDeploy('the containers of docker-compose.yml', () => {
  let prometheus: PrometheusServer | undefined;
  let filesBefore: string[];

  beforeAll(async () => {
    if (report === undefined) throw new Error(`deploy/ is not in order: ${check.output}`);
    filesBefore = filesIn(appDir);
    prometheus = await startPrometheus(report, await startAll('compose'));
  });

  afterAll(async () => {
    await prometheus?.stop();
    await stopAll();
  });

  it('are healthy by their own health checks', async () => {
    const codes = await Promise.all(running.map((container) => container.runHealthCommand()));
    expect(codes).toEqual([0, 0, 0, 0]);
  });

  it('serve the web client', async () => {
    const gateway = running.find(({ start }) => start.role === 'gateway');
    const page = await fetch(`${gateway?.url}/`);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<script');
  });

  it('turn away a client without the key', async () => {
    const gateway = running.find(({ start }) => start.role === 'gateway');
    await expect(TestClient.connect({ url: gateway?.url ?? '', key: 'dev' })).rejects.toThrow('401');
  });

  it('hold a conversation: a spoken turn with a face, an interruption, an error, another turn', async () => {
    // Rates need a look at the counters before anything was counted.
    await until('Prometheus has looked at all four', async () => {
      const up = await prometheus?.query('sum(min_over_time(up[2m])) == 4 and count(up) == 4');
      return up?.length === 1;
    });
    const client = await connect();
    const greeting = await speakTurn(client, 'hello');
    expect(greeting).toMatchObject({ status: 'completed', errors: [] });
    // 24 kHz: half a second at least.
    expect(greeting.samples).toBeGreaterThan(12_000);
    await client.waitForType('parley.visemes');

    const from = client.arrivals.length;
    client.send({ type: 'parley.transcript.final', turn_id: 'story', text: 'Tell me a long story' });
    await client.waitUntil('audio of the story', () =>
      client.arrivals
        .slice(from)
        .some((arrival) => arrival.kind === 'audio' && arrival.responseId !== greeting.responseId),
    );
    client.send({ type: 'parley.interrupt' });
    await client.waitForType('parley.response.interrupted', 5_000, from);

    client.send({ type: 'parley.interrupt' });
    const refusal = await client.waitForType('error', 5_000, from);
    expect(errorOf(refusal)['code']).toBe('nothing_to_interrupt');

    expect(await speakTurn(client, 'thank you')).toMatchObject({ status: 'completed', errors: [] });
    await client.close();
  });

  it('fill every panel of the dashboard', async () => {
    const queries = report?.queries ?? [];
    expect(queries.length).toBeGreaterThan(20);
    const titles = [...new Set(queries.map(({ title }) => title))];
    const linesOf = async (title: string): Promise<number[]> => {
      const asked = queries.filter((query) => query.title === title);
      return (await Promise.all(asked.map(async ({ expr }) => (await prometheus?.query(expr)) ?? []))).flat();
    };
    const empty: string[] = [];
    for (const title of titles) {
      const isFilled = async () => (await linesOf(title)).some(Number.isFinite);
      if (EMPTY_WHEN_ALL_IS_WELL.includes(title)) await linesOf(title);
      else await until(title, isFilled, 5_000).catch(() => empty.push(title));
    }
    expect(empty).toEqual([]);
  });

  it('show in it what happened: two answers, one interruption, one error', async () => {
    const wanted = {
      'sum(parley_turns_total{status="completed"})': 2,
      'sum(parley_interrupt_confirmed_seconds_count)': 1,
      'sum(parley_errors_total{code="nothing_to_interrupt"})': 1,
    };
    const seen = async () => {
      const values = Object.keys(wanted).map(async (expr) => [expr, (await prometheus?.query(expr))?.[0]]);
      return Object.fromEntries(await Promise.all(values));
    };
    // The last turn ended less than a scrape ago.
    await until('everything is scraped', async () => Object.values(await seen()).join() === '2,1,1').catch(() => {});
    expect(await seen()).toEqual(wanted);
  });

  it('end with 0 within their grace when they are told to, and have written nothing into the image', async () => {
    expect(await stopAll()).toEqual(ALL_CLEAN);
    expect(filesIn(appDir)).toEqual(filesBefore);
  });
});

describeDeploy('the containers of k8s/base', () => {
  beforeAll(async () => {
    if (report === undefined) throw new Error(`k8s/base is not in order: ${check.output}`);
    await startAll('k8s');
  });

  afterAll(stopAll);

  it('answer their probes and the scrape', async () => {
    const urls = running.flatMap(({ url, start }) => [...start.probePaths, '/metrics'].map((path) => `${url}${path}`));
    expect(urls).toHaveLength(12);
    const answers = await Promise.all(urls.map(async (url) => ((await isOk(url)) ? [] : [url])));
    expect(answers.flat()).toEqual([]);
  });

  it('hold a spoken turn', async () => {
    const client = await connect();
    const turn = await speakTurn(client, 'hello');
    expect(turn).toMatchObject({ status: 'completed', errors: [] });
    expect(turn.samples).toBeGreaterThan(12_000);
    await client.waitForType('parley.visemes');
    await client.close();
  });

  it('end with 0 within their grace when they are told to', async () => {
    expect(await stopAll()).toEqual(ALL_CLEAN);
  });
});
