import { readFileSync } from 'node:fs';
import { request } from 'node:https';

export interface HttpsAnswer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}

export interface HttpsOptions {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** The file of the only certificate that is trusted. */
  certificate: string;
}

/** A plain request over TLS, on a connection of its own. */
export function httpsRequest(
  url: string,
  { method = 'GET', headers = {}, body, certificate }: HttpsOptions,
): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, ca: readFileSync(certificate), agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.once('error', reject);
      response.once('end', () => {
        const { statusCode: status = 0, headers: answered } = response;
        resolve({ status, headers: answered, body: Buffer.concat(pieces).toString() });
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
