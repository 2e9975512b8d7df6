import { BETA_PATH, BETA_SUBPROTOCOL, PARLEY_SUBPROTOCOL } from '@parley/model';
import type { UpgradeRequest } from '@parley/ports';
import { BetaDialect } from './beta-dialect';
import type { Dialect } from './dialect';
import { gaDialect } from './ga-dialect';

/** What a client speaks, by its upgrade; it stays so for the connection. */
export type Language = 'ga' | 'parley' | 'beta';

/** Who asks for the older dialect gets that and nothing else: `parley.v1` does not exist there. */
export function languageOf({ path, headers, subprotocols }: UpgradeRequest): Language {
  const asksForBeta =
    path === BETA_PATH || subprotocols.includes(BETA_SUBPROTOCOL) || isBeta(headers['openai-beta'] ?? '');
  if (asksForBeta) return 'beta';
  return subprotocols.includes(PARLEY_SUBPROTOCOL) ? 'parley' : 'ga';
}

/** A dialect of one connection: the older one remembers what it was told. */
export const dialectOf = (language: Language): Dialect =>
  language === 'beta' ? new BetaDialect() : gaDialect({ parley: language === 'parley' });

/** The header names several APIs in one. */
const isBeta = (header: string): boolean => header.split(',').some((entry) => entry.trim() === 'realtime=v1');
