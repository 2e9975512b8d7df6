import {
  BETA_PATH,
  BETA_SUBPROTOCOL,
  KEY_SUBPROTOCOL_PREFIX,
  PARLEY_SUBPROTOCOL,
  REALTIME_SUBPROTOCOL,
} from '@parley/model';
import type { UpgradeRequest } from '@parley/ports';
import type { GatewayConfig } from './config';
import type { Language } from './dialects/upgrade';

export type Authentication = { kind: 'accepted' } | { kind: 'refused'; status: 401 | 403; message: string };

const DEV_KEY = 'dev';
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Keys come as `Authorization: Bearer`, as Azure's `api-key`, or as the browser's subprotocol entry; not in the query,
 * where they would end up in logs, but for the older dialect's path, whose browser clients know no other way. `dev` works from loopback only and not for web pages of foreign origins: any page in the user's
 * browser can reach loopback.
 */
export function authenticate(request: UpgradeRequest, config: GatewayConfig): Authentication {
  const key = offeredKey(request);
  // An empty key is none, even where the list of keys has an empty entry by mistake.
  if (key === undefined || key === '') return refused(401, 'An API key is needed: Authorization: Bearer <key>.');
  if (config.apiKeys.some((known) => sameText(known, key))) return { kind: 'accepted' };
  const isDev = config.devKeyAllowed && request.loopback && sameText(DEV_KEY, key);
  if (!isDev) return refused(401, 'The API key is not valid.');
  if (!isOwnPage(request)) return refused(403, 'The key "dev" is not accepted from a web page of another origin.');
  return { kind: 'accepted' };
}

const refused = (status: 401 | 403, message: string): Authentication => ({ kind: 'refused', status, message });

/** The subprotocol to select; the entry with the key is never echoed. */
export function selectSubprotocol(offered: readonly string[], language: Language): string | undefined {
  const known =
    language === 'beta' ? [REALTIME_SUBPROTOCOL, BETA_SUBPROTOCOL] : [PARLEY_SUBPROTOCOL, REALTIME_SUBPROTOCOL];
  return known.find((each) => offered.includes(each));
}

function offeredKey(request: UpgradeRequest): string | undefined {
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(request.headers['authorization'] ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const entry = request.subprotocols.find((each) => each.startsWith(KEY_SUBPROTOCOL_PREFIX));
  const inQuery = request.path === BETA_PATH ? request.query['api-key'] : undefined;
  return request.headers['api-key'] ?? entry?.slice(KEY_SUBPROTOCOL_PREFIX.length) ?? inQuery;
}

/**
 * Not a browser (no Origin), or a page that a server on loopback has served. That the page's name is the Host of this
 * request proves nothing: an attacker's name can be made to lead here (DNS rebinding).
 */
function isOwnPage(request: UpgradeRequest): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return true;
  try {
    return LOOPBACK_NAMES.includes(new URL(origin).hostname);
  } catch {
    return false;
  }
}

/** Compares in a time that tells nothing about where the two differ. */
function sameText(known: string, offered: string): boolean {
  let difference = known.length ^ offered.length;
  for (let i = 0; i < offered.length; i++) difference |= known.charCodeAt(i % known.length) ^ offered.charCodeAt(i);
  return difference === 0;
}
