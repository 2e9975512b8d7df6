import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { audioOf } from '../support/indexed-audio';
import { processesOf } from '../support/processes';
import { speakTurn } from '../support/spoken-turn';
import { npmStart, type NpmStart } from '../support/npm-start';
import { TestClient } from '../support/test-client';
import { until } from '../support/until';

/** The build is up to date, nothing is installed: what a user waits for at the second start. */
const READY_WITHIN_MS = 5_000;
/** The one that has to build first may be this one. */
const FIRST_START_MS = 150_000;
const AUDIBLE_RMS = 0.01;

jest.setTimeout(180_000);

describe('npm start, with nothing configured', () => {
  let tmpDir: string;
  let started: NpmStart | undefined;

  const start = (how: 'npm' | 'node', env: Record<string, string> = {}): NpmStart => {
    started = npmStart(how, { TMPDIR: tmpDir, PARLEY_PORT: '0', ...env });
    return started;
  };
  const readyAt = (): Promise<string> => start('npm').ready();

  beforeAll(async () => {
    tmpDir = mkdtempSync(join(tmpdir(), 'parley-start-'));
    const first = start('npm');
    await first.ready(FIRST_START_MS);
    first.child.kill('SIGTERM');
    await first.exited;
  });

  // Whatever a test left: by their marker, so that nobody else's process is hit.
  afterEach(async () => {
    for (const pid of processesOf(tmpDir).keys()) process.kill(pid, 'SIGKILL');
    await started?.exited;
  });

  afterAll(() => rmSync(tmpDir, { recursive: true, force: true }));

  it('is ready within 5 s at the second start and prints where the web client is', async () => {
    const startedMs = performance.now();
    const url = await readyAt();
    expect(performance.now() - startedMs).toBeLessThan(READY_WITHIN_MS);
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
    const html = await page.text();
    expect(html).toMatch(/<title>.*Parley.*<\/title>/i);
    // It is the built client: its script is there too.
    const script = /<script[^>]* src="([^"]+)"/.exec(html)?.[1] ?? '';
    const answer = await fetch(new URL(script, url));
    expect(answer.headers.get('content-type')).toContain('javascript');
    expect((await answer.text()).length).toBeGreaterThan(10_000);
  });

  it('answers liveness, readiness and metrics on its own port', async () => {
    const url = await readyAt();
    const get = async (path: string) => {
      const answer = await fetch(new URL(path, url));
      return { status: answer.status, body: await answer.text() };
    };
    expect(await get('/healthz/live')).toMatchObject({ status: 200 });
    expect(await get('/healthz/ready')).toEqual({ status: 200, body: '{"ready":true,"reasons":[]}' });
    const metrics = await get('/metrics');
    expect(metrics.body).toMatch(/^parley_takeovers_total 0$/m);
    expect(metrics.body).toMatch(/^process_cpu_seconds_total/m);
  });

  it('[DR1][DR7] speaks: a turn is answered aloud, and its text and its face come with it', async () => {
    const client = await TestClient.connect({ url: await readyAt() });
    const turn = await speakTurn(client, 'Thanks', 20_000);
    expect(turn).toMatchObject({ status: 'completed', errors: [] });
    expect(turn.texts.join('')).toMatch(/\w+/);
    expect(turn.samples).toBeGreaterThan(24_000 / 2);
    expect(rms(audioOf(client, turn.responseId))).toBeGreaterThan(AUDIBLE_RMS);
    expect(client.events().filter(({ type }) => type === 'parley.visemes').length).toBeGreaterThan(0);
    await client.close();
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s to npm itself ends it within 5 s and leaves no child and no file',
    async (signal) => {
      const { child, exited, ready } = start('npm');
      const client = await TestClient.connect({ url: await ready() });
      await speakTurn(client, 'Thanks', 20_000);
      expect(processesOf(tmpDir).size).toBeGreaterThanOrEqual(2);
      child.kill(signal);
      expect((await client.waitClosed()).code).toBe(1012);
      await exited;
      await until('no process of it is left', () => processesOf(tmpDir).size === 0, 5_000);
      expect(readdirSync(tmpDir).filter((name) => !name.startsWith('node-compile-cache'))).toEqual([]);
    },
  );

  describe('when it cannot start', () => {
    const errorLines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
    let taken: Server | undefined;

    afterEach(() => {
      taken?.close();
      taken = undefined;
    });

    it('because the port is taken, it says so in one line that names the port, and exits with a failure', async () => {
      taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const address = taken.address();
      const port = String(typeof address === 'object' && address !== null ? address.port : 0);
      const failed = start('node', { PARLEY_PORT: port });
      expect(await failed.exited).toBeGreaterThan(0);
      expect(errorLines(failed.stderr())).toEqual([expect.stringMatching(new RegExp(`^error: .*${port}.*in use.*`))]);
      expect(failed.stdout()).not.toContain('READY');
    });

    it('because of bad settings, it names all of them in one line, shows no value, and exits with a failure', async () => {
      const bad = {
        PARLEY_PORT: 'eighty-eighty',
        PARLEY_LLM: 'hal9000',
        PARLEY_LOG_LEVEL: 'chatty',
        OPENAI_API_KEY: 'sk with a blank',
        OPENAI_BASE_URL: 'gopher://secret.example',
      };
      const failed = start('node', bad);
      expect(await failed.exited).toBeGreaterThan(0);
      const lines = errorLines(failed.stderr());
      expect(lines).toEqual([expect.stringMatching(/^error: /)]);
      for (const [name, value] of Object.entries(bad)) {
        expect(lines[0]).toContain(name);
        expect(failed.stderr() + failed.stdout()).not.toContain(value);
      }
    });

    it('npm too ends with a failure', async () => {
      const failed = start('npm', { PARLEY_PORT: 'eighty-eighty' });
      expect(await failed.exited).toBeGreaterThan(0);
    });
  });
});

/** Of full scale. */
function rms(pcm: Buffer): number {
  let sum = 0;
  for (let at = 0; at < pcm.length; at += 2) sum += (pcm.readInt16LE(at) / 32_768) ** 2;
  return Math.sqrt(sum / (pcm.length / 2));
}
