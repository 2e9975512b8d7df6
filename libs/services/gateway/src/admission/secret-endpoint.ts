import type { HttpReply, HttpRequest, RandomPort } from '@parley/ports';
import { parseSecretRequest } from '@parley/schemas';
import { newTraceparent } from '@parley/service-link';
import { authenticate, UNKNOWN_KEY } from './authentication';
import { patchOf } from '../client-inputs';
import type { ClientSecrets } from './client-secrets';
import type { GatewayConfig } from '../config';
import { errorReply, keyReply } from './error-reply';
import { keyOf } from './route';

const TOO_LONG = { code: 'body_too_long', message: 'The body is too long.' };
const UNAVAILABLE = { code: 'unavailable', message: 'No client secret can be made now.' };
const RETRY_AFTER_S = 1;

/** `POST …/client_secrets`: a secret for clients to which the caller does not give its key. */
export class SecretEndpoint {
  constructor(
    private readonly secrets: ClientSecrets,
    private readonly config: GatewayConfig,
    private readonly random: RandomPort,
  ) {}

  async answer(request: HttpRequest): Promise<HttpReply> {
    const authentication = authenticate(keyOf(request), request, this.config);
    if (authentication.kind === 'refused') return keyReply(authentication);
    // A secret makes no secrets: it would outlive itself.
    if (authentication.kind === 'secret') return keyReply(UNKNOWN_KEY);
    const text = await request.readBody();
    if (text === undefined) return errorReply(413, TOO_LONG);
    const parsed = parseSecretRequest(text);
    if (!parsed.ok) return errorReply(400, parsed.error);
    const { session, lifeS } = parsed;
    const defaults = { model: session?.model ?? null, patch: session ? patchOf(session) : {} };
    const secret = await this.secrets.make(defaults, lifeS, newTraceparent(this.random));
    if (!secret) return errorReply(503, UNAVAILABLE, RETRY_AFTER_S);
    const body = {
      value: secret.value,
      expires_at: secret.expiresAtS,
      // Of no session yet, so of none that could expire.
      session: { ...secret.session, expires_at: 0 },
    };
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
    return { status: 200, headers, body: JSON.stringify(body) };
  }
}
