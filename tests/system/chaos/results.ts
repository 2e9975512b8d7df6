import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { OverloadRow } from './overload-row';
import type { Row } from './row';

/** What a row was measured on. */
export interface Circumstances {
  at: string;
  /** Older rows do not say it. */
  tookS?: number;
  commit: string;
  cores: number;
  node: string;
  seed: number;
}

/** Older rows do not say what was measured since. */
type Since = 'audibleGapMs' | 'firstSampleMs';

export type MeasuredStrikes = Circumstances & Omit<Row, Since> & Partial<Pick<Row, Since>>;
export type MeasuredOverload = Circumstances & OverloadRow;
export type Measured = MeasuredStrikes | MeasuredOverload;

/** Puts a row in the place of an earlier one of its case; the answer is all rows of the file. */
export function putRow(file: string, row: Measured): Measured[] {
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { rows: Measured[] }).rows : [];
  const known = before.findIndex((each) => each.case === row.case);
  const rows = known < 0 ? [...before, row] : before.with(known, row);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `{"rows": [\n${rows.map(linesOf).join(',\n')}\n]}\n`);
  return rows;
}

/** A turn is a line: there are hundreds of them. */
function linesOf(row: Measured): string {
  if (row.case === 'overload') return JSON.stringify(row, null, 1);
  const { counted, besides, ...figures } = row;
  const list = (turns: readonly unknown[]): string => `[\n${turns.map((turn) => JSON.stringify(turn)).join(',\n')}\n]`;
  const text = JSON.stringify(figures, null, 1).replace(/\n\}$/, '');
  return `${text},\n "counted": ${list(counted)},\n "besides": ${list(besides)}\n}`;
}
