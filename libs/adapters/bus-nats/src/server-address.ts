import type { ConnectionOptions } from '@nats-io/transport-node';

/** What of the client's options is in the URLs. */
export type ServerAddress = Required<Pick<ConnectionOptions, 'servers'>> &
  Pick<ConnectionOptions, 'user' | 'pass' | 'token' | 'tls'>;

/**
 * Servers, credentials and transport security from URLs like `nats://host:4222`, `nats://user:password@host`,
 * `nats://token@host`, `tls://host`. The client itself would take the digits of a password for the port, so it gets
 * hosts and ports only. The first URL with credentials gives them for all. Throws an Error for what is no such URL,
 * without repeating it: it may hold a password.
 */
export function parseServerUrls(urls: readonly string[]): ServerAddress {
  if (urls.length === 0) throw new Error('no URL of a NATS server is configured');
  const parsed = urls.map(parse);
  const withUser = parsed.find((url) => url.username !== '');
  return {
    servers: parsed.map((url) => `${url.hostname}:${url.port === '' ? '4222' : url.port}`),
    ...(withUser === undefined ? {} : credentials(withUser)),
    ...(parsed.some((url) => url.protocol === 'tls:') ? { tls: {} } : {}),
  };
}

function parse(text: string, index: number): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const known = url !== undefined && (url.protocol === 'nats:' || url.protocol === 'tls:') && url.hostname !== '';
  if (!known) throw new Error(`URL ${index + 1} of the NATS servers is not nats://host:port or tls://host:port`);
  return url;
}

function credentials(url: URL): Pick<ConnectionOptions, 'user' | 'pass' | 'token'> {
  const user = decodeURIComponent(url.username);
  return url.password === '' ? { token: user } : { user, pass: decodeURIComponent(url.password) };
}
