import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { putRow, type MeasuredOverload, type MeasuredStrikes } from './results';
import { tableOf, withTable } from './table';

const SPREAD = { p50: 100, p99: 300, max: 400 };
const ROW: MeasuredStrikes = {
  case: 'tts',
  title: 'a case',
  must: { turns: 4, strikes: 2, gapP50Ms: 400, gapP99Ms: 1_500 },
  talks: 14,
  strikes: 2,
  turns: 4,
  moments: { 'before-first-token': 1, 'first-token': 0, generating: 1, playing: 2 },
  completed: 3,
  duplicates: 0,
  stale: 1,
  faults: { stale: 1 },
  gapMs: SPREAD,
  audibleGapMs: { p50: 150, p99: 300, max: 400 },
  firstSampleMs: {
    undisturbed: { p50: 3_000, p99: 3_100, max: 3_200 },
    struck: { p50: 3_400, p99: 4_000, max: 4_100 },
  },
  undisturbed: { turns: 7, faulty: 0, gapMs: SPREAD },
  interrupted: { turns: 0, faulty: 0 },
  resumed: { times: 0, again: 0, ms: SPREAD },
  aheadMs: { undisturbed: SPREAD, struck: SPREAD },
  afterWaking: undefined,
  misses: ['1 turns not whole', '1 with something stale'],
  complaints: {},
  counted: [{ turnId: 'turn-1', moments: ['playing', 'generating'], firstSampleMs: 3_000, gapMs: 1, faults: [] }],
  besides: [],
  at: '2026-01-02T03:04:05.678Z',
  tookS: 90,
  commit: 'abc1234',
  cores: 2,
  node: 'v20.19.0',
  seed: 1,
};

it('a line has the figures of a row, the shares of its moments, and what it misses', () => {
  expect(tableOf([ROW]).split('\n')[2]).toBe(
    '| a case | 2 | 4 | 25 %, 25 %, 50 % | 3 | 0, 1 | 100, 300, 400 ms | 150, 300, 400 ms | 7 turns, 100, 300, 400 ms | ' +
      '3400, 4000, 4100 ms | 3000, 3100, 3200 ms | abc1234, 2026-01-02 | **no**: 1 turns not whole; 1 with something stale |',
  );
  expect(tableOf([{ ...ROW, misses: [] }])).toContain('| yes |');
});

it('a line of an older row has a dash for what was not measured yet', () => {
  const { audibleGapMs: _audible, firstSampleMs: _first, ...older } = ROW;
  const [head = '', , line = ''] = tableOf([older]).split('\n');
  expect(line).toContain('| 100, 300, 400 ms | – | 7 turns, 100, 300, 400 ms | – | – | abc1234');
  expect(line.split('|')).toHaveLength(head.split('|').length);
});

it('the row about overload has a table of its own', () => {
  const heard = { speaking: { p50: 10, max: 10 }, ownLagMs: 5, turns: 3, pieces: 900, lateMs: SPREAD };
  const row: MeasuredOverload = {
    ...{
      case: 'overload',
      title: 'too many',
      must: { lateRatio: 1.5, lateSlackMs: 0, ownLagMs: 100, speakingShare: 0.8 },
      capacity: 10,
      offered: 30,
    },
    ...{ atCapacity: heard, overloaded: { ...heard, pieces: 800 }, turnedAway: { properly: 44, otherwise: [] } },
    ...{ turns: 7, faulty: [{ turnId: 'turn-1', faults: [] }], complaints: {}, misses: ['1 turns not whole'] },
    ...{ at: ROW.at, tookS: 60, commit: ROW.commit, cores: 2, node: ROW.node, seed: 1 },
  };
  const lines = tableOf([ROW, row]).split('\n');
  expect(lines.filter((line) => line.startsWith('| too many'))).toEqual([
    '| too many | 10 of 30 | 7 | 6 | 900 pieces, 100, 300, 400 ms | 800 pieces, 100, 300, 400 ms | 44 | ' +
      'abc1234, 2026-01-02 | **no**: 1 turns not whole |',
  ]);
  expect(lines.filter((line) => line.startsWith('| a case'))).toHaveLength(1);
  expect(lines).toContain('All rows together took 2.5 min.');
  const { tookS: _tookS, ...older } = ROW;
  expect(tableOf([older, row])).not.toContain('All rows together');
});

it('the table takes the place of the one before and leaves the rest of the page', () => {
  const page = '# Page\n<!-- generated: npm run chaos -->\nold\n<!-- end of chaos -->\nafter\n';
  const next = withTable(withTable(page, []), [ROW]);
  expect(next).toContain('| a case |');
  expect(next).not.toContain('old');
  expect(next).toMatch(/^# Page\n/);
  expect(next).toMatch(/<!-- end of chaos -->\nafter\n$/);
  expect(() => withTable('# Page', [ROW])).toThrow('the page has no');
});

it('a row in the results replaces that of its case and leaves the others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-chaos-'));
  const file = join(folder, 'results/chaos.json');
  putRow(file, ROW);
  putRow(file, { ...ROW, case: 'gateway' });
  const rows = putRow(file, { ...ROW, turns: 9 });
  expect(rows.map((row) => [row.case, row.turns])).toEqual([
    ['tts', 9],
    ['gateway', 4],
  ]);
  // Undefined has no place in JSON.
  const { afterWaking: _none, ...written } = { ...ROW, turns: 9 };
  expect((JSON.parse(readFileSync(file, 'utf8')) as { rows: unknown[] }).rows[0]).toEqual(written);
  rmSync(folder, { recursive: true });
});
