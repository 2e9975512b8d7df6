import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { REPOSITORY } from './cluster-process';

/** Where the official client connects, what it trusts, and with which key. */
export interface OpenAiAccess {
  /** https. */
  url: string;
  certificate: string;
  key: string;
}

/** What the official client printed (see openai-program.mjs). */
export async function openAiClient(
  { url, certificate, key }: OpenAiAccess,
  ...args: readonly string[]
): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, ['tests/system/support/openai-program.mjs', ...args], {
    cwd: REPOSITORY,
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_EXTRA_CA_CERTS: certificate,
      OPENAI_BASE_URL: `${url}/v1`,
      OPENAI_API_KEY: key,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  await once(child, 'close');
  if (stdout === '') throw new Error(`the client printed nothing\n${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}
