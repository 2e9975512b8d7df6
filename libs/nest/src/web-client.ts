import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';

const SECURITY_HEADERS = {
  'content-security-policy': "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;

/** Vite puts a hash of the content into these names. */
const HASHED = /[/\\]assets[/\\]/;
const CACHE_FOR_EVER = 'public, max-age=31536000, immutable';
const CACHE_AFTER_ASKING = 'no-cache';

/** Serves the built web client at `/`, when it was built. */
export function serveWebClient(app: NestExpressApplication, dir: string): void {
  app.use((_request: IncomingMessage, response: ServerResponse, next: () => void) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    next();
  });
  if (!existsSync(path.join(dir, 'index.html'))) return;
  app.useStaticAssets(dir, {
    setHeaders: (response: ServerResponse, file: string) => {
      response.setHeader('cache-control', HASHED.test(file) ? CACHE_FOR_EVER : CACHE_AFTER_ASKING);
    },
  });
}
