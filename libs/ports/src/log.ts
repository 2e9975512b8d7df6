/**
 * Structured log. `message` is static text; values go into `fields`. Never a key, a transcript or an answer's text:
 * ids and numbers only.
 */
export type LogFields = Record<string, string | number | boolean | null | undefined>;

/** `error` is what was caught, of whatever type; the others as in `LogFields` (an index signature cannot say both). */
export interface ErrorFields {
  error?: unknown;
  [field: string]: unknown;
}

export interface LogPort {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: ErrorFields): void;
  /** A log whose lines carry these fields too. */
  child(fields: LogFields): LogPort;
}
