import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';

const REPOSITORY = resolve(__dirname, '../../..');
/** With a cold cache it fetches three of Debian's programs. */
const CHECK_TIMEOUT_MS = 240_000;
/** The exit code of tools/check-deploy.mjs when this system does not have what it needs. */
const NOT_TO_BE_HAD = 3;

const program = z.object({ command: z.string(), args: z.array(z.string()), env: z.record(z.string(), z.string()) });
const start = z.object({
  by: z.enum(['compose', 'k8s']),
  name: z.string(),
  role: z.string(),
  command: z.array(z.string()).min(2),
  env: z.record(z.string(), z.string()),
  graceMs: z.number(),
  probePaths: z.array(z.string()),
  healthCommand: z.array(z.string()),
});
const report = z.object({
  starts: z.array(start),
  queries: z.array(z.object({ title: z.string(), expr: z.string() })),
  prometheus: z.object({ args: z.array(z.string()), config: z.unknown() }),
  programs: z.object({ prometheus: program }),
});

/** How a container is started: see tools/deploy/starts.mjs. */
export type Start = z.infer<typeof start>;
export type Report = z.infer<typeof report>;

export type DeployCheck =
  /** `output` says what is wrong, if anything; `report` is there when nothing is. */
  | { kind: 'checked'; exitCode: number | null; output: string; report: Report | undefined }
  | { kind: 'not-to-be-had'; output: string };

/**
 * Runs tools/check-deploy.mjs, which leaves in `dir` what the image would hold. It is done before the tests are
 * declared, because they are skipped where Debian's programs are not to be had, and Jest wants to know that at once.
 */
export function checkDeploy(dir: string): DeployCheck {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, ['tools/check-deploy.mjs', '--out', dir], {
    cwd: REPOSITORY,
    encoding: 'utf8',
    timeout: CHECK_TIMEOUT_MS,
  });
  const output = `${stdout}${stderr}${error === undefined ? '' : error.message}`.trim();
  if (status === NOT_TO_BE_HAD) return { kind: 'not-to-be-had', output };
  const found = status === 0 ? report.parse(JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8'))) : undefined;
  return { kind: 'checked', exitCode: status, output, report: found };
}
