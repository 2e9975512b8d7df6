import type { ErrorFields, LogFields, LogPort } from '@parley/ports';

export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  fields: LogFields | ErrorFields;
}

/** Keeps what was logged, also by its children, for a test to look at. */
export class RecordingLog implements LogPort {
  constructor(
    readonly lines: LogLine[] = [],
    private readonly inherited: LogFields = {},
  ) {}

  debug(message: string, fields: LogFields = {}): void {
    this.add('debug', message, fields);
  }

  info(message: string, fields: LogFields = {}): void {
    this.add('info', message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.add('warn', message, fields);
  }

  error(message: string, fields: ErrorFields = {}): void {
    this.add('error', message, fields);
  }

  child(fields: LogFields): RecordingLog {
    return new RecordingLog(this.lines, { ...this.inherited, ...fields });
  }

  private add(level: LogLine['level'], message: string, fields: LogFields | ErrorFields): void {
    this.lines.push({ level, message, fields: { ...this.inherited, ...fields } });
  }
}
