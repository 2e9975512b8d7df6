import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HEADERS, MESSAGES } from './spec-client';

/** The nearest installation upwards: no path to the repository's root is written down here. */
function findUpwards(from: string, wanted: string): string {
  const candidate = join(from, wanted);
  if (existsSync(candidate)) return candidate;
  if (dirname(from) === from) throw new Error(`${wanted} was not found`);
  return findUpwards(dirname(from), wanted);
}

describe('the fakes as a process', () => {
  let folder: string;
  let built: string;
  let child: ChildProcess | undefined;

  beforeAll(() => {
    const source = dirname(expect.getState().testPath ?? '');
    folder = mkdtempSync(join(tmpdir(), 'fakes-main-'));
    built = join(folder, 'main.mjs');
    const options = ['--bundle', '--platform=node', '--format=esm', '--log-level=error', `--outfile=${built}`];
    execFileSync(findUpwards(source, 'node_modules/.bin/esbuild'), [join(source, 'main.ts'), ...options]);
  });

  afterEach(() => child?.kill('SIGKILL'));
  afterAll(() => rmSync(folder, { recursive: true }));

  function start(env: Readonly<Record<string, string>>): ChildProcess {
    child = spawn(process.execPath, [built], { env: { ...process.env, ...env }, stdio: 'pipe' });
    return child;
  }

  const firstOutput = async (process: ChildProcess, stream: 'stdout' | 'stderr'): Promise<string> => {
    const [data] = (await once(process[stream] ?? process, 'data')) as [Buffer];
    return data.toString();
  };

  it('says where it listens, answers as the environment says, and ends on SIGTERM in the middle of an answer', async () => {
    const started = start({ FAKES_PORT: '0', FAKES_CHAT_TEXT: 'From the environment.', FAKES_TOKEN_DELAY_MS: '60000' });
    const ready = /^READY (http:\/\/127\.0\.0\.1:\d+\/v1)\n$/.exec(await firstOutput(started, 'stdout'));
    const body = { model: 'm', messages: MESSAGES, stream: true };
    const init = { method: 'POST', headers: HEADERS, body: JSON.stringify(body) };
    const response = await fetch(`${ready?.[1]}/chat/completions`, init);
    const reader = response.body?.getReader();
    let text = '';
    while (!text.includes('"From"')) text += Buffer.from((await reader?.read())?.value ?? []).toString();
    const exited = once(started, 'exit');
    started.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    await expect(reader?.read()).rejects.toThrow('terminated');
  });

  it('refuses an environment it does not understand, with an exit code', async () => {
    const started = start({ FAKES_SPEECH_PACE: 'fast' });
    const exited = once(started, 'exit');
    expect(await firstOutput(started, 'stderr')).toContain('FAKES_SPEECH_PACE');
    expect(await exited).toEqual([1, null]);
  });
});
