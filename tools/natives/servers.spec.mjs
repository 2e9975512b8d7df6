import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ensureNatives, startNats, startRedis } from './index.mjs';
import { exchange } from './loopback.mjs';
import { assertGone, failureOf, isRunning, parentOf, temporaryDir, writeScript } from './testing.mjs';

const ANSWER_TIMEOUT_MS = 2_000;
/** The grace before SIGKILL, and a busy machine. */
const GONE_TIMEOUT_MS = 6_000;
const PARENT = fileURLToPath(new URL('./parent.fixture.mjs', import.meta.url));

/** @typedef {import('./servers.mjs').RunningServer} RunningServer */
/** @type {import('./natives.mjs').Natives} */
let natives;

/** A temporary folder of this file's own: servers of others in the shared one must not fail these tests. */
let ownTmpDir = '';

before(async () => {
  natives = await ensureNatives();
  ownTmpDir = await mkdtemp(path.join(tmpdir(), 'parley-spec-'));
  process.env.TMPDIR = ownTmpDir;
});

after(async () => {
  delete process.env.TMPDIR;
  await rm(ownTmpDir, { recursive: true, force: true });
});

/** @type {{ name: string, start: (options?: object) => Promise<RunningServer>, request: string, answer: RegExp }[]} */
const KINDS = [
  {
    name: 'nats',
    start: (options) => startNats({ ...natives.natsServer, ...options }),
    request: 'CONNECT {"verbose":false}\r\nPING\r\n',
    answer: /^INFO \{.*"jetstream":true.*\r\nPONG\r\n$/,
  },
  {
    name: 'redis',
    start: (options) => startRedis({ ...natives.redisServer, ...options }),
    request: 'PING\r\nCONFIG GET save\r\n',
    answer: /^\+PONG\r\n\*2\r\n\$4\r\nsave\r\n\$0\r\n\r\n$/,
  },
];

for (const { name, start, request, answer } of KINDS) {
  test(`${name}: starts, answers, and leaves nothing when stopped`, async (t) => {
    const server = await start();
    t.after(server.stop);
    assert.equal(server.url, `${name}://127.0.0.1:${server.port}`);
    const text = await exchange(server.port, request, (received) => answer.test(received), ANSWER_TIMEOUT_MS);
    assert.match(text, answer);
    assert.ok(existsSync(server.dir));
    const supervisor = parentOf(server.pid);

    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    await assertGone(server);
    assert.ok(!isRunning(supervisor));
    assert.match(await server.exited, /^(exited with code|was ended by)/);
  });

  test(`${name}: two at once get ports of their own; a given port and folder are used, and the folder is left`, async (t) => {
    const dir = await temporaryDir(t);
    const [first, second] = await Promise.all([start({ dir }), start()]);
    t.after(() => Promise.all([first.stop(), second.stop()]));
    assert.notEqual(first.port, second.port);
    await first.stop();
    assert.ok(existsSync(dir));
    assert.ok(!isRunning(first.pid));

    const again = await start({ dir, port: first.port });
    t.after(again.stop);
    assert.equal(again.port, first.port);
    assert.equal(again.dir, dir);
    await Promise.all([again.stop(), second.stop()]);
  });

  test(`${name}: a taken port gives one clear line`, async (t) => {
    const holder = createServer();
    t.after(() => holder.close());
    await once(holder.listen(0, '127.0.0.1'), 'listening');
    const { port } = /** @type {import('node:net').AddressInfo} */ (holder.address());
    const foldersBefore = runDirs();
    assert.match(await failureOf(start({ port })), /-server exited with code 1 .*address already in use/i);
    assert.deepEqual(runDirs(), foldersBefore);
  });

  test(`${name}: another server that answers on the port is not taken for the own one`, async (t) => {
    const other = await start();
    t.after(other.stop);
    const silent = await writeScript(path.join(await temporaryDir(t), 'silent'), 'sleep 1000');
    const message = await failureOf(start({ command: silent, port: other.port, readyTimeoutMs: 500 }));
    assert.match(message, /-server did not answer within 500 ms$/);
    await other.stop();
  });

  test(`${name}: broken commands give one clear line and leave nothing`, async (t) => {
    const dir = await temporaryDir(t);
    const foldersBefore = runDirs();
    const missing = path.join(dir, 'missing');
    assert.match(await failureOf(start({ command: missing })), /-server could not start: .*missing.* ENOENT/);

    const complaining = await writeScript(path.join(dir, 'complain'), 'echo one; echo two >&2; exit 3');
    const complaint = await failureOf(start({ command: complaining }));
    assert.match(complaint, /-server exited with code 3 before it answered: one \| two/);

    process.env.TMPDIR = missing;
    const homeless = await failureOf(start()).finally(() => (process.env.TMPDIR = ownTmpDir));
    assert.match(homeless, /-server could not start: ENOENT.*mkdir/);

    // The sleeping child of the script must go as well.
    const silent = await writeScript(path.join(dir, 'silent'), 'sleep 1000 & echo $!; wait');
    const silence = await failureOf(start({ command: silent, readyTimeoutMs: 500 }));
    assert.match(silence, /-server did not answer within 500 ms: \d+$/);
    assert.ok(!isRunning(Number(silence.split(': ')[1])));
    assert.deepEqual(runDirs(), foldersBefore);
  });
}

test('config text reaches the servers', async (t) => {
  const nats = await startNats({ ...natives.natsServer, config: 'server_name: "from-config"' });
  t.after(nats.stop);
  const info = await exchange(nats.port, '', (text) => text.includes('\r\n'), ANSWER_TIMEOUT_MS);
  assert.match(info, /"server_name":"from-config"/);
  const redis = await startRedis({ ...natives.redisServer, config: 'maxmemory 12mb' });
  t.after(redis.stop);
  const answer = await exchange(
    redis.port,
    'CONFIG GET maxmemory\r\n',
    (text) => text.endsWith('12582912\r\n'),
    ANSWER_TIMEOUT_MS,
  );
  assert.match(answer, /12582912/);
  await Promise.all([nats.stop(), redis.stop()]);
});

test('a server that ignores SIGTERM is killed after 2 s', async (t) => {
  const server = await startRedis(natives.redisServer);
  t.after(server.stop);
  process.kill(server.pid, 'SIGSTOP');
  const startedMs = performance.now();
  await server.stop();
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs > 1_900 && tookMs < GONE_TIMEOUT_MS, `took ${tookMs} ms`);
  assert.equal(await server.exited, 'was ended by SIGKILL');
  await assertGone(server);
});

test('a server that dies tells, and stopping it is still fine', async () => {
  const server = await startNats(natives.natsServer);
  process.kill(server.pid, 'SIGKILL');
  assert.equal(await server.exited, 'was ended by SIGKILL');
  await server.stop();
  await assertGone(server);
});

test('a server whose supervisor is killed ends too', async () => {
  const server = await startRedis(natives.redisServer);
  process.kill(parentOf(server.pid), 'SIGKILL');
  assert.equal(await server.exited, 'lost its supervisor');
  await assertGone(server, GONE_TIMEOUT_MS);
  await server.stop();
});

test('killing the starter with SIGKILL leaves no server', async (t) => {
  const parent = spawn(process.execPath, [PARENT], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => parent.kill('SIGKILL'));
  const [line] = await once(parent.stdout, 'data', { signal: AbortSignal.timeout(20_000) });
  /** @type {{ pid: number, dir: string }[]} */
  const servers = JSON.parse(String(line));
  assert.equal(servers.length, 2);
  for (const { pid } of servers) assert.ok(isRunning(pid));

  const supervisors = servers.map(({ pid }) => parentOf(pid));
  parent.kill('SIGKILL');
  await once(parent, 'exit', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  for (const server of servers) await assertGone(server, GONE_TIMEOUT_MS);
  for (const pid of supervisors) await assertGone({ pid, dir: '/missing/data' }, GONE_TIMEOUT_MS);
});

/** @returns {string[]} the folders of servers now running */
function runDirs() {
  return readdirSync(ownTmpDir).filter((name) => /^parley-(nats|redis)-/.test(name));
}
