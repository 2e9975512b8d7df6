import { WEIGHED_MOMENTS } from './moment';
import type { Measured } from './results';
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
  return [
    '| case | strikes | turns | waiting, generating, playing | whole | twice, stale | gap p50, p99, longest | undisturbed | commit | as it must be |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(lineOf),
    '',
  ].join('\n');
}

function lineOf(row: Measured): string {
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
    `${row.undisturbed.turns} turns, ${spread(row.undisturbed.gapMs)}`,
    `${row.commit}, ${row.at.slice(0, 10)}`,
    row.misses.length === 0 ? 'yes' : `**no**: ${row.misses.join('; ')}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

const spread = ({ p50, p99, max }: Spread): string => `${p50}, ${p99}, ${max} ms`;
