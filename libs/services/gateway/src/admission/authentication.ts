import { BETA_SUBPROTOCOL, PARLEY_SUBPROTOCOL, REALTIME_SUBPROTOCOL } from '@parley/model';
import { isClientSecret } from './client-secrets';
import type { UpgradeRequest } from '@parley/ports';
import type { GatewayConfig } from '../config';
import type { Language } from '../dialects/upgrade';

export type Authentication =
  | { kind: 'accepted' }
  /** It looks like one that was made here: to be looked for. */
  | { kind: 'secret'; secret: string }
  | { kind: 'refused'; status: 401 | 403; message: string };

const DEV_KEY = 'dev';
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/** Who sends a key, as far as it matters whether the key counts. */
type Sender = Pick<UpgradeRequest, 'headers' | 'loopback'>;

/**
 * `dev` works from loopback only and not for web pages of foreign origins: any page in the user's browser can reach
 * loopback.
 */
export function authenticate(key: string | undefined, sender: Sender, config: GatewayConfig): Authentication {
  // An empty key is none, even where the list of keys has an empty entry by mistake.
  if (key === undefined || key === '') return refused(401, 'An API key is needed: Authorization: Bearer <key>.');
  if (config.apiKeys.some((known) => sameText(known, key))) return { kind: 'accepted' };
  if (isClientSecret(key)) return { kind: 'secret', secret: key };
  const isDev = config.devKeyAllowed && sender.loopback && sameText(DEV_KEY, key);
  if (!isDev) return UNKNOWN_KEY;
  if (!isOwnPage(sender)) return refused(403, 'The key "dev" is not accepted from a web page of another origin.');
  return { kind: 'accepted' };
}

const refused = (status: 401 | 403, message: string) => ({ kind: 'refused', status, message }) as const;

/** In the same words whatever the key has in common with a known one. */
export const UNKNOWN_KEY = refused(401, 'The API key is not valid.');

/** The subprotocol to select; the entry with the key is never echoed. */
export function selectSubprotocol(offered: readonly string[], language: Language): string | undefined {
  const known =
    language === 'beta' ? [REALTIME_SUBPROTOCOL, BETA_SUBPROTOCOL] : [PARLEY_SUBPROTOCOL, REALTIME_SUBPROTOCOL];
  return known.find((each) => offered.includes(each));
}

/**
 * Not a browser (no Origin), or a page that a server on loopback has served. That the page's name is the Host of this
 * request proves nothing: an attacker's name can be made to lead here (DNS rebinding).
 */
function isOwnPage({ headers: { origin } }: Sender): boolean {
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
