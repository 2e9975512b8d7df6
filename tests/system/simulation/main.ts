import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Observation } from './checker/observation';
import { readArguments, USAGE, type Arguments } from './command/arguments';
import { Totals } from './command/totals';
import { runSeed, type SeedResult } from './run-seed';
import { describe, describeLog } from './timeline';

const PROGRESS_EVERY_MS = 5_000;
/** With fewer seeds a rare kind of fault may not come. */
const ENOUGH_SEEDS = 500;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const args = readArguments(process.argv.slice(2));
if (args === undefined) {
  print(USAGE);
  process.exitCode = 2;
} else process.exitCode = await simulate(args);

/** The exit code. Ends at the first seed that breaks an invariant. */
async function simulate({ from, seeds, trace, out }: Arguments): Promise<number> {
  const totals = new Totals();
  let shownMs = performance.now();
  for (let seed = from; seed < from + seeds; seed++) {
    const result = await runSeed(seed, trace ? { onObservation: show, log: describeLog(print) } : {});
    totals.add(result);
    if (result.violations.length > 0) return refuse(result);
    if (seeds === 1) print(`seed ${seed}: ${result.hash}`);
    if (performance.now() - shownMs < PROGRESS_EVERY_MS) continue;
    shownMs = performance.now();
    const { perCpuSecond } = totals.summary(cpuSeconds());
    print(
      `seed ${seed}: ${perCpuSecond.seeds} seeds, ${perCpuSecond.sessionSeconds} session-seconds, ` +
        `${perCpuSecond.faults} faults per CPU-second`,
    );
  }
  const summary = { from, ...totals.summary(cpuSeconds()) };
  if (seeds > 1) print(JSON.stringify(summary, null, 2));
  if (out !== undefined) write(out, summary);
  if (seeds < ENOUGH_SEEDS || totals.missing.length === 0) return 0;
  print(`faults that never came, moments that were never hit: ${totals.missing.join(', ')}`);
  return 1;
}

function show(observation: Observation): void {
  const line = describe(observation);
  if (line !== undefined) print(line);
}

function refuse({ seed, violations }: SeedResult): number {
  for (const { invariant, atMs, message } of violations) {
    print(`seed ${seed} at ${(atMs / 1_000).toFixed(4)} s: ${invariant}: ${message}`);
  }
  print(`replay it: npm run simulate -- --seed ${seed} --trace`);
  return 1;
}

function write(file: string, summary: object): void {
  const commit = process.env['SIMULATED_COMMIT'];
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ commit, ...summary }, null, 2)}\n`);
}
