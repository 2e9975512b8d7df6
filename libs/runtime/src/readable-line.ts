import { z } from 'zod';

const logRecord = z.record(z.string(), z.unknown());

/** One JSON log line as a person reads it: `12:30:01.250 warn  gateway  the link is lost  server=nats`. */
export function readableLine(line: string): string {
  const { time, level, role, message, error, ...fields } = logRecord.parse(JSON.parse(line));
  if (message === 'READY' || message === 'TLS') {
    const { url, ...more } = fields;
    return `${[message, String(url), ...described(more)].join(' ')}\n`;
  }
  const clockTime = String(time).slice(11, 23);
  const parts = [clockTime, String(level).padEnd(5), String(role), String(message), ...described(fields)];
  return `${parts.join(' ')}\n${error === undefined ? '' : `${indented(String(error))}\n`}`;
}

const described = (fields: Record<string, unknown>): string[] =>
  Object.entries(fields).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);

const indented = (text: string) => text.replace(/^/gm, '    ');
