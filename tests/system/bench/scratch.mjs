// A scratch copy of the side-by-side harness with Parley added. Only the adapter and the tables are ours to keep.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensureNatives, startNats, startRedis } from '../../../tools/natives/index.mjs';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
const SOURCE = resolve(REPOSITORY, '../shared/bench');
const NATS_PORT = 27422;
const REDIS_PORT = 27379;

/**
 * Copies the harness to `PARLEY_BENCH_DIR` (default `.cache/bench`), installs it, and adds our adapter and peers.
 *
 * @returns {string} the scratch folder
 */
export function prepareScratch() {
  const scratch = resolve(process.env.PARLEY_BENCH_DIR ?? join(REPOSITORY, '.cache/bench'));
  const harness = join(scratch, 'harness');
  if (!existsSync(harness)) cpSync(SOURCE, scratch, { recursive: true });
  if (!existsSync(join(harness, 'node_modules'))) {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: harness, stdio: 'inherit', timeout: 300_000 });
  }
  cpSync(join(import.meta.dirname, 'adapter.mjs'), join(harness, 'adapters/parley.mjs'));
  addPeers(harness);
  offerProtocols(harness);
  rmSync(join(scratch, 'results.jsonl'), { force: true });
  return scratch;
}

/** The harness's own peers, and ours beside them. */
function addPeers(harness) {
  const file = join(harness, 'lib/peers.mjs');
  const original = readFileSync(join(SOURCE, 'harness/lib/peers.mjs'), 'utf8').replace(
    'export const peers',
    'const theirs',
  );
  const peers = join(import.meta.dirname, 'peers.mjs');
  writeFileSync(
    file,
    `import { parleyPeers } from ${JSON.stringify(peers)};\n${original}\n` +
      // The settings of a run are the harness's arguments KEY=VAL.
      `const setting = (name, fallback) => { const arg = process.argv.find((a) => a.startsWith(name + '=')); return arg ? Number(arg.slice(name.length + 1)) : fallback; };\n` +
      `export const peers = (root) => ({ ...theirs(root), ...parleyPeers(setting) });\n`,
  );
}

/** An adapter may export `protocols` and `headers`. */
function offerProtocols(harness) {
  const file = join(harness, 'drive.mjs');
  const text = readFileSync(join(SOURCE, 'harness/drive.mjs'), 'utf8');
  const plain = 'new WebSocket(url + A.path, { perMessageDeflate: false, skipUTF8Validation: true })';
  if (!text.includes(plain)) throw new Error('the harness no longer connects as expected');
  writeFileSync(
    file,
    text.replace(
      plain,
      'new WebSocket(url + A.path, A.protocols ?? [], { perMessageDeflate: false, skipUTF8Validation: true, headers: A.headers ?? {} })',
    ),
  );
}

/** NATS and Redis where the harness expects them; their pids let it count their CPU. */
export async function startInfra(scratch) {
  const natives = await ensureNatives({ log: (line) => console.error(line) });
  const nats = await startNats({ ...natives.natsServer, port: NATS_PORT });
  const redis = await startRedis({ ...natives.redisServer, port: REDIS_PORT });
  writeFileSync(join(scratch, 'infra/nats.pid'), String(nats.pid));
  writeFileSync(join(scratch, 'infra/redis.pid'), String(redis.pid));
  return async () => {
    await nats.stop();
    await redis.stop();
  };
}
