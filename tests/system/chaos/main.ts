import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { seededRandom } from '@parley/harness';
import type { RandomPort } from '@parley/ports';
import { readArguments, USAGE, type Arguments } from './arguments';
import { CASES, SMALL_PACE, smallOf, WHOLE_PACE, type CaseName, type StrikeName } from './cases';
import { putRow } from './results';
import { OVERLOAD, runOverload, SMALL_OVERLOAD } from './overload';
import type { OverloadRow } from './overload-row';
import type { Row } from './row';
import { runCase } from './run-case';
import { withTable } from './table';

/** The results that the page shows. */
const SHOWN = 'results/chaos.json';
const PAGE = 'BENCHMARKS.md';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const args = readArguments(process.argv.slice(2));
if (args === undefined) {
  print(USAGE);
  process.exitCode = 2;
} else process.exitCode = await chaos(args);

/** The exit code: 1 when a row is not what it must be. */
async function chaos(asked: Arguments): Promise<number> {
  let isGood = true;
  for (const name of asked.cases) {
    const at = new Date().toISOString();
    const begunMs = performance.now();
    const row = await run(name, asked);
    print(describe(row));
    isGood &&= row.misses.length === 0;
    const { seed, out } = asked;
    const tookS = Math.round((performance.now() - begunMs) / 1000);
    const measured = { at, tookS, commit: setting('CHAOS_COMMIT'), cores: cpus().length, node: process.version, seed };
    if (out === undefined) continue;
    const rows = putRow(out, { ...measured, ...row });
    if (out !== SHOWN) continue;
    writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), rows));
    execFileSync(process.execPath, ['node_modules/prettier/bin/prettier.cjs', '--write', PAGE], { stdio: 'ignore' });
  }
  return isGood ? 0 : 1;
}

function run(name: CaseName, asked: Arguments): Promise<Row | OverloadRow> {
  const random = seededRandom(asked.seed);
  if (name !== 'overload') return strike(name, asked, random);
  const definition = asked.small ? SMALL_OVERLOAD : OVERLOAD;
  print(`case ${name}: ${definition.title}`);
  return runOverload(definition, { random, print });
}

function strike(name: StrikeName, { turns, small, talks }: Arguments, random: RandomPort): Promise<Row> {
  const whole = small ? smallOf(name) : CASES[name];
  const must = { ...whole.must, ...(turns === undefined ? {} : { turns }) };
  const definition = { ...whole, must, talks: talks ?? whole.talks };
  print(`case ${name}: ${definition.title}`);
  return runCase(name, definition, {
    random,
    isSmall: small,
    pace: small ? SMALL_PACE : WHOLE_PACE,
    print,
  });
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is set by tools/chaos.mjs`);
  return value;
}

/** Turn by turn it stands in the file only. */
function figuresOf(row: Row | OverloadRow): object {
  return row.case === 'overload' ? row : { ...row, counted: undefined, besides: undefined };
}

function describe(row: Row | OverloadRow): string {
  const { case: name, complaints, misses } = row;
  const few = Object.entries(complaints).slice(0, 10);
  const verdict = misses.length === 0 ? 'as it must be' : `not as it must be: ${misses.join(', ')}`;
  const said = few.map(([complaint, times]) => `${times} × ${complaint}`);
  return [`case ${name}: ${verdict}`, JSON.stringify(figuresOf(row)), ...said].join('\n');
}
