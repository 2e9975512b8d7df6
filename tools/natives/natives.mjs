// Finds nats-server and redis-server, or fetches Debian's packages into the repository's cache.
//
// The cache is safe without locks: everyone unpacks into an own `bundle-*` folder, and a manifest, replaced atomically,
// names the bundle in use. Two processes that fetch at the same time do the work twice, and both end with one that works.

import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasApt, unpackPackages } from './apt.mjs';
import { defaultSearchPath, findProgram, runCommand } from './command.mjs';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const VERSION_TIMEOUT_MS = 10_000;
/** Longer than any fetch takes: an unreferenced bundle younger than this may be somebody's work in progress. */
const ABANDONED_AFTER_MS = 3_600_000;

/** redis-tools: in Debian the server is a link to a program in that package. */
const PACKAGES = ['nats-server', 'redis-server', 'redis-tools'];
const HINT =
  'install nats-server (https://nats.io/download) and redis-server (https://redis.io/download) and put both on ' +
  'PATH; on Debian they are fetched without root';

/**
 * @typedef {object} NativeProgram
 * @property {string} command absolute path
 * @property {Record<string, string>} env variables to add to the environment
 * @property {string} version what it answers to --version
 *
 * @typedef {{ natsServer: NativeProgram, redisServer: NativeProgram }} Natives
 *
 * @typedef {object} NativesOptions
 * @property {(line: string) => void} [log] told of slow steps
 * @property {string} [cacheDir]
 * @property {string} [searchPath] where to look for installed programs, like PATH
 * @property {string} [systemListsDir] the system's package lists, read only
 */

/**
 * @param {NativesOptions} [options]
 * @returns {Promise<Natives>}
 */
export async function ensureNatives(options = {}) {
  const { log = () => {}, cacheDir = path.join(REPOSITORY, '.cache', 'natives') } = options;
  const searchPath = options.searchPath ?? defaultSearchPath();
  const [natsServer, redisServer] = await Promise.all([
    findInstalled('nats-server', searchPath),
    findInstalled('redis-server', searchPath),
  ]);
  if (natsServer && redisServer) return { natsServer, redisServer };

  const manifestFile = path.join(cacheDir, `${await platformKey()}.json`);
  const bundled = (await readBundle(manifestFile)) ?? (await fetchBundle({ ...options, log, cacheDir, manifestFile }));
  return { natsServer: natsServer ?? bundled.natsServer, redisServer: redisServer ?? bundled.redisServer };
}

/**
 * @param {string} name
 * @param {string} searchPath
 * @returns {Promise<NativeProgram | null>}
 */
async function findInstalled(name, searchPath) {
  const command = await findProgram(name, searchPath);
  return command === null ? null : checkStarts(command, {});
}

/**
 * @param {string} command
 * @param {Record<string, string>} env
 * @returns {Promise<NativeProgram | null>} null when it does not start, as with a library missing
 */
async function checkStarts(command, env) {
  const result = await runCommand(command, ['--version'], {
    timeoutMs: VERSION_TIMEOUT_MS,
    env: { ...process.env, ...env },
  });
  if (result.code !== 0) return null;
  return { command, env, version: /\d+\.\d+\.\d+/.exec(result.stdout)?.[0] ?? 'unknown' };
}

/** @returns {Promise<string>} what a binary must have been made for: a checkout may be mounted into another system */
async function platformKey() {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (/** @type {string} */ name) =>
    new RegExp(`^${name}="?([\\w.-]+)`, 'm').exec(release)?.[1] ?? 'unknown';
  return `${field('ID')}-${field('VERSION_ID')}-${process.arch}`;
}

/**
 * @param {string} manifestFile
 * @returns {Promise<Natives | null>} null when there is none, or it does not start
 */
async function readBundle(manifestFile) {
  const bundle = await readManifest(manifestFile);
  return bundle === null ? null : inspectBundle(path.join(path.dirname(manifestFile), bundle));
}

/**
 * @param {string} manifestFile
 * @returns {Promise<string | null>} the name of a bundle's folder
 */
async function readManifest(manifestFile) {
  try {
    const bundle = JSON.parse(await readFile(manifestFile, 'utf8')).bundle;
    return typeof bundle === 'string' && /^bundle-\w+$/.test(bundle) ? bundle : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} bundleDir
 * @returns {Promise<Natives | null>}
 */
async function inspectBundle(bundleDir) {
  const rootDir = path.join(bundleDir, 'root');
  const folders = ['usr/sbin', 'usr/bin', 'sbin', 'bin'].map((name) => path.join(rootDir, name));
  const programPath = folders.join(path.delimiter);
  const [natsCommand, redisCommand, libraryDirs] = await Promise.all([
    findProgram('nats-server', programPath),
    findProgram('redis-server', programPath),
    findLibraryDirs(rootDir),
  ]);
  if (natsCommand === null || redisCommand === null) return null;
  const libraryPath = [...libraryDirs, process.env.LD_LIBRARY_PATH ?? ''].filter((part) => part !== '');
  /** @type {Record<string, string>} */
  const redisEnv = libraryDirs.length > 0 ? { LD_LIBRARY_PATH: libraryPath.join(path.delimiter) } : {};
  const [natsServer, redisServer] = await Promise.all([
    checkStarts(natsCommand, {}),
    checkStarts(redisCommand, redisEnv),
  ]);
  return natsServer && redisServer ? { natsServer, redisServer } : null;
}

/**
 * @param {string} rootDir
 * @returns {Promise<string[]>} the folders the loader would search: Debian's are named after the architecture
 */
async function findLibraryDirs(rootDir) {
  const found = [];
  for (const parent of ['usr/lib', 'lib']) {
    const names = await readdir(path.join(rootDir, parent)).catch(() => /** @type {string[]} */ ([]));
    for (const name of names.filter((entry) => entry.includes('-linux-gnu'))) {
      found.push(path.join(rootDir, parent, name));
    }
  }
  return found;
}

/**
 * @param {{ log: (line: string) => void, cacheDir: string, manifestFile: string, systemListsDir?: string }} options
 * @returns {Promise<Natives>}
 */
async function fetchBundle({ log, cacheDir, manifestFile, systemListsDir }) {
  if (!(await hasApt())) throw new Error(`nats-server and redis-server not found: ${HINT}`);
  await mkdir(cacheDir, { recursive: true });
  await removeAbandoned(cacheDir);
  const bundleDir = await mkdtemp(path.join(cacheDir, 'bundle-'));
  try {
    // The next to use it may be another user.
    await chmod(bundleDir, 0o755);
    return await fillBundle({ log, bundleDir, manifestFile, systemListsDir });
  } catch (error) {
    await rm(bundleDir, { recursive: true, force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`could not fetch nats-server and redis-server: ${reason}; ${HINT}`, { cause: error });
  }
}

/**
 * @param {{ log: (line: string) => void, bundleDir: string, manifestFile: string, systemListsDir?: string }} options
 * @returns {Promise<Natives>}
 */
async function fillBundle({ log, bundleDir, manifestFile, systemListsDir }) {
  log("fetching Debian's nats-server and redis-server into the cache (nothing is installed)");
  const bundleName = path.basename(bundleDir);
  const workDir = path.join(bundleDir, 'apt');
  // Beside the bundles, so that it survives a failure; one per process, so that two do not mix.
  const logFile = path.join(path.dirname(bundleDir), `${bundleName}.log`);
  await unpackPackages({
    packages: PACKAGES,
    workDir,
    rootDir: path.join(bundleDir, 'root'),
    logFile,
    log,
    systemListsDir,
  });
  await rm(workDir, { recursive: true, force: true });
  const natives = await inspectBundle(bundleDir);
  if (natives === null) throw new Error('the unpacked servers do not start');

  const other = await readBundle(manifestFile);
  if (other !== null) {
    // Another process was faster; its bundle may already be in use, ours is not.
    await Promise.all([rm(bundleDir, { recursive: true, force: true }), rm(logFile, { force: true })]);
    return other;
  }
  const draft = path.join(bundleDir, 'manifest.json');
  await writeFile(draft, JSON.stringify({ bundle: bundleName }));
  await rename(draft, manifestFile);
  await rm(logFile, { force: true });
  return natives;
}

/**
 * Removes what processes that were killed have left behind.
 *
 * @param {string} cacheDir
 */
async function removeAbandoned(cacheDir) {
  const names = await readdir(cacheDir);
  const manifests = names.filter((name) => name.endsWith('.json'));
  const used = await Promise.all(manifests.map((name) => readManifest(path.join(cacheDir, name))));
  for (const name of names.filter((entry) => entry.startsWith('bundle-') && !used.includes(entry))) {
    const entry = path.join(cacheDir, name);
    const modified = await stat(entry).catch(() => null);
    if (modified !== null && Date.now() - modified.mtimeMs > ABANDONED_AFTER_MS) {
      await rm(entry, { recursive: true, force: true });
    }
  }
}
