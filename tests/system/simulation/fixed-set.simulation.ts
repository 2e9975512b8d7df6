import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { FAULTS } from './world/faults';
import { ACTS } from './clients/acts';
import { runSeed, type SeedResult } from './run-seed';

const ROOT = path.resolve(__dirname, '../../..');
/** Half a minute's worth; `npm run simulate` runs them by the thousand. */
const SEEDS = { from: 1_001_201, count: 160 };
const REPEATED = 20;
/** Beside everything else that runs on this machine. */
const TIMEOUT_MS = 180_000;

const seedsFrom = (count: number): number[] => Array.from({ length: count }, (_, index) => SEEDS.from + index);
const sumOf = (results: readonly SeedResult[], name: string, of: 'faults' | 'hits' | 'acts'): number =>
  results.reduce((sum, result) => sum + (result[of].get(name) ?? 0), 0);

describe('a fixed set of worlds', () => {
  const results: SeedResult[] = [];

  it(
    '[G1][G2][G3][G4][G5][G6] keeps every promise, whatever goes wrong',
    async () => {
      for (const seed of seedsFrom(SEEDS.count)) {
        const result = await runSeed(seed);
        expect({ seed, violations: result.violations }).toEqual({ seed, violations: [] });
        results.push(result);
      }
    },
    TIMEOUT_MS,
  );

  it('is a hard one: its faults, kills, acts, sessions and turns', () => {
    const average = (value: (result: SeedResult) => number): number =>
      results.reduce((sum, result) => sum + value(result), 0) / results.length;
    expect(FAULTS.map(({ name }) => name).filter((name) => sumOf(results, name, 'faults') === 0)).toEqual([]);
    const hits = [...(results[0]?.hits.keys() ?? [])];
    expect(hits.filter((name) => sumOf(results, name, 'hits') === 0)).toEqual([]);
    expect(ACTS.map(({ name }) => name).filter((name) => sumOf(results, name, 'acts') === 0)).toEqual([]);
    expect(average(({ virtualMs }) => virtualMs)).toBeGreaterThan(60_000);
    expect(average(({ turns }) => turns)).toBeGreaterThan(8);
    expect(average(({ faults }) => [...faults.values()].reduce((sum, each) => sum + each, 0))).toBeGreaterThan(6);
  });

  it(
    'takes the same course in every process',
    () => {
      const hash = createHash('sha1');
      for (const result of results.slice(0, REPEATED)) hash.update(result.hash);
      const expected = hash.digest('hex');
      expect([hashOfProcess(), hashOfProcess()]).toEqual([expected, expected]);
    },
    TIMEOUT_MS,
  );
});

/** Of the same seeds, by `npm run simulate`. */
function hashOfProcess(): unknown {
  const args = ['tools/simulate.mjs', '--from', String(SEEDS.from), '--seeds', String(REPEATED)];
  const { stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  return (JSON.parse(stdout.slice(stdout.indexOf('{'))) as { hash: unknown }).hash;
}
