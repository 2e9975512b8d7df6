// What `npm run cluster` promises. `npm run build` has run before.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { get as getOverTls } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { allGone, environmentOf, eventually, isRunning, processesOf, processTree, run } from './testing/processes.mjs';

const START_MS = 60_000;
const RESTART_MS = 2_000;
/** On top of that, what a process takes to come up on a busy machine. */
const COME_UP_MS = 10_000;
const PROCESS = /^process (\w+) (\d+) pid=(\d+) metrics=(http:\/\/127\.0\.0\.1:\d+\/metrics)$/;
const SECRETS = { PARLEY_API_KEYS: 'client-key,other-key', OPENAI_API_KEY: 'model-key', PARLEY_TTS: 'espeak' };

const runCluster = (/** @type {Record<string, string>} */ env, ...args) =>
  run('npm', ['run', 'cluster', '--', ...args], { PARLEY_PORT: '0', ...env });

/** @param {import('./testing/processes.mjs').Program} program */
function processLines(program) {
  return program.lines.flatMap((line) => {
    const match = PROCESS.exec(line);
    return match === null
      ? []
      : [{ replica: `${match[1]} ${match[2]}`, pid: Number(match[3]), metrics: String(match[4]) }];
  });
}

/**
 * @param {import('./testing/processes.mjs').Program} program
 * @param {string} replica
 */
const latest = (program, replica) =>
  processLines(program)
    .filter((line) => line.replica === replica)
    .at(-1);

/** Over a connection of its own: `fetch` would use one that the dead gateway had. @param {string} url */
async function statusOf(url) {
  const [response] = await once(get(url, { agent: false }), 'response');
  response.resume();
  return response.statusCode;
}

describe('npm run cluster with two of each', () => {
  /** @type {import('./testing/processes.mjs').Program} */
  let program;
  let url = '';
  before(async () => {
    program = runCluster(SECRETS, '--gateway', '2', '--orchestrator', '2', '--tts', '2', '--avatar', '1');
    url = String((await program.printed(/^ready (http:\/\/127\.0\.0\.1:\d+)$/, START_MS))[1]);
  });
  after(async () => {
    const tree = await processTree(program.pid);
    program.signal('SIGTERM');
    await allGone(tree, 10_000);
  });

  /** @param {string} replica */
  const pidOf = (replica) => Number(latest(program, replica)?.pid);

  it('prints a line for each process before it says ready, and each serves its metrics', async () => {
    const lines = processLines(program);
    assert.deepEqual(lines.map(({ replica }) => replica).sort(), [
      ...['avatar 1', 'gateway 1', 'gateway 2', 'orchestrator 1', 'orchestrator 2', 'tts 1', 'tts 2'],
    ]);
    assert.equal(new Set(lines.map(({ pid }) => pid)).size, 7);
    assert.match(String(program.lines.at(-1)), /^ready /);
    for (const { metrics } of lines) assert.match(await (await fetch(metrics)).text(), /process_cpu_seconds_total/);
    assert.equal((await fetch(`${url}/healthz/ready`)).status, 200);
  });

  it('prints the own address of each gateway', async () => {
    for (const number of [1, 2]) {
      const [, address] = await program.printed(new RegExp(`^gateway ${number} ws://(\\S+)/v1/realtime$`), 1_000);
      assert.equal((await fetch(`http://${address}/healthz/ready`)).status, 200);
    }
  });

  it('gives each process its own secrets and no others', async () => {
    const secretsOf = async (/** @type {string} */ replica) => {
      const environment = await environmentOf(pidOf(replica));
      return Object.keys(environment)
        .filter((name) => /KEY|_URL$/.test(name))
        .sort();
    };
    assert.deepEqual(await secretsOf('gateway 1'), ['NATS_URL', 'PARLEY_API_KEYS']);
    assert.deepEqual(await secretsOf('orchestrator 1'), ['NATS_URL', 'OPENAI_API_KEY', 'REDIS_URL']);
    assert.deepEqual(await secretsOf('tts 1'), ['NATS_URL', 'OPENAI_API_KEY']);
    assert.deepEqual(await secretsOf('avatar 1'), ['NATS_URL']);
  });

  /**
   * Kills a replica, and waits until it is back.
   *
   * @param {string} replica
   * @param {string} script
   */
  async function killAndAwait(replica, script) {
    const before = await processesOf(program.pid, script);
    const killed = pidOf(replica);
    process.kill(killed, 'SIGKILL');
    await eventually(
      `another process for ${replica}`,
      async () => (await processesOf(program.pid, script)).find((pid) => !before.includes(pid)),
      RESTART_MS,
    );
    const again = await eventually(
      `the line of ${replica}`,
      () => (pidOf(replica) === killed ? undefined : latest(program, replica)),
      COME_UP_MS,
      program.errors,
    );
    assert.equal((await fetch(again.metrics)).status, 200);
    return again;
  }

  it('starts a killed process again within 2 s and ends no other', async () => {
    const others = processLines(program).filter(({ replica }) => replica !== 'tts 1');
    await killAndAwait('tts 1', 'tts-worker/main.cjs');
    for (const { pid } of others) assert.ok(await isRunning(pid));
  });

  it('takes a killed gateway back under its address', async () => {
    const before = latest(program, 'gateway 1');
    const again = await killAndAwait('gateway 1', '/gateway/main.cjs');
    assert.equal(again.metrics, before?.metrics);
  });

  it('serves clients while a gateway is dead', async () => {
    const killed = pidOf('gateway 2');
    process.kill(killed, 'SIGKILL');
    // Until then its listening socket takes connections, which nobody will answer.
    await eventually('the end of gateway 2', async () => ((await isRunning(killed)) ? undefined : true), RESTART_MS);
    for (let request = 0; request < 10; request++) {
      assert.equal(await statusOf(`${url}/healthz/live`), 200);
    }
  });
});

describe('a cluster with one gateway', () => {
  it('is ready with logs in JSON too, and says where TLS is before', async () => {
    const home = await mkdtemp(path.join(tmpdir(), 'parley-home-'));
    const program = runCluster({ HOME: home, PARLEY_LOG_FORMAT: 'json', PARLEY_TLS_PORT: '0' });
    await program.printed(/^ready http:/, START_MS);
    const [, port, certificate] = await program.printed(/^tls https:\/\/127\.0\.0\.1:(\d+) certificate=(\S+)$/, 1_000);
    const request = getOverTls({
      ...{ host: '127.0.0.1', port: Number(port), path: '/healthz/ready', agent: false },
      ca: await readFile(String(certificate)),
    });
    const [response] = await once(request, 'response');
    response.resume();
    assert.equal(response.statusCode, 200);
    const tree = await processTree(program.pid);
    program.signal('SIGTERM');
    await allGone(tree, 10_000);
    await rm(home, { recursive: true });
  });
});

describe('the end of a cluster', () => {
  it('comes with SIGTERM to the process of npm itself and leaves nothing, servers included', async () => {
    const program = runCluster({});
    await program.printed(/^ready /, START_MS);
    const tree = await processTree(program.pid);
    // npm, the launcher, four processes, NATS and Redis.
    assert.ok(tree.length >= 8, `only ${tree.length} processes`);
    program.signal('SIGTERM');
    await allGone(tree, 10_000);
  });

  it('comes when the launcher is killed without a chance to say so', async () => {
    const program = run(process.execPath, ['tools/cluster.mjs'], { PARLEY_PORT: '0' });
    await program.printed(/^ready /, START_MS);
    const tree = await processTree(program.pid);
    program.signal('SIGKILL');
    await allGone(tree, 10_000);
  });
});

describe('a cluster that cannot start', () => {
  for (const [what, env, args, message] of /** @type {const} */ ([
    ['a bad number', {}, ['--tts', '0'], 'error: --tts must be a number from 1 to 64'],
    ['an unknown role', {}, ['--voices', '2'], "error: Unknown option '--voices'"],
    [
      'bad settings',
      { PARLEY_LOG_LEVEL: 'visible', PARLEY_HOST: '0.0.0.0' },
      [],
      'error: bad settings: PARLEY_LOG_LEVEL must be `debug` or `info` or `warn` or `error`; PARLEY_API_KEYS must be set, ' +
        'because PARLEY_HOST lets other machines connect (or leave PARLEY_HOST at 127.0.0.1)',
    ],
    ['a server that is not there', { NATS_URL: 'nats://127.0.0.1:1', REDIS_URL: 'redis://127.0.0.1:1' }, [], undefined],
  ])) {
    it(`says why and leaves nothing: ${what}`, async () => {
      const program = run(process.execPath, ['tools/cluster.mjs', ...args], { PARLEY_PORT: '0', ...env });
      assert.equal(await program.exited, 1);
      const lines = program
        .errors()
        .split('\n')
        .filter((line) => line.startsWith('error:'));
      assert.equal(lines.length, 1);
      if (message !== undefined) assert.equal(lines[0]?.slice(0, message.length), message);
      assert.doesNotMatch(program.errors(), /visible|^\s+at .*:\d+:\d+/m);
    });
  }
});
