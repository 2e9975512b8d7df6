import { BETA_PATH, KEY_SUBPROTOCOL_PREFIX, REALTIME_PATHS } from '@parley/model';
import type { UpgradeRequest } from '@parley/ports';
import { languageOf, type Language } from '../dialects/upgrade';

/** What an upgrade asks for, and with which key. */
export interface Route {
  language: Language;
  key: string | undefined;
}

/** Where clients send their keys. */
type KeyPlaces = Pick<UpgradeRequest, 'headers' | 'subprotocols'>;

/** Undefined where nothing is to be connected to. */
export function routeOf(request: UpgradeRequest): Route | undefined {
  const { path, query } = request;
  if (path !== BETA_PATH && !REALTIME_PATHS.some((each) => each === path)) return undefined;
  // Browser clients of the older dialect's path know no other way.
  const inQuery = path === BETA_PATH ? query['api-key'] : undefined;
  return { language: languageOf(request), key: keyOf(request) ?? inQuery };
}

/** As Azure's clients name it, or all others. */
export const modelOf = ({ path, query }: UpgradeRequest): string | undefined =>
  query['model'] ?? (path === BETA_PATH ? query['deployment'] : undefined);

/**
 * Keys come as `Authorization: Bearer`, as `api-key` (clients of Azure), or as the browser's subprotocol entry; elsewhere not
 * in the query, where they would end up in logs.
 */
export function keyOf({ headers, subprotocols }: KeyPlaces): string | undefined {
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(headers['authorization'] ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const entry = subprotocols.find((each) => each.startsWith(KEY_SUBPROTOCOL_PREFIX));
  return headers['api-key'] ?? entry?.slice(KEY_SUBPROTOCOL_PREFIX.length);
}
