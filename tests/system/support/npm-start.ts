import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { REPOSITORY } from './cluster-process';
import { until } from './until';

export interface NpmStart {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** The address it printed. Rejects when it ends before. */
  ready(timeoutMs?: number): Promise<string>;
  /** The exit code; null after a signal. */
  exited: Promise<number | null>;
}

/** `npm start` as a user would type it, or the script behind it; only `env`, the path and the home are given to it. */
export function npmStart(how: 'npm' | 'node', env: Readonly<Record<string, string>> = {}): NpmStart {
  const [command, args] = how === 'npm' ? ['npm', ['start']] : [process.execPath, ['tools/start.mjs']];
  const child = spawn(command, args, {
    cwd: REPOSITORY,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  // With its output: `exit` may come before the last of it.
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    exited,
    ready: (timeoutMs = 120_000) =>
      until(
        'the address of the web client',
        () => {
          if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}\n${stdout}${stderr}`);
          return /^READY (http:\/\/\S+)$/m.exec(stdout)?.[1];
        },
        timeoutMs,
      ),
  };
}
