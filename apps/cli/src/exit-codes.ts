/** Documented in `--help`; scripts rely on them. */
export const EXIT = {
  done: 0,
  turnFailed: 1,
  doesNotFit: 1,
  usage: 2,
  cannotConnect: 3,
  refused: 4,
  timeout: 5,
  notInJournal: 6,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
