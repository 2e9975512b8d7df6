import type { HttpReply } from '@parley/ports';

export interface HttpError {
  code: string;
  message: string;
  param?: string | null;
}

/** An error as the Realtime API answers it over HTTP. `retryAfterS`: when the client may come again. */
export function errorReply(
  status: number,
  { code, message, param = null }: HttpError,
  retryAfterS?: number,
): HttpReply {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (retryAfterS !== undefined) headers['retry-after'] = String(retryAfterS);
  const error = { type: status < 500 ? 'invalid_request_error' : 'server_error', code, message, param };
  return { status, headers, body: JSON.stringify({ error }) };
}

/** Of a refused key. The code is the Realtime API's where it has one. */
export const keyReply = ({ status, message }: { status: 401 | 403; message: string }): HttpReply =>
  errorReply(status, { code: status === 401 ? 'invalid_api_key' : 'authentication', message });
