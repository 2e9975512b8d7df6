import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface NativeServers {
  natsUrl: string;
  redisUrl: string;
  /** Resolves when the servers started here are gone; those that were given keep running. Idempotent. */
  stop(): Promise<void>;
}

/** Downloading the servers is part of the first start. */
const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 15_000;

/**
 * The tools are ES modules, which Jest's transform cannot import, so a process of its own starts the servers. It ends
 * with its standard input, and so with this process however that ends; the servers end with it.
 */
const STARTER = `
const { ensureNatives, startNats, startRedis } = await import(process.argv[1]);
const { natsServer, redisServer } = await ensureNatives({ log: (line) => console.error(line) });
const [nats, redis] = await Promise.all([startNats(natsServer), startRedis(redisServer)]);
console.log(JSON.stringify({ natsUrl: nats.url, redisUrl: redis.url }));
process.stdin.resume().once('close', () => Promise.all([nats.stop(), redis.stop()]).then(() => process.exit(0)));
`;

/**
 * Private NATS and Redis on free ports of 127.0.0.1, or those that NATS_TEST_URL and REDIS_TEST_URL name (the test
 * runner starts one pair for all files). They may be shared: use subjects and keys of your own.
 */
export async function startNativeServers(): Promise<NativeServers> {
  const natsUrl = process.env['NATS_TEST_URL'];
  const redisUrl = process.env['REDIS_TEST_URL'];
  if (natsUrl !== undefined && redisUrl !== undefined) return { natsUrl, redisUrl, stop: () => Promise.resolve() };

  const tools = new URL('../../../../tools/natives/index.mjs', import.meta.url).href;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', STARTER, tools], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaints = '';
  starter.stderr.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-2_000)));
  starter.stdin.on('error', () => undefined);
  const gone = new Promise<void>((resolve) => {
    starter.once('exit', () => resolve());
    starter.once('error', (error) => {
      complaints += error.message;
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    starter.stdin.end();
    const timer = setTimeout(() => starter.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(timer);
  };

  const firstLine = new Promise<string>((resolve) => {
    createInterface({ input: starter.stdout }).once('line', resolve);
  });
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), START_TIMEOUT_MS);
  });
  const line = await Promise.race([firstLine, gone, tooLate]);
  clearTimeout(timer);
  if (typeof line !== 'string') {
    await stop();
    throw new Error(`NATS and Redis did not start: ${complaints.trim() || 'no answer'}`);
  }
  return { ...parseUrls(line), stop };
}

function parseUrls(line: string): { natsUrl: string; redisUrl: string } {
  const urls: unknown = JSON.parse(line);
  if (typeof urls === 'object' && urls !== null && 'natsUrl' in urls && 'redisUrl' in urls) {
    const { natsUrl, redisUrl } = urls;
    if (typeof natsUrl === 'string' && typeof redisUrl === 'string') return { natsUrl, redisUrl };
  }
  throw new Error(`the starter of NATS and Redis said: ${line}`);
}
