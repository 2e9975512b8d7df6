// npm run bench [-- --reps 5] [-- --only first-audio,…]: runs of the side-by-side harness, interleaved, and the table
// in BENCHMARKS.md with ratios against the floors measured in the same sweep.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareScratch, startInfra } from './scratch.mjs';
import { writeTable } from './table.mjs';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
const RUN_TIMEOUT_MS = 120_000;
/** Above this the client and the fakes measure themselves; such a run is repeated, then left out. */
const MAX_HOST_BUSY_PCT = 85;
const MAX_TRIES = 3;

const FIRST_AUDIO_1 = ['conv', 1, 'TTS_MS=60', 'PINT=0', 'TMIN=20', 'TMAX=60', 'SECS=6'];
const conv = (n, ...more) => ['conv', n, 'SECS=8', ...more];

/** What is measured: the peers side by side in each repetition, and the figure of a run. */
export const SWEEPS = {
  'first-audio': [
    { name: 'first audio p50, 1 session', args: FIRST_AUDIO_1, peers: ['bus', 'parley'], pick: (r) => r.ttfa?.p50 },
    { name: 'first audio p50, 50 sessions', args: conv(50), peers: ['bus', 'parley'], pick: (r) => r.ttfa?.p50 },
    {
      name: 'first audio p50, 1 session, embedded',
      args: FIRST_AUDIO_1,
      peers: ['bare', 'standalone'],
      pick: (r) => r.ttfa?.p50,
    },
    {
      name: 'first audio p50, 50 sessions, embedded',
      args: conv(50),
      peers: ['bare', 'standalone'],
      pick: (r) => r.ttfa?.p50,
    },
    { name: 'first audio p99, 200 sessions', args: conv(200), peers: ['bus', 'parley'], pick: (r) => r.ttfa?.p99 },
  ],
  interrupt: [
    {
      name: 'interrupt to last stale audio p99, 50 sessions, two of every worker',
      args: conv(50),
      peers: ['bus', 'parley2'],
      pick: (r) => r.intLastMs?.p99,
    },
    {
      name: 'the same with a voice at 10 × real time',
      args: conv(50, 'TTS_PACE=10', 'TTS_MS=4000'),
      peers: ['bus', 'parley2'],
      pick: (r) => r.intLastMs?.p99,
    },
  ],
  speak: [
    {
      name: 'CPU µs per audio frame, 300 sessions speaking',
      args: ['speak', 300, 'TTS_MS=30000', 'WARM=3', 'SECS=8'],
      peers: ['bus', 'parley'],
      env: { PARLEY_AVATAR: 'none' },
      pick: (r) => r.usPerFrame,
    },
    { name: 'memory MB of all processes, 300 sessions speaking', same: true, pick: memoryMb },
  ],
  // Where the floor keeps a small machine over the limit: the same figures with fewer sessions.
  smaller: [
    { name: 'first audio p99, 80 sessions', args: conv(80), peers: ['bus', 'parley'], pick: (r) => r.ttfa?.p99 },
    {
      name: 'interrupt to last stale audio p99, 10 sessions, voice at 10 × real time, two of every worker',
      args: conv(10, 'TTS_PACE=10', 'TTS_MS=4000'),
      peers: ['bus', 'parley2'],
      pick: (r) => r.intLastMs?.p99,
    },
  ],
  'smaller-speak': [
    {
      name: 'CPU µs per audio frame, 80 sessions speaking',
      args: ['speak', 80, 'TTS_MS=30000', 'WARM=3', 'SECS=8'],
      peers: ['bus', 'parley'],
      env: { PARLEY_AVATAR: 'none' },
      pick: (r) => r.usPerFrame,
    },
    { name: 'memory MB of all processes, 80 sessions speaking', same: true, pick: memoryMb },
  ],
};

function memoryMb(run) {
  return Object.entries(run.rss)
    .filter(([name]) => name !== 'fakes')
    .reduce((sum, [, { load }]) => sum + load, 0);
}

const { values } = parseArgs({ options: { reps: { type: 'string', default: '5' }, only: { type: 'string' } } });
const wanted = values.only?.split(',') ?? [...Object.keys(SWEEPS), 'limit'];

execFileSync(process.execPath, ['tools/build.mjs'], { cwd: REPOSITORY, stdio: 'inherit' });
const scratch = prepareScratch();
const stopInfra = await startInfra(scratch);
const results = {
  at: new Date().toISOString(),
  commit: commit(),
  cores: cpus().length,
  node: process.version,
  rows: [],
  limits: [],
};
try {
  for (const name of wanted) {
    if (name === 'limit') results.limits = await findLimits();
    else results.rows.push(...(await sweep(SWEEPS[name])));
  }
} finally {
  await stopInfra();
}
mkdirSync(join(REPOSITORY, 'results'), { recursive: true });
const file = join(REPOSITORY, `results/bench${values.only ? `-${values.only.replaceAll(',', '-')}` : ''}.json`);
writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
writeTable(REPOSITORY);
execFileSync(process.execPath, ['node_modules/prettier/bin/prettier.cjs', '--write', 'BENCHMARKS.md'], {
  cwd: REPOSITORY,
  stdio: 'inherit',
});
console.log(`written: ${file}`);

async function sweep(rows) {
  const measured = rows.map((row) => ({ name: row.name, runs: {} }));
  const tooBusy = new Set();
  for (let rep = 0; rep < Number(values.reps); rep++) {
    for (const [index, row] of rows.entries()) {
      if (row.same || tooBusy.has(row)) continue;
      for (const peer of row.peers) {
        const run = await quietRun(peer, row);
        // Not in three tries: then this machine is too small for the row, and the others need its time.
        if (!run) tooBusy.add(row);
        for (let at = index; at < rows.length && (at === index || rows[at].same); at++) {
          if (run) (measured[at].runs[peer] ??= []).push(figureOf(run, rows[at]));
        }
      }
    }
  }
  return measured;
}

function figureOf(run, row) {
  const { turns, lost, ints, staleAfterAck, cross, foreign, hostBusyPct } = run;
  return { value: row.pick(run), turns, lost, ints, staleAfterAck, cross, foreign, hostBusyPct };
}

/** A run of the harness while the machine had room; undefined when it never had. */
async function quietRun(peer, row) {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const run = await harness(peer, row.args, row.env ?? {});
    if (run && run.hostBusyPct <= MAX_HOST_BUSY_PCT) return run;
    console.error(`${peer} ${row.name}: ${run ? `host ${run.hostBusyPct} % busy` : 'no result'}, again`);
  }
  return undefined;
}

function harness(peer, args, env) {
  return new Promise((done) => {
    const child = spawn(process.execPath, ['run.mjs', peer, ...args.map(String)], {
      cwd: join(scratch, 'harness'),
      env: { ...process.env, FAKES: 'http', FULL: '1', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: RUN_TIMEOUT_MS,
    });
    let text = '';
    child.stdout.on('data', (data) => (text += data));
    child.on('exit', () => {
      const start = text.indexOf('{');
      const run = start < 0 ? undefined : JSON.parse(text.slice(start));
      if (run)
        console.error(
          `${peer} ${args.join(' ')}: first audio ${JSON.stringify(run.ttfa)} host ${run.hostBusyPct} % lost ${run.lost}/${run.turns} stale ${run.intLastMs?.p99} µs/frame ${run.usPerFrame}`,
        );
      done(run);
    });
  });
}

/** The largest number of sessions that speak in real time with p99 lateness ≤ 50 ms, both peers on one grid. */
async function findLimits() {
  const limits = [];
  for (const peer of ['bus', 'parley']) {
    let good = 0;
    for (const n of [50, 100, 150, 200, 300, 400, 500, 600, 700, 800, 900, 1000]) {
      const passes = (await limitRun(peer, n)) || (await limitRun(peer, n));
      if (!passes) break;
      good = n;
    }
    limits.push({ peer, sessions: good });
  }
  return limits;
}

async function limitRun(peer, n) {
  const run = await harness(peer, ['speak', n, 'TTS_MS=60000', 'WARM=4', 'SECS=6'], { PARLEY_AVATAR: 'none' });
  const passes = run?.late && run.late.p99 <= 50 && run.fps >= 0.98 * n * 50;
  console.error(`${peer} ${n} sessions: late p99 ${run?.late?.p99} fps ${run?.fps} ${passes ? 'passes' : 'fails'}`);
  return Boolean(passes);
}

function commit() {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: REPOSITORY, encoding: 'utf8' }).trim();
}
