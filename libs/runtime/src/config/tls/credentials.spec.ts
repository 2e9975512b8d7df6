import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tlsCredentials, type TlsCredentials } from './credentials';
import { selfSigned } from './self-signed';

const YEAR = 2026;
/** The last moment of it. */
const system = { clock: { nowMs: () => 0, wallMs: () => Date.UTC(YEAR + 1, 0) - 1 }, random: randomHex() };
const validity = { from: new Date(0), to: new Date(Date.UTC(2049, 0)) };

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'parley-tls-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function randomHex() {
  let drawn = 0;
  return { fraction: () => 0, hex: (bytes: number) => (++drawn).toString(16).padStart(2 * bytes, '0') };
}

const file = (name: string, content: string): string => {
  writeFileSync(path.join(folder, name), content);
  return path.join(folder, name);
};
const own = selfSigned('own', '01', validity);
const other = selfSigned('other', '02', validity);

async function valid(files?: { certificate: string; key: string }, of = system): Promise<TlsCredentials> {
  const outcome = await tlsCredentials({ port: 1, files }, of, path.join(folder, 'cache'));
  if (outcome.kind === 'invalid') throw new Error(`${outcome.problem.variable} ${outcome.problem.problem}`);
  return outcome.credentials;
}
async function problem(files?: { certificate: string; key: string }): Promise<string> {
  return valid(files).then(
    () => 'none',
    (error: Error) => error.message,
  );
}

describe('a configured certificate', () => {
  it('is taken with its chain and its key, as they are', async () => {
    const certificate = file('c.pem', `${own.certificate}${other.certificate}`);
    expect(await valid({ certificate, key: file('k.pem', own.key) })).toEqual({
      certificate: `${own.certificate}${other.certificate}`,
      key: own.key,
      madeHere: undefined,
    });
  });

  it.each([
    ['c.pem', 'PARLEY_TLS_CERT names a file that cannot be read (ENOENT)'],
    ['k.pem', 'PARLEY_TLS_KEY names a file that cannot be read (ENOENT)'],
  ])('or key that is not there is told by its variable, not by its path: %s', async (missing, message) => {
    const files = { certificate: file('c.pem', own.certificate), key: file('k.pem', own.key) };
    rmSync(path.join(folder, missing));
    expect(await problem(files)).toBe(message);
  });

  it.each<[string, string, string, string]>([
    ['a text', 'hello', own.key, 'PARLEY_TLS_CERT names a file that holds no certificate (PEM)'],
    ['a key', own.key, own.key, 'PARLEY_TLS_CERT names a file that holds no certificate (PEM)'],
    ['a certificate', own.certificate, own.certificate, 'PARLEY_TLS_KEY names a file that holds no private key'],
    ['a locked key', own.certificate, lockedKey(), 'PARLEY_TLS_KEY names a file that holds no private key'],
    ['another key', own.certificate, other.key, 'PARLEY_TLS_KEY names a key that is not the one of PARLEY_TLS_CERT'],
  ])('or key is refused in words that repeat nothing of it: %s', async (_what, certificate, key, message) => {
    const said = await problem({ certificate: file('c.pem', certificate), key: file('k.pem', key) });
    expect(said).toContain(message);
    expect(said.split('\n')).toHaveLength(1);
    expect(said).not.toContain(folder);
  });
});

describe('a certificate for development', () => {
  const cache = (): string => path.join(folder, 'cache');

  it('is made once, kept where clients can be told of it, and its key is readable to its owner alone', async () => {
    const first = await valid();
    expect(first.madeHere).toBe(path.join(cache(), `tls-${YEAR}`, 'certificate.pem'));
    expect(readFileSync(String(first.madeHere), 'utf8')).toBe(first.certificate);
    expect(new X509Certificate(first.certificate).checkPrivateKey(createPrivateKey(first.key))).toBe(true);
    expect(statSync(path.join(cache(), `tls-${YEAR}`, 'key.pem')).mode & 0o077).toBe(0);
    expect(await valid()).toEqual(first);
  });

  it('is one, whichever of several processes makes it', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => valid()));
    expect(new Set(all.map(({ certificate, key }) => certificate + key)).size).toBe(1);
    expect(readdirSync(cache())).toEqual([`tls-${YEAR}`]);
  });

  it('is another one in the next year, and the old one is good for that year too', async () => {
    const old = new X509Certificate((await valid()).certificate);
    const nextYear = { ...system, clock: { nowMs: () => 0, wallMs: () => Date.UTC(YEAR + 1, 0) } };
    const next = await valid(undefined, nextYear);
    expect(next.madeHere).toBe(path.join(cache(), `tls-${YEAR + 1}`, 'certificate.pem'));
    expect(new Date(old.validTo)).toEqual(new Date(Date.UTC(YEAR + 2, 0)));
    expect(new Date(new X509Certificate(next.certificate).validFrom)).toEqual(new Date(Date.UTC(YEAR + 1, 0)));
  });

  it('that is spoiled, or has no place, is told with what to do', async () => {
    const { madeHere } = await valid();
    writeFileSync(String(madeHere), 'spoiled');
    expect(await problem()).toBe(
      `PARLEY_TLS_PORT has a spoiled certificate for development: remove ${path.dirname(String(madeHere))}, ` +
        'or set PARLEY_TLS_CERT and PARLEY_TLS_KEY',
    );
    rmSync(cache(), { recursive: true });
    file('cache', 'a file where the folder would be');
    expect(await problem()).toMatch(/^PARLEY_TLS_PORT finds no place in .* for a certificate .* \((EEXIST|ENOTDIR)\)/);
  });
});

function lockedKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' }).toString();
}
