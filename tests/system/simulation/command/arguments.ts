export interface Arguments {
  from: number;
  seeds: number;
  trace: boolean;
  /** Where a summary in JSON goes. */
  out: string | undefined;
}

export const USAGE = `npm run simulate -- --seeds 1000 [--from 1] [--out results/simulation.json]
npm run simulate -- --seed 42 [--trace]`;

const DEFAULT_SEEDS = 1_000;

/** Undefined where they make no sense. */
export function readArguments(args: readonly string[]): Arguments | undefined {
  const read: Arguments = { from: 1, seeds: DEFAULT_SEEDS, trace: false, out: undefined };
  for (let index = 0; index < args.length; index++) {
    const name = args[index];
    if (name === '--trace') {
      read.trace = true;
      continue;
    }
    const value = args[++index];
    if (value === undefined) return undefined;
    if (name === '--out') read.out = value;
    else if (!/^\d+$/.test(value)) return undefined;
    else if (name === '--seeds') read.seeds = Number(value);
    else if (name === '--from') read.from = Number(value);
    else if (name === '--seed') Object.assign(read, { from: Number(value), seeds: 1 });
    else return undefined;
  }
  // A timeline is of one seed.
  return read.trace && read.seeds !== 1 ? undefined : read;
}
