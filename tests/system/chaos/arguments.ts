import { CASE_NAMES, type CaseName } from './cases';

export interface Arguments {
  cases: readonly CaseName[];
  /** In place of what each row must have. */
  turns: number | undefined;
  small: boolean;
  seed: number;
  /** Conversations at a time, in place of what each row has. */
  talks: number | undefined;
  /** The JSON file that takes the rows; the others of it stay. */
  out: string | undefined;
}

export const USAGE = `npm run chaos [-- --case ${CASE_NAMES.join(',')}] [--turns 500] [--small] [--talks 14] [--seed 1] [--out results/chaos.json]`;

const DEFAULT_OUT = 'results/chaos.json';

/** Undefined where they make no sense. */
export function readArguments(args: readonly string[]): Arguments | undefined {
  const read: Arguments = {
    cases: CASE_NAMES,
    turns: undefined,
    small: false,
    seed: 1,
    talks: undefined,
    out: undefined,
  };
  for (let index = 0; index < args.length; index++) {
    const name = args[index];
    if (name === '--small') {
      read.small = true;
      continue;
    }
    const value = args[++index];
    if (value === undefined) return undefined;
    if (name === '--out') read.out = value;
    else if (name === '--case') {
      const cases = value.split(',').map((each) => CASE_NAMES.find((known) => known === each));
      if (!cases.every((each) => each !== undefined)) return undefined;
      read.cases = cases;
    } else if (!/^[1-9]\d*$/.test(value)) return undefined;
    else if (name === '--turns') read.turns = Number(value);
    else if (name === '--seed') read.seed = Number(value);
    else if (name === '--talks') read.talks = Number(value);
    else return undefined;
  }
  // A small run, or one of another size, is no row of the page.
  const isWhole = !read.small && read.turns === undefined && read.talks === undefined;
  return { ...read, out: read.out ?? (isWhole ? DEFAULT_OUT : undefined) };
}
