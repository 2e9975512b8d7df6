// deploy/Dockerfile, followed as far as that goes without a container engine: the very files that a build would send,
// built by the very commands it would run, in a folder that has nothing else.

import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { lastLines, runCommand } from '../natives/command.mjs';
import { ROOT } from '../support/root.mjs';
import { runProgram } from './debian-programs.mjs';

const CONTEXT_TIMEOUT_MS = 30_000;
const BUILD_TIMEOUT_MS = 120_000;
/** More than this in the context is something that does not belong there. */
const MAX_CONTEXT_FILES = 1500;

/** What docker-compose 1.29 itself uses to make the context from .dockerignore. */
const LIST_CONTEXT = `
import json, os, sys
from docker.utils.build import exclude_paths
root = sys.argv[1]
with open(root + '/.dockerignore') as f:
    patterns = [line.strip() for line in f if line.strip() and not line.startswith('#')]
paths = exclude_paths(root, patterns, dockerfile='deploy/Dockerfile')
print(json.dumps(sorted(path for path in paths if os.path.isfile(os.path.join(root, path)))))
`;

/**
 * @typedef {import('./debian-programs.mjs').Programs} Programs
 *
 * @typedef {{ keyword: string, value: string }} Instruction
 *
 * @typedef {object} Image
 * @property {string[]} problems
 * @property {string} appDir what is in the image's working folder
 * @property {Record<string, string>} env of every container
 * @property {string[]} entrypoint
 */

/**
 * @param {string} text of a Dockerfile
 * @returns {Instruction[][]} the instructions of each stage
 */
export function parseDockerfile(text) {
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n');
  /** @type {Instruction[][]} */
  const stages = [];
  for (const line of lines) {
    const [, keyword, value] = /^\s*([A-Z]+)\s+(.*?)\s*$/.exec(line) ?? [];
    if (keyword === undefined || value === undefined) continue;
    if (keyword === 'FROM') stages.push([]);
    stages.at(-1)?.push({ keyword, value });
  }
  return stages;
}

/**
 * Everything that is wrong with the Dockerfile by itself.
 *
 * @param {Instruction[][]} stages
 * @returns {string[]}
 */
export function checkDockerfile(stages) {
  const problems = [];
  for (const { keyword, value } of stages.flat()) {
    if (keyword === 'FROM' && !/^node:24-[\w-]+-slim( |$)/.test(value)) problems.push(`FROM ${value} is not Node 24`);
    if (/^(ENV|ARG)$/.test(keyword) && /key|secret|token|password/i.test(value)) problems.push('it holds a secret');
  }
  const last = stages.at(-1) ?? [];
  const user = valueOf(last, 'USER') ?? '';
  if (!/^[1-9]\d*(:[1-9]\d*)?$/.test(user)) problems.push(`USER ${user} is not a number above 0`);
  if (!/org\.opencontainers\.image\.licenses=/.test(valueOf(last, 'LABEL') ?? '')) problems.push('no licence is named');
  if (last.some(({ keyword, value }) => keyword === 'COPY' && !value.startsWith('--from='))) {
    problems.push('the image holds files that were not built');
  }
  return problems.map((what) => `Dockerfile: ${what}`);
}

/**
 * @param {Programs} programs
 * @param {string} dir an empty folder outside the repository
 * @returns {Promise<Image>}
 */
export async function assembleImage(programs, dir) {
  const stages = parseDockerfile(await readFile(path.join(ROOT, 'deploy/Dockerfile'), 'utf8'));
  const last = stages.at(-1) ?? [];
  const image = {
    problems: checkDockerfile(stages),
    appDir: path.join(dir, 'app'),
    env: Object.fromEntries(
      [...(valueOf(last, 'ENV') ?? '').matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
    ),
    entrypoint: JSON.parse(valueOf(last, 'ENTRYPOINT') ?? '[]'),
  };
  const sourceDir = path.join(dir, 'src');
  const context = await listContext(programs);
  if (context.length > MAX_CONTEXT_FILES) image.problems.push(`the build context has ${context.length} files`);
  image.problems.push(
    ...context
      .filter((file) => /(^|\/)\.env|\.(pem|key)$|^(dist|\.cache|\.git|node_modules)\//.test(file))
      .map((file) => `the build context holds ${file}`),
  );
  for (const file of context) await cp(path.join(ROOT, file), path.join(sourceDir, file), { recursive: false });
  await symlink(path.join(ROOT, 'node_modules'), path.join(sourceDir, 'node_modules'));
  image.problems.push(...(await runBuild(stages.flat(), sourceDir)));
  if (image.problems.length === 0) await copyIntoImage(last, sourceDir, image.appDir);
  return image;
}

/**
 * @param {Programs} programs
 * @returns {Promise<string[]>} the files that a build sends, by their paths in the repository
 */
async function listContext({ composePython }) {
  const args = ['-c', LIST_CONTEXT, ROOT];
  const { code, stdout, stderr, failure } = await runProgram(composePython, args, { timeoutMs: CONTEXT_TIMEOUT_MS });
  if (code !== 0) throw new Error(`the build context cannot be listed: ${failure ?? lastLines(stderr, 2)}`);
  return JSON.parse(stdout);
}

/**
 * The stage's own commands; `npm ci` is what made the repository's node_modules.
 *
 * @param {Instruction[]} instructions
 * @param {string} sourceDir
 * @returns {Promise<string[]>}
 */
async function runBuild(instructions, sourceDir) {
  for (const { keyword, value } of instructions) {
    if (keyword !== 'RUN' || value.startsWith('npm ci')) continue;
    const [command, ...args] = value.split(' ');
    if (command !== 'node') return [`Dockerfile: this check cannot run ${value}`];
    const result = await runCommand(process.execPath, args, { timeoutMs: BUILD_TIMEOUT_MS, cwd: sourceDir });
    if (result.code !== 0) return [`Dockerfile: ${value} fails: ${result.failure ?? lastLines(result.stderr, 4)}`];
  }
  return [];
}

/**
 * @param {Instruction[]} stage
 * @param {string} sourceDir
 * @param {string} appDir
 */
async function copyIntoImage(stage, sourceDir, appDir) {
  for (const { keyword, value } of stage) {
    if (keyword !== 'COPY') continue;
    const [, from = '', to = ''] = /^--from=build \/src\/(\S+) \.\/(\S+)$/.exec(value) ?? [];
    if (from === '') throw new Error(`Dockerfile: this check cannot follow COPY ${value}`);
    await mkdir(path.dirname(path.join(appDir, to)), { recursive: true });
    await cp(path.join(sourceDir, from), path.join(appDir, to), { recursive: true, dereference: true });
  }
}

/**
 * @param {Instruction[]} stage
 * @param {string} keyword
 */
const valueOf = (stage, keyword) => stage.findLast((instruction) => instruction.keyword === keyword)?.value;
