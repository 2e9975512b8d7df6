import { WEIGHED_MOMENTS } from './moment';
import type { Measured, MeasuredOverload, MeasuredStrikes } from './results';
import { hitsOf, type Spread } from './row';

const BEGIN = '<!-- generated: npm run chaos -->';
const END = '<!-- end of chaos -->';

/** The page with a new table in the place of the old one. */
export function withTable(page: string, rows: readonly Measured[]): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`the page has no ${BEGIN} … ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n\n${tableOf(rows)}\n${page.slice(to)}`;
}

export function tableOf(rows: readonly Measured[]): string {
  const overload = rows.filter((row) => row.case === 'overload');
  const took = rows.map(({ tookS }) => tookS ?? NaN);
  const tookMin = took.reduce((sum, seconds) => sum + seconds, 0) / 60;
  return [
    strikesTable(rows.filter((row) => row.case !== 'overload')),
    ...overload.map(overloadTable),
    ...(Number.isNaN(tookMin) ? [] : [`All rows together took ${tookMin.toFixed(1)} min.\n`]),
  ].join('\n');
}

function strikesTable(rows: readonly MeasuredStrikes[]): string {
  return [
    '| case | strikes | turns | waiting, generating, playing | whole | twice, stale | gap p50, p99, longest | hit while audible | undisturbed | first sample, hit before | undisturbed | commit | as it must be |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(lineOf),
    '',
  ].join('\n');
}

function overloadTable(row: MeasuredOverload): string {
  const { atCapacity, overloaded, turnedAway } = row;
  const cells = [
    row.title,
    `${row.capacity} of ${row.offered}`,
    row.turns,
    row.turns - row.faulty.length,
    `${atCapacity.pieces} pieces, ${spread(atCapacity.lateMs)}`,
    `${overloaded.pieces} pieces, ${spread(overloaded.lateMs)}`,
    turnedAway.properly,
    ...endOf(row),
  ];
  return [
    '| case | conversations | turns | whole | at capacity, late p50, p99, longest | with more offered | refused with `capacity` | commit | as it must be |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    `| ${cells.join(' | ')} |`,
    '',
  ].join('\n');
}

function lineOf(row: MeasuredStrikes): string {
  const shares = WEIGHED_MOMENTS.map(
    (moment) => `${Math.round((100 * row.moments[moment]) / Math.max(1, hitsOf(row)))} %`,
  );
  const cells = [
    row.title,
    row.strikes,
    row.turns,
    shares.join(', '),
    row.completed,
    `${row.duplicates}, ${row.stale}`,
    spread(row.gapMs),
    spread(row.audibleGapMs),
    `${row.undisturbed.turns} turns, ${spread(row.undisturbed.gapMs)}`,
    spread(row.firstSampleMs?.struck),
    spread(row.firstSampleMs?.undisturbed),
    ...endOf(row),
  ];
  return `| ${cells.join(' | ')} |`;
}

const endOf = ({ commit, at, misses }: Measured): string[] => [
  `${commit}, ${at.slice(0, 10)}`,
  misses.length === 0 ? 'yes' : `**no**: ${misses.join('; ')}`,
];

const spread = (measured: Spread | undefined): string =>
  measured ? `${measured.p50}, ${measured.p99}, ${measured.max} ms` : '–';
