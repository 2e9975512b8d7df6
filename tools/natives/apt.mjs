// Debian's package manager, used in two ways: with a private state (never touches the system, needs no root), and
// for an ordinary system install. apt's own output names mirrors, so it goes to a file, never into a message.

import { appendFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findProgram, runCommand } from './command.mjs';

const UPDATE_TIMEOUT_MS = 120_000;
const RESOLVE_TIMEOUT_MS = 60_000;
const DOWNLOAD_TIMEOUT_MS = 120_000;
const UNPACK_TIMEOUT_MS = 60_000;
const INSTALL_TIMEOUT_MS = 900_000;
/** A package manager that is killed half-way leaves the system half-configured: give it time to finish a step. */
const INSTALL_KILL_GRACE_MS = 30_000;

export const SYSTEM_LISTS_DIR = '/var/lib/apt/lists';

/** What a package may bring along. Not libc: it must match the loader of the system it runs on. */
const WANTED_DEPENDENCY = /^(?:lib|lua-)/;
const UNWANTED_DEPENDENCY = /^libc(?:6|-bin|-dev-bin)$/;

/**
 * By default an update that reached nothing at all still "succeeds"; Error-Mode says so. The system's hooks clear or notify system things after an update; a private update must not run them. Lists can
 * only be cleared from a file. One host that does not answer must not hold everything up.
 */
const PRIVATE_CONFIG = `
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
`;

/** Why apt failed, in words that hold no name of a mirror. */
const REASONS = /** @type {const} */ ([
  [/could not get lock|unable to lock|is another process using it/i, 'another apt or dpkg is running'],
  [/no space left/i, 'no space left on the disk'],
  [/permission denied|are you root/i, 'permission denied'],
  [/unmet dependencies|broken packages|dpkg was interrupted/i, 'the dependencies on this system cannot be satisfied'],
  [/404 +Not Found/, 'the mirror does not have the version that the package lists name'],
  [
    /failed to fetch|some index files failed|could not (resolve|connect)|temporary failure/i,
    'the package mirror cannot be reached',
  ],
  [/unable to locate|no installation candidate|unable to find/i, 'the package sources do not have the package'],
  [/not signed|NO_PUBKEY|couldn't be verified/i, 'the package lists are not signed by a known key'],
]);

/** @returns {Promise<boolean>} */
export async function hasApt() {
  const programs = await Promise.all(['apt-get', 'dpkg'].map((name) => findProgram(name)));
  return programs.every((program) => program !== null);
}

/**
 * @param {string} [listsDir]
 * @returns {Promise<boolean>} whether package lists are there at all (minimal images ship without)
 */
export async function hasPackageLists(listsDir = SYSTEM_LISTS_DIR) {
  const names = await readdir(listsDir).catch(() => /** @type {string[]} */ ([]));
  return names.some((name) => /_Packages(\.\w+)?$/.test(name));
}

/**
 * Downloads packages, with the libraries this system lacks, and unpacks them. The work folder is the caller's to remove.
 *
 * @param {{ packages: readonly string[], workDir: string, rootDir: string, logFile: string,
 *   log: (line: string) => void, systemListsDir?: string }} options
 */
export async function unpackPackages({ packages, workDir, rootDir, logFile, log, systemListsDir }) {
  await writeFile(logFile, '');
  const systemLists = systemListsDir ?? SYSTEM_LISTS_DIR;
  if (await hasPackageLists(systemLists)) {
    try {
      const apt = await createPrivateApt(path.join(workDir, 'with-system-lists'), logFile, systemLists);
      return await downloadAndUnpack(apt, packages, rootDir);
    } catch (error) {
      // The system's lists may be old, and name versions the mirror has dropped.
      log(`${messageOf(error)}; trying again with fresh package lists`);
    }
  }
  const apt = await createPrivateApt(path.join(workDir, 'with-own-lists'), logFile);
  log('reading package lists into a private apt state');
  // An update "fails" when one of several sources does. What matters is whether the packages are found afterwards.
  const updateFailure = await apt.run(['update'], UPDATE_TIMEOUT_MS).then(
    () => null,
    (error) => messageOf(error),
  );
  try {
    await downloadAndUnpack(apt, packages, rootDir);
  } catch (error) {
    throw new Error(updateFailure ?? messageOf(error), { cause: error });
  }
}

/**
 * @typedef {{ run: (args: readonly string[], timeoutMs: number) => Promise<string>, downloadDir: string,
 *   logFile: string }} PrivateApt
 */

/**
 * @param {string} dir
 * @param {string} logFile
 * @param {string} [listsDir] package lists to read instead of own ones
 * @returns {Promise<PrivateApt>}
 */
async function createPrivateApt(dir, logFile, listsDir = path.join(dir, 'lists')) {
  const at = (/** @type {string} */ name) => path.join(dir, name);
  for (const name of ['state', 'lists/partial', 'cache/archives/partial', 'log', 'download']) {
    await mkdir(at(name), { recursive: true });
  }
  await writeFile(at('apt.conf'), PRIVATE_CONFIG);
  // Given as options, not in the file: there a quote in a folder's name would end the value.
  const settings = {
    'Dir::State': at('state'),
    'Dir::State::lists': listsDir,
    'Dir::Cache': at('cache'),
    'Dir::Cache::archives': at('cache/archives'),
    'Dir::Log': at('log'),
  };
  const options = ['-c', at('apt.conf')];
  for (const [name, value] of Object.entries(settings)) options.push('-o', `${name}=${value}`);
  return {
    downloadDir: at('download'),
    logFile,
    run: (args, timeoutMs) =>
      runLogged('apt-get', ['-q', ...options, ...args], { timeoutMs, logFile, cwd: at('download') }),
  };
}

/**
 * @param {PrivateApt} apt
 * @param {readonly string[]} packages
 * @param {string} rootDir
 */
async function downloadAndUnpack(apt, packages, rootDir) {
  // A simulated install names exactly what this system lacks, whatever the release.
  const plan = await apt.run(['-s', '--no-install-recommends', 'install', ...packages], RESOLVE_TIMEOUT_MS);
  const names = new Set(packages);
  for (const [, name = ''] of plan.matchAll(/^Inst (\S+) /gm)) {
    if (WANTED_DEPENDENCY.test(name) && !UNWANTED_DEPENDENCY.test(name)) names.add(name);
  }
  await apt.run(['download', ...names], DOWNLOAD_TIMEOUT_MS);
  const archives = (await readdir(apt.downloadDir)).filter((name) => name.endsWith('.deb'));
  if (archives.length < names.size) throw new Error('apt-get download left out a package');
  for (const archive of archives) {
    const args = ['-x', path.join(apt.downloadDir, archive), rootDir];
    await runLogged('dpkg', args, { timeoutMs: UNPACK_TIMEOUT_MS, logFile: apt.logFile });
  }
}

/**
 * Installs a package on this system. Needs root.
 *
 * @param {{ packageName: string, logFile: string, log: (line: string) => void, listsDir?: string }} options
 */
export async function installSystemPackage({ packageName, logFile, log, listsDir }) {
  await mkdir(path.dirname(logFile), { recursive: true });
  await writeFile(logFile, '');
  const lock = ['-o', 'DPkg::Lock::Timeout=120', '-q'];
  const update = () => {
    log('apt-get update');
    return runLogged('apt-get', [...lock, '-o', 'APT::Update::Error-Mode=any', 'update'], {
      timeoutMs: UPDATE_TIMEOUT_MS,
      logFile,
    });
  };
  const install = () => {
    log(`apt-get install ${packageName}`);
    const args = [...lock, 'install', '-y', '--no-install-recommends', packageName];
    const killGraceMs = INSTALL_KILL_GRACE_MS;
    return runLogged('apt-get', args, { timeoutMs: INSTALL_TIMEOUT_MS, logFile, killGraceMs });
  };
  if (await hasPackageLists(listsDir)) {
    try {
      await install();
      return;
    } catch (error) {
      log(`${messageOf(error)}; trying again with fresh package lists`);
    }
  }
  // As above: one source of several may fail without harm.
  await update().catch((error) => log(messageOf(error)));
  await install();
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ timeoutMs: number, logFile: string, cwd?: string, killGraceMs?: number }} options
 * @returns {Promise<string>} its standard output
 */
async function runLogged(command, args, { logFile, ...options }) {
  // LC_ALL: the output is read by this program.
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  const result = await runCommand(command, args, { ...options, env });
  const output = `${result.stdout}${result.stderr}`;
  await appendFile(logFile, `${command} ${args.join(' ')}\n${output}`);
  if (result.code === 0) return result.stdout;
  const verb = args.find((arg) => /^(update|install|download)$/.test(arg)) ?? args[0];
  const found = REASONS.find(([pattern]) => pattern.test(output));
  const reason = found?.[1] ?? result.failure ?? `exit code ${result.code}`;
  throw new Error(`${command} ${verb} failed: ${reason} (details in ${logFile})`);
}

/**
 * @param {unknown} error
 * @returns {string}
 */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
