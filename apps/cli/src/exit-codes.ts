/** Documented in `--help`; scripts rely on them. */
export const EXIT = {
  done: 0,
  turnFailed: 1,
  usage: 2,
  cannotConnect: 3,
  refused: 4,
  timeout: 5,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
