import { KEY_SUBPROTOCOL_PREFIX, REALTIME_PATHS } from '@parley/model';
import type { UpgradeRequest } from '@parley/ports';

/** Names and shapes of events. A connection has one, chosen by its upgrade. */
export type Dialect = 'ga';

/** What an upgrade asks for, and with which key. */
export interface Route {
  dialect: Dialect;
  key: string | undefined;
}

/** Where clients send their keys. */
type KeyPlaces = Pick<UpgradeRequest, 'headers' | 'subprotocols'>;

/** Undefined where nothing is to be connected to. */
export function routeOf(request: UpgradeRequest): Route | undefined {
  if (!REALTIME_PATHS.some((path) => path === request.path)) return undefined;
  return { dialect: 'ga', key: keyOf(request) };
}

/**
 * Keys come as `Authorization: Bearer`, as `api-key` (clients of Azure), or as the browser's subprotocol entry; not in the
 * query, where they would end up in logs.
 */
export function keyOf({ headers, subprotocols }: KeyPlaces): string | undefined {
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(headers['authorization'] ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const entry = subprotocols.find((each) => each.startsWith(KEY_SUBPROTOCOL_PREFIX));
  return headers['api-key'] ?? entry?.slice(KEY_SUBPROTOCOL_PREFIX.length);
}
