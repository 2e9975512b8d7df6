/** Why a request is refused, in the terms of the provider's error body. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  /** The offending parameter, where one can be named. */
  readonly param: string | null;
  readonly code: string | null;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A 400 that blames the request. */
export function badRequest(message: string, param: string | null = null, code: string | null = null): Refusal {
  return { status: 400, message, param, code };
}

/** The refusal of a body that leaves out what it must have. */
export const missing = (param: string): Refusal =>
  badRequest(`Missing required parameter: '${param}'.`, param, 'missing_required_parameter');

/** The refusal of a value of another type than `expected`, e.g. 'an object'. */
export function wrongType(param: string, expected: string, got: unknown): Refusal {
  const name = got === null ? 'null' : Array.isArray(got) ? 'an array' : `a value of type ${typeof got}`;
  return badRequest(
    `Invalid type for '${param}': expected ${expected}, but got ${name} instead.`,
    param,
    'invalid_type',
  );
}

/** The refusal of an empty list where there must be something. */
export function emptyArray(param: string): Refusal {
  const message =
    `Invalid '${param}': empty array. Expected an array with minimum length 1, ` + 'but got an empty array instead.';
  return badRequest(message, param, 'empty_array');
}

function typeOf(status: number): string {
  if (status === 429) return 'requests';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** The JSON body every error of the provider has. */
export function errorBody({ status, message, type = typeOf(status), param, code }: Refusal): string {
  return JSON.stringify({ error: { message, type, param, code } });
}

/** Checks the Authorization header; without a list of keys any bearer token will do. */
export function checkAuthorization(
  header: string | undefined,
  apiKeys: readonly string[] | undefined,
): Refusal | undefined {
  const key = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
  if (key === undefined) {
    const message =
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
      '(i.e. Authorization: Bearer YOUR_KEY).';
    return { status: 401, message, param: null, code: null };
  }
  if (apiKeys === undefined || apiKeys.includes(key)) return undefined;
  const message = `Incorrect API key provided: ${key.slice(0, 3)}***.`;
  return { status: 401, message, param: null, code: 'invalid_api_key' };
}

/** The provider takes JSON only, and says so before it looks at the body. */
export function checkContentType(header: string | undefined): Refusal | undefined {
  const mediaType = header?.split(';')[0]?.trim().toLowerCase();
  if (mediaType === 'application/json') return undefined;
  const message =
    `Unsupported content type: '${header ?? ''}'. This API method only accepts 'application/json' requests, ` +
    `but you specified the header 'Content-Type: ${header ?? ''}'. Please try again with a supported content type.`;
  return badRequest(message, null, 'unsupported_content_type');
}

/** The refusal of a path that does not exist. */
export function unknownPath(method: string, path: string): Refusal {
  return { status: 404, message: `Invalid URL (${method} ${path})`, param: null, code: null };
}

/** The refusal of a method that the path does not know. */
export function wrongMethod(method: string, path: string): Refusal {
  const message = `Not allowed to ${method} on ${path}. (HINT: Perhaps you meant to use a different HTTP method?)`;
  return { status: 405, message, param: null, code: 'method_not_supported', headers: { allow: 'POST' } };
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
