import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { seededRandom } from '@parley/harness';
import { readArguments, USAGE, type Arguments } from './arguments';
import { CASES, smallOf } from './cases';
import type { Row } from './row';
import { runCase } from './run-case';

const MINUTE_MS = 60_000;
/** All rows together at most 40 min. */
const TIME_LIMIT_MS = 14 * MINUTE_MS;
/** All rows together at most 5 min, with starting and judging. */
const SMALL_TIME_LIMIT_MS = MINUTE_MS;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const args = readArguments(process.argv.slice(2));
if (args === undefined) {
  print(USAGE);
  process.exitCode = 2;
} else process.exitCode = await chaos(args);

/** The exit code: 1 when a row is not what it must be. */
async function chaos({ cases, turns, small, seed, talks, out }: Arguments): Promise<number> {
  const rows: Row[] = [];
  const servers = {
    natsUrl: setting('NATS_URL'),
    natsMonitorUrl: setting('NATS_MONITOR_URL'),
    redisUrl: setting('REDIS_URL'),
  };
  const run = { at: new Date().toISOString(), commit: process.env['CHAOS_COMMIT'] ?? 'unknown', cores: cpus().length };
  for (const [index, name] of cases.entries()) {
    const whole = small ? smallOf(CASES[name]) : CASES[name];
    const definition = turns === undefined ? whole : { ...whole, must: { ...whole.must, turns } };
    const random = seededRandom(seed + index);
    const timeLimitMs = small ? SMALL_TIME_LIMIT_MS : TIME_LIMIT_MS;
    print(`case ${name}: ${definition.title}`);
    const row = await runCase(name, definition, { servers, talks, random, isSmall: small, timeLimitMs, print });
    rows.push(row);
    print(describe(row));
    if (out !== undefined) write(out, { ...run, node: process.version, seed, talks, small, rows });
  }
  return rows.every(({ misses }) => misses.length === 0) ? 0 : 1;
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is set by tools/chaos.mjs`);
  return value;
}

function describe({ case: name, counted: _counted, besides: _besides, complaints, misses, ...figures }: Row): string {
  const few = Object.entries(complaints).slice(0, 10);
  const verdict = misses.length === 0 ? 'as it must be' : `not as it must be: ${misses.join(', ')}`;
  return [
    `case ${name}: ${verdict}`,
    JSON.stringify(figures),
    ...few.map(([complaint, times]) => `${times} × ${complaint}`),
  ].join('\n');
}

function write(file: string, results: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
}
