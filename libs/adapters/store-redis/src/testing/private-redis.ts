import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A redis-server that a test may spoil. */
export interface PrivateRedis {
  readonly url: string;
  readonly port: number;
  /** Resolves when it is gone. Idempotent. */
  stop(): Promise<void>;
}

/** The tools are ES modules, which Jest's transform cannot import. The server ends with this process's standard input. */
const STARTER = `
const [tools, options] = process.argv.slice(1);
const { ensureNatives, startRedis } = await import(tools);
const { redisServer } = await ensureNatives({ log: (line) => console.error(line) });
const redis = await startRedis({ ...redisServer, ...JSON.parse(options) });
console.log(redis.port);
process.stdin.resume().once('close', () => redis.stop().then(() => process.exit(0)));
`;

export interface PrivateRedisOptions {
  /** Else a free one. */
  port?: number;
  /** Lines of redis.conf. */
  config?: string;
}

/** Rejects when it does not start; the tools that start it have deadlines of their own. */
export async function startPrivateRedis(options: PrivateRedisOptions = {}): Promise<PrivateRedis> {
  const tools = new URL('../../../../../tools/natives/index.mjs', import.meta.url).href;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', STARTER, tools, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaints = '';
  starter.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const gone = new Promise<undefined>((resolve) => {
    starter.once('close', () => resolve(undefined));
    starter.once('error', (error) => {
      complaints += error.message;
      resolve(undefined);
    });
  });
  const firstLine = new Promise<string>((resolve) => {
    createInterface({ input: starter.stdout }).once('line', resolve);
  });
  const line = await Promise.race([firstLine, gone]);
  if (line === undefined) throw new Error(`redis-server did not start: ${complaints.trim()}`);
  const port = Number(line);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    stop: async () => {
      starter.stdin.end();
      await gone;
    },
  };
}
