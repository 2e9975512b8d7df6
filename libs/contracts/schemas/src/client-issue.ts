import type { ClientError, ErrorCode } from '@parley/model';
import type { z } from 'zod';
import { CLIENT_LIMITS } from './client-limits';
import { isRecord } from './record';

type Path = readonly PropertyKey[];

/** Longest name of a client's own making that an error repeats. */
const MAX_QUOTED_CHARS = 64;
const CONTENT_TYPE = /^item\.content\[\d+\]\.type$/;

/** A name the client chose, short enough to be repeated to it. */
export const quoted = (name: string): string =>
  name.length <= MAX_QUOTED_CHARS ? name : `${name.slice(0, MAX_QUOTED_CHARS)}…`;

export const refusal = (code: ErrorCode, param: string | null, message: string): ClientError => ({
  type: 'invalid_request_error',
  code,
  message,
  param,
});

/** Of what is nested too deep to be written as JSON again; looked for before anything else does. */
export function nestingErrorOf(json: Record<string, unknown>): ClientError | undefined {
  const deep = Object.keys(json).find((name) => isDeeperThan(json[name], CLIENT_LIMITS.levels - 1));
  if (deep === undefined) return undefined;
  const param = quoted(deep);
  return refusal('invalid_value', param, `Invalid '${param}': nested more than ${CLIENT_LIMITS.levels} levels deep.`);
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeperThan(each, levels - 1));
}

/** What a client is told of the first fault found in its event. */
export function clientErrorOfIssue(issue: z.core.$ZodIssue, event: unknown): ClientError {
  const param = paramOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const field = paramOf([...issue.path, issue.keys[0] ?? '']);
    return refusal('unknown_parameter', field, `Unknown parameter: '${field}'. ${issue.message}`);
  }
  if (issue.code === 'invalid_key') {
    const record = paramOf(issue.path.slice(0, -1));
    return refusal('string_above_max_length', record, `Invalid '${record}': a key is too long.`);
  }
  const value = valueAt(event, issue.path);
  if (value === undefined) {
    return refusal('missing_required_parameter', param, `Missing required parameter: '${param}'.`);
  }
  if (issue.code === 'too_big' && issue.origin === 'string') {
    const message = `Invalid '${param}': longer than the maximum of ${issue.maximum} characters.`;
    return refusal('string_above_max_length', param, message);
  }
  const values = valuesOf(issue);
  if (values) {
    const allowed = values.map((each) => `'${String(each)}'`).join(', ');
    const code = CONTENT_TYPE.test(param) && typeof value === 'string' ? 'unsupported_content_type' : 'invalid_value';
    return refusal(code, param, `Invalid value for '${param}'. Supported here: ${allowed}.`);
  }
  return refusal('invalid_value', param, `Invalid value for '${param}': ${issue.message}.`);
}

/** What may stand there, where that is one of a list. */
function valuesOf(issue: z.core.$ZodIssue): readonly unknown[] | undefined {
  if (issue.code === 'invalid_value') return issue.values;
  return 'options' in issue && Array.isArray(issue.options) ? issue.options : undefined;
}

/** `item.content[0].text`, as the Realtime API writes paths. */
function paramOf(path: Path): string {
  let param = '';
  for (const step of path) {
    if (typeof step === 'number') param += `[${step}]`;
    else param += (param === '' ? '' : '.') + quoted(String(step));
  }
  return param;
}

/** Own properties only: a path through a prototype would find what the client did not send. */
function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (Array.isArray(value) && typeof step === 'number') value = value[step];
    else if (isRecord(value) && Object.hasOwn(value, step)) value = value[String(step)];
    else return undefined;
  }
  return value;
}
