import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { SystemPorts } from '@parley/ports';
import type { TlsConfig } from '../config';
import type { ConfigProblem } from '../derived';
import { developmentCertificate, type CertificateFiles } from './development-certificate';

/** What a server needs for TLS, both PEM. */
export interface TlsCredentials {
  certificate: string;
  key: string;
  /** The file of a certificate that was made here, which nobody trusts who is not told to; undefined: it was configured. */
  madeHere: string | undefined;
}

export type CredentialsOutcome =
  { kind: 'valid'; credentials: TlsCredentials } | { kind: 'invalid'; problem: ConfigProblem };

const VARIABLE_OF = { certificate: 'PARLEY_TLS_CERT', key: 'PARLEY_TLS_KEY' } as const;
const CACHE = path.join(homedir(), '.cache', 'parley');

/**
 * The configured certificate and key, or those for development, which are kept in `cache`. What is wrong with them is told
 * before anything starts, by the name of the variable; never what is in it, which may be the key itself.
 */
export async function tlsCredentials(
  { files }: TlsConfig,
  system: Pick<SystemPorts, 'clock' | 'random'>,
  cache = CACHE,
): Promise<CredentialsOutcome> {
  if (!files) return madeHere(system, cache);
  const pair = await read(files);
  if (pair.kind === 'bad') return invalid(VARIABLE_OF[pair.file], pair.problem);
  return { kind: 'valid', credentials: { certificate: pair.certificate, key: pair.key, madeHere: undefined } };
}

async function madeHere(system: Pick<SystemPorts, 'clock' | 'random'>, cache: string): Promise<CredentialsOutcome> {
  const orSet = 'or set PARLEY_TLS_CERT and PARLEY_TLS_KEY';
  try {
    const files = await developmentCertificate(cache, system);
    const pair = await read(files);
    if (pair.kind === 'pair') {
      const { certificate, key } = pair;
      return { kind: 'valid', credentials: { certificate, key, madeHere: files.certificate } };
    }
    const folder = path.dirname(files.certificate);
    return invalid('PARLEY_TLS_PORT', `has a spoiled certificate for development: remove ${folder}, ${orSet}`);
  } catch (error) {
    const why = `finds no place in ${cache} for a certificate for development (${codeOf(error)})`;
    return invalid('PARLEY_TLS_PORT', `${why}: make room, ${orSet}`);
  }
}

const invalid = (variable: string, problem: string): CredentialsOutcome => ({
  kind: 'invalid',
  problem: { variable, problem },
});

type Pair =
  | { kind: 'pair'; certificate: string; key: string }
  /** Which of the two files, and what about it. */
  | { kind: 'bad'; file: keyof CertificateFiles; problem: string };

async function read(files: CertificateFiles): Promise<Pair> {
  const [certificate, key] = await Promise.all([contentOf(files.certificate), contentOf(files.key)]);
  const bad = (file: keyof CertificateFiles, problem: string): Pair => ({ kind: 'bad', file, problem });
  if ('code' in certificate) return bad('certificate', `names a file that cannot be read (${certificate.code})`);
  if ('code' in key) return bad('key', `names a file that cannot be read (${key.code})`);
  const x509 = parsed(() => new X509Certificate(certificate.text));
  if (!x509) return bad('certificate', 'names a file that holds no certificate (PEM)');
  const privateKey = parsed(() => createPrivateKey(key.text));
  if (!privateKey) return bad('key', 'names a file that holds no private key (PEM, without a passphrase)');
  if (!x509.checkPrivateKey(privateKey)) return bad('key', 'names a key that is not the one of PARLEY_TLS_CERT');
  return { kind: 'pair', certificate: certificate.text, key: key.text };
}

const contentOf = (file: string): Promise<{ text: string } | { code: string }> =>
  readFile(file, 'utf8').then(
    (text) => ({ text }),
    (error: unknown) => ({ code: codeOf(error) }),
  );

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

/** `ENOENT` and the like; a message would repeat the path. */
const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown failure';
