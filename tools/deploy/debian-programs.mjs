// Debian 12's own docker-compose, kubectl and Prometheus, unpacked into the cache: nothing is installed on this system,
// and nobody needs root or a container engine.

import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { hasApt, unpackPackages } from '../natives/apt.mjs';
import { runCommand } from '../natives/command.mjs';
import { ROOT } from '../support/root.mjs';

const VERSION_TIMEOUT_MS = 20_000;
/** Longer than any fetch takes: a draft younger than this may be somebody's work in progress. */
const ABANDONED_AFTER_MS = 3_600_000;

/**
 * @typedef {object} Program
 * @property {string} command
 * @property {string[]} args to put before the caller's own
 * @property {Record<string, string>} env all it needs beside what the caller adds
 *
 * @typedef {object} Programs
 * @property {Program} compose
 * @property {Program} composePython the interpreter with docker-compose's modules
 * @property {Program} kubectl
 * @property {Program} prometheus
 * @property {Program} promtool
 *
 * @typedef {object} Bundle
 * @property {string[]} packages
 * @property {string[]} unneeded folders that make up most of the unpacked bytes
 * @property {(root: string) => Record<string, Program>} programs
 * @property {string} probe the program that shows that the bundle works
 * @property {string[]} versionArgs
 * @property {RegExp} version what is wanted: these dialects are what the files are checked against
 */

/** @param {string} command */
const plain = (command) => ({ command, args: [], env: {} });

/** docker-compose is Python, so Python comes along: what this system has may be another one. */
const PYTHON = ['libpython3.11-minimal', 'libpython3.11-stdlib', 'python3.11-minimal'];
const PYTHON_MODULES =
  'attr certifi chardet charset-normalizer distro distutils docker dockerpty docopt dotenv idna jsonschema lib2to3 ' +
  'pyrsistent requests six texttable urllib3 websocket yaml';

/** @type {Record<string, Bundle>} */
const BUNDLES = {
  compose: {
    packages: ['docker-compose', ...PYTHON, ...PYTHON_MODULES.split(' ').map((name) => `python3-${name}`)],
    unneeded: ['usr/share'],
    programs: (root) => {
      const env = {
        PYTHONHOME: path.join(root, 'usr'),
        PYTHONPATH: path.join(root, 'usr/lib/python3/dist-packages'),
      };
      const command = path.join(root, 'usr/bin/python3.11');
      return {
        compose: { command, args: [path.join(root, 'usr/bin/docker-compose')], env },
        composePython: { command, args: [], env },
      };
    },
    probe: 'compose',
    versionArgs: ['version', '--short'],
    version: /^1\.29\./,
  },
  kubectl: {
    packages: ['kubernetes-client'],
    unneeded: ['usr/share'],
    programs: (root) => ({ kubectl: plain(path.join(root, 'usr/bin/kubectl')) }),
    probe: 'kubectl',
    versionArgs: ['version', '--client', '--short'],
    version: /v1\.20\./,
  },
  prometheus: {
    packages: ['prometheus'],
    unneeded: ['usr/share'],
    programs: (root) => ({
      prometheus: plain(path.join(root, 'usr/bin/prometheus')),
      promtool: plain(path.join(root, 'usr/bin/promtool')),
    }),
    probe: 'prometheus',
    versionArgs: ['--version'],
    version: /version 2\./,
  },
};

/**
 * @param {{ log?: (line: string) => void, cacheDir?: string }} [options]
 * @returns {Promise<Programs>} rejects with one line that says what is missing
 */
export async function ensureDebianPrograms({ log = () => {}, cacheDir } = {}) {
  const dir = cacheDir ?? path.join(ROOT, '.cache', 'debian-programs');
  const [compose, kubectl, prometheus] = await Promise.all(
    ['compose', 'kubectl', 'prometheus'].map((name) => ensureBundle(name, dir, log)),
  );
  return /** @type {Programs} */ ({ ...compose, ...kubectl, ...prometheus });
}

/**
 * @param {string} name
 * @param {string} cacheDir
 * @param {(line: string) => void} log
 * @returns {Promise<Record<string, Program>>}
 */
async function ensureBundle(name, cacheDir, log) {
  const bundle = BUNDLES[name];
  const root = path.join(cacheDir, `${name}-${await systemKey()}`);
  // Only what works is ever put there.
  if (await stat(root).catch(() => null)) return bundle.programs(root);
  if (!(await hasApt())) throw new Error(`${name} of Debian 12 cannot be fetched: this system has no apt-get`);
  await mkdir(cacheDir, { recursive: true });
  await removeAbandoned(cacheDir);
  const draft = await mkdtemp(path.join(cacheDir, `draft-${name}-`));
  try {
    log(`fetching Debian's ${bundle.packages[0]} into the cache (nothing is installed)`);
    await unpack(bundle, draft, log);
    if (!(await works(bundle, path.join(draft, 'root'))))
      throw new Error('it is of another version, or does not start');
    await rename(path.join(draft, 'root'), root);
  } catch (error) {
    // Somebody else may have been faster.
    if (await stat(root).catch(() => null)) return bundle.programs(root);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name} of Debian 12 cannot be fetched: ${reason}`, { cause: error });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return bundle.programs(root);
}

/**
 * Removes what processes that were killed have left behind.
 *
 * @param {string} cacheDir
 */
async function removeAbandoned(cacheDir) {
  for (const name of (await readdir(cacheDir)).filter((entry) => entry.startsWith('draft-'))) {
    const entry = path.join(cacheDir, name);
    const modified = await stat(entry).catch(() => null);
    if (modified !== null && Date.now() - modified.mtimeMs > ABANDONED_AFTER_MS) {
      await rm(entry, { recursive: true, force: true });
    }
  }
}

/**
 * @param {Bundle} bundle
 * @param {string} draft
 * @param {(line: string) => void} log
 */
async function unpack({ packages, unneeded }, draft, log) {
  const rootDir = path.join(draft, 'root');
  const logFile = `${draft}.log`;
  await unpackPackages({ packages, workDir: path.join(draft, 'apt'), rootDir, logFile, log });
  for (const folder of unneeded) await rm(path.join(rootDir, folder), { recursive: true, force: true });
  await rm(logFile);
}

/**
 * @param {Bundle} bundle
 * @param {string} root
 */
async function works(bundle, root) {
  const program = bundle.programs(root)[bundle.probe];
  const result = await runProgram(program, bundle.versionArgs, { timeoutMs: VERSION_TIMEOUT_MS });
  return result.code === 0 && bundle.version.test(`${result.stdout}${result.stderr}`.trim());
}

/**
 * @param {Program} program
 * @param {readonly string[]} args
 * @param {{ timeoutMs: number, env?: Record<string, string>, cwd?: string }} options `env` is all but the program's own
 */
export function runProgram({ command, args: ownArgs, env: ownEnv }, args, { env = {}, ...options }) {
  // HOME: docker-compose looks for its client settings there, and finds none.
  return runCommand(command, [...ownArgs, ...args], { ...options, env: { HOME: '/nonexistent', ...env, ...ownEnv } });
}

/** @returns {Promise<string>} what a program must have been made for: a checkout may be mounted into another system */
async function systemKey() {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const version = /^VERSION_ID="?([\w.-]+)/m.exec(release)?.[1] ?? 'unknown';
  return `${version}-${process.arch}`;
}
