import type { ClockPort, LogFields, LogPort } from '@parley/ports';
import { pino, type Logger } from 'pino';
import type { LogConfig } from './config/config';
import { readableLine } from './readable-line';
import { redactor, type Redact } from './redact';

/** Where a process also listens, over TLS. */
export interface TlsAddress {
  url: string;
  /** The file of a certificate that clients do not know: they have to be told of it. */
  certificate: string | undefined;
}

/** The log of a process. */
export interface ProcessLog extends LogPort {
  /** Says that the process takes work, and where, whatever the level is: launchers wait for the last of these lines. */
  ready(url: string, tls?: TlsAddress): void;
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
    ready: (url, tls) => {
      const say = (fields: object, message: string) =>
        emit(`${JSON.stringify({ level: 'info', time: timestamp(), role, ...fields, message })}\n`);
      if (tls) say(tls, 'TLS');
      say({ url }, 'READY');
    },
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
