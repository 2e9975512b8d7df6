import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hasApt } from './apt.mjs';
import { ensureNatives } from './index.mjs';
import { failureOf, temporaryDir, writeScript } from './testing.mjs';

const FIXTURE = fileURLToPath(new URL('./ensure.fixture.mjs', import.meta.url));
const CLI = fileURLToPath(new URL('./cli.mjs', import.meta.url));
const FETCH_TIMEOUT_MS = 50_000;
const CLI_TIMEOUT_MS = 20_000;
/** Two starts of a binary; generous for a busy machine, and far less than a download. */
const CACHED_MAX_MS = 1_000;
const run = promisify(execFile);

/**
 * @param {object} options
 * @returns {Promise<import('./natives.mjs').Natives>}
 */
async function ensureInProcess(options) {
  const args = [FIXTURE, JSON.stringify(options)];
  const { stdout } = await run(process.execPath, args, { timeout: FETCH_TIMEOUT_MS });
  return JSON.parse(stdout);
}

test('the second call is answered from the cache', async () => {
  const first = await ensureNatives();
  const startedMs = performance.now();
  /** @type {string[]} */
  const lines = [];
  assert.deepEqual(await ensureNatives({ log: (line) => lines.push(line) }), first);
  assert.ok(performance.now() - startedMs < CACHED_MAX_MS);
  assert.deepEqual(lines, []);
  assert.match(first.natsServer.version, /^\d+\.\d+\.\d+$/);
  assert.match(first.redisServer.version, /^\d+\.\d+\.\d+$/);
});

test('two processes fetch at once, and a damaged cache is replaced', async (t) => {
  if (!(await hasApt())) return t.skip('needs apt');
  const cacheDir = path.join(await temporaryDir(t), 'a "cache"');
  const options = { cacheDir, searchPath: '' };
  const results = await Promise.all([ensureInProcess(options), ensureInProcess(options)]).catch((error) => {
    if (/mirror cannot be reached/.test(error.stderr)) return null;
    throw error;
  });
  if (results === null) return t.skip('the package mirror cannot be reached');
  for (const { natsServer, redisServer } of results) {
    const redis = await run(redisServer.command, ['--version'], {
      env: { ...process.env, ...redisServer.env },
    });
    assert.match(redis.stdout, /Redis server v=/);
    const nats = await run(natsServer.command, ['--version']);
    assert.match(nats.stdout, /nats-server: v/);
  }
  const names = await readdir(cacheDir);
  assert.deepEqual(
    names.filter((name) => name.endsWith('.log')),
    [],
  );
  const manifest = /** @type {string} */ (names.find((name) => name.endsWith('.json')));
  const { bundle } = JSON.parse(await readFile(path.join(cacheDir, manifest), 'utf8'));
  assert.deepEqual(await readdir(path.join(cacheDir, bundle)), ['root'], 'the apt state is removed');

  const { redisServer } = await ensureNatives(options);
  await truncate(redisServer.command, 1_000);
  const repaired = await ensureNatives(options);
  assert.notEqual(repaired.redisServer.command, redisServer.command);
  assert.deepEqual(await ensureNatives(options), repaired);
});

test('programs on PATH come first, unless they do not start', async (t) => {
  const dir = await temporaryDir(t);
  await writeScript(path.join(dir, 'nats-server'), 'echo nats-server: v9.8.7');
  const redis = await writeScript(path.join(dir, 'redis-server'), 'echo Redis server v=1.2.3');
  const found = await ensureNatives({ searchPath: dir });
  assert.deepEqual(found.redisServer, { command: redis, env: {}, version: '1.2.3' });
  assert.equal(found.natsServer.version, '9.8.7');

  await writeScript(redis, 'echo cannot open shared object file >&2; exit 127');
  const mixed = await ensureNatives({ searchPath: dir });
  assert.deepEqual(mixed.natsServer, found.natsServer);
  assert.notEqual(mixed.redisServer.command, redis);
});

test('without apt, one line names what to install', async (t) => {
  const dir = await temporaryDir(t);
  const { PATH } = process.env;
  t.after(() => (process.env.PATH = PATH));
  process.env.PATH = dir;
  const message = await failureOf(ensureNatives({ cacheDir: path.join(dir, 'cache'), searchPath: dir }));
  assert.match(message, /not found: install nats-server .* and redis-server /);
});

test('a failing apt gives one line without names of mirrors, and leaves only its log', async (t) => {
  const dir = await temporaryDir(t);
  const complaint = "E: Failed to fetch http://mirror.example/x  Could not resolve 'mirror.example'";
  await writeScript(path.join(dir, 'apt-get'), `echo "${complaint}" >&2; exit 100`);
  await writeScript(path.join(dir, 'dpkg'), 'exit 1');
  const { PATH } = process.env;
  t.after(() => (process.env.PATH = PATH));
  process.env.PATH = dir;
  /** @type {string[]} */
  const lines = [];
  const cacheDir = path.join(dir, 'cache');
  const log = (/** @type {string} */ line) => lines.push(line);
  const message = await failureOf(ensureNatives({ log, cacheDir, searchPath: '', systemListsDir: dir }));
  assert.match(message, /apt-get update failed: the package mirror cannot be reached \(details in .*\); install/);
  assert.doesNotMatch([message, ...lines].join(' '), /mirror\.example/);
  const [left = '', ...more] = await readdir(cacheDir);
  assert.deepEqual(more, []);
  assert.match(left, /\.log$/);
  assert.match(await readFile(path.join(cacheDir, left), 'utf8'), /mirror\.example/);
});

test('the command line prints what it found, or one line', async (t) => {
  const { stdout } = await run(process.execPath, [CLI, 'natives'], { timeout: CLI_TIMEOUT_MS });
  assert.match(stdout, /^nats-server \S+ \/.*\nredis-server \S+ .*\n$/);
  const misuse = await run(process.execPath, [CLI, 'nothing']).catch((error) => error);
  assert.equal(misuse.code, 1);
  assert.match(misuse.stderr, /^usage: .*\n$/);
  const chosen = path.join(await temporaryDir(t), 'browser');
  await writeFile(chosen, 'not a program');
  const env = { ...process.env, PARLEY_CHROMIUM: chosen };
  const failed = await run(process.execPath, [CLI, 'browser'], { env }).catch((error) => error);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /^error: PARLEY_CHROMIUM: .* is not an executable file; install Chromium .*\n$/);
});
