/** Fields as they may be written. */
export type Redact = (fields: Readonly<Record<string, unknown>> | undefined) => Record<string, unknown>;

const REDACTED = '[redacted]';
const SECRET_NAME = /key|token|authorization|secret|password|cookie/i;
/** Credentials as they stand in the texts of other people's errors. */
const SECRET_TEXT =
  /(?<=:\/\/)[^@/\s]+(?=@)|(?<=\bbearer\s+)\S+|(?<=openai-insecure-api-key\.)[^\s,]+|(?<=[?&]api-key=)[^&\s]+|\bek_[0-9a-f]{16,}/gi;
/** Shorter ones (`dev`) are no secrets, and replacing them would garble words. */
const MIN_SECRET_CHARS = 6;

/**
 * Nothing secret reaches a log line, whoever forgot: neither by a field's name, nor inside a text, be it one of the
 * process's own secrets or what looks like somebody's.
 */
export function redactor(secrets: readonly string[]): Redact {
  const own = secrets.filter((secret) => secret.length >= MIN_SECRET_CHARS);
  const clean = (text: string) =>
    own.reduce((result, secret) => result.replaceAll(secret, REDACTED), text).replace(SECRET_TEXT, REDACTED);

  const cleanField = (name: string, value: unknown): unknown => {
    if (name === 'error') return describeError(value, clean);
    if (SECRET_NAME.test(name) && value !== undefined && typeof value !== 'number') return REDACTED;
    return typeof value === 'string' ? clean(value) : value;
  };
  return (fields) =>
    Object.fromEntries(Object.entries(fields ?? {}).map(([name, value]) => [name, cleanField(name, value)]));
}

/** Name, message and where it was thrown; never its other properties, which may hold a request with its headers. */
function describeError(error: unknown, clean: (text: string) => string): unknown {
  if (error === undefined) return undefined;
  if (!(error instanceof Error)) return clean(String(error));
  return clean(error.stack ?? `${error.name}: ${error.message}`);
}
