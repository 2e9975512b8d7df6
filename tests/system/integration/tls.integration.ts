import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect } from 'node:tls';
import { WebSocket } from 'ws';
import { httpsRequest } from '../support/https-request';
import { npmStart, type NpmStart } from '../support/npm-start';
import { openAiClient } from '../support/openai-client';

const FIRST_START_MS = 150_000;

jest.setTimeout(180_000);

let home: string;
let started: NpmStart | undefined;

/** Its home is a folder of this test: that is where the certificate is kept. */
const start = (env: Record<string, string>): NpmStart =>
  (started = npmStart('node', { HOME: home, PARLEY_PORT: '0', PARLEY_TLS_PORT: '0', ...env }));

async function ready(): Promise<{ url: string; plainUrl: string; certificate: string }> {
  const program = start({});
  const plainUrl = await program.ready(FIRST_START_MS);
  const [, url = '', certificate = ''] = /^TLS (https:\S+) certificate=(\S+)$/m.exec(program.stdout()) ?? [];
  return { url, plainUrl, certificate };
}

async function stop(): Promise<void> {
  started?.child.kill('SIGTERM');
  await started?.exited;
}

async function served(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

beforeAll(() => (home = mkdtempSync(join(tmpdir(), 'parley-home-'))));
afterEach(stop);
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('npm start with PARLEY_TLS_PORT', () => {
  it('serves the page, health and metrics there too, by a certificate whose file it prints', async () => {
    const { url, plainUrl, certificate } = await ready();
    expect(certificate.startsWith(home)).toBe(true);
    for (const path of ['/', '/healthz/ready', '/metrics']) {
      const plain = await fetch(new URL(path, plainUrl));
      const secure = await httpsRequest(new URL(path, url).href, { certificate });
      expect([path, secure.status, secure.headers['content-type']]).toEqual([
        path,
        200,
        plain.headers.get('content-type'),
      ]);
    }
    const page = await (await fetch(plainUrl)).text();
    expect((await httpsRequest(url, { certificate })).body).toBe(page);
  });

  it('is where the official client speaks, which trusts the certificate by NODE_EXTRA_CA_CERTS alone', async () => {
    const { url, certificate } = await ready();
    const turn = await openAiClient({ url, certificate, key: 'dev' }, 'turn', 'Thanks');
    expect(turn).toMatchObject({ status: 'completed', created: { object: 'realtime.session' } });
    expect(turn['audioBytes']).toBeGreaterThan(24_000);
    expect(turn['failure']).toBeUndefined();
    const other = join(home, 'other.pem');
    writeFileSync(other, '');
    expect(await openAiClient({ url, certificate: other, key: 'dev' }, 'turn', 'Thanks')).toMatchObject({
      failure: expect.stringContaining('self-signed'),
    });
  });

  it('closes both ports when it stops, and tells the clients of both', async () => {
    const { url, plainUrl, certificate } = await ready();
    const open = async (address: string): Promise<WebSocket> => {
      const socket = new WebSocket(`${address.replace('http', 'ws')}/v1/realtime`, {
        ca: readFileSync(certificate),
        headers: { authorization: 'Bearer dev' },
      });
      await once(socket, 'open');
      return socket;
    };
    const codes = (await Promise.all([open(url), open(plainUrl)])).map((socket) => once(socket, 'close'));
    await stop();
    expect((await Promise.all(codes)).map(([code]) => Number(code))).toEqual([1012, 1012]);
    await expect(open(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(open(plainUrl)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('keeps its certificate for the next start, and takes the one of PARLEY_TLS_CERT instead', async () => {
    const { certificate } = await ready();
    const made = new X509Certificate(readFileSync(certificate)).fingerprint256;
    await stop();
    const again = await ready();
    expect([again.certificate, await served(again.url)]).toEqual([certificate, made]);
    await stop();
    const [own, key] = [join(home, 'own.pem'), join(home, 'own-key.pem')];
    copyFileSync(certificate, own);
    copyFileSync(join(dirname(certificate), 'key.pem'), key);
    rmSync(dirname(certificate), { recursive: true });
    const program = start({ PARLEY_TLS_CERT: own, PARLEY_TLS_KEY: key });
    await program.ready();
    const [, url = ''] = /^TLS (https:\S+)$/m.exec(program.stdout()) ?? [];
    expect(await served(url)).toBe(made);
  });
});

describe('npm start, when TLS cannot be served', () => {
  const fails = async (env: Record<string, string>): Promise<string> => {
    const program = start(env);
    expect(await program.exited).toBeGreaterThan(0);
    expect(program.stdout()).not.toContain('READY');
    const lines = program.stderr().split('\n').filter(Boolean);
    expect(lines).toHaveLength(1);
    return lines[0] ?? '';
  };

  it('because the port is taken, says which variable to change, in one line', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = String(typeof address === 'object' && address !== null ? address.port : 0);
    expect(await fails({ PARLEY_TLS_PORT: port })).toMatch(
      new RegExp(`^error: PARLEY_TLS_PORT: 127\\.0\\.0\\.1:${port} is already in use`),
    );
    taken.close();
  });

  it('because of the files, says which variable names the bad one, in one line without its path', async () => {
    const { certificate } = await ready();
    await stop();
    const foreign = join(home, 'foreign.pem');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    writeFileSync(foreign, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const missing = join(home, 'missing.pem');
    const said = [
      await fails({ PARLEY_TLS_CERT: missing, PARLEY_TLS_KEY: foreign }),
      await fails({ PARLEY_TLS_CERT: certificate, PARLEY_TLS_KEY: missing }),
      await fails({ PARLEY_TLS_CERT: foreign, PARLEY_TLS_KEY: foreign }),
      await fails({ PARLEY_TLS_CERT: certificate, PARLEY_TLS_KEY: foreign }),
      await fails({ PARLEY_TLS_CERT: certificate }),
    ];
    expect(said).toEqual([
      'error: bad settings: PARLEY_TLS_CERT names a file that cannot be read (ENOENT)',
      'error: bad settings: PARLEY_TLS_KEY names a file that cannot be read (ENOENT)',
      'error: bad settings: PARLEY_TLS_CERT names a file that holds no certificate (PEM)',
      'error: bad settings: PARLEY_TLS_KEY names a key that is not the one of PARLEY_TLS_CERT',
      'error: bad settings: PARLEY_TLS_KEY must be set beside PARLEY_TLS_CERT',
    ]);
  });
});
