import type { ClockPort, LogFields, LogPort } from '@parley/ports';
import { pino, type Logger } from 'pino';
import type { LogConfig } from './config/config';
import { readableLine } from './readable-line';
import { redactor, type Redact } from './redact';

/** The log of a process. */
export interface ProcessLog extends LogPort {
  /** Says that the process takes work, and where, whatever the level is: launchers wait for this line. */
  ready(url: string): void;
}

export interface LogOptions extends LogConfig {
  /** Which process this is; in every line. */
  role: string;
  secrets: readonly string[];
  clock: ClockPort;
  /** Takes whole lines, with their line end. */
  write: (line: string) => void;
}

export function createLog({ level, format, role, secrets, clock, write }: LogOptions): ProcessLog {
  const timestamp = () => new Date(clock.wallMs()).toISOString();
  const emit = format === 'json' ? write : (line: string) => write(readableLine(line));
  const logger = pino(
    {
      level,
      base: { role },
      messageKey: 'message',
      timestamp: () => `,"time":"${timestamp()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: emit },
  );
  return {
    ...portOf(logger, redactor(secrets)),
    ready: (url) => emit(`${JSON.stringify({ level: 'info', time: timestamp(), role, url, message: 'READY' })}\n`),
  };
}

function portOf(logger: Logger, redact: Redact): LogPort {
  return {
    debug: (message, fields) => logger.debug(redact(fields), message),
    info: (message, fields) => logger.info(redact(fields), message),
    warn: (message, fields) => logger.warn(redact(fields), message),
    error: (message, fields) => logger.error(redact(fields), message),
    child: (fields: LogFields) => portOf(logger.child(redact(fields)), redact),
  };
}
