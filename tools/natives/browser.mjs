// Finds Chromium for the browser tests, or installs Debian's package. Playwright drives it; no browser is bundled.

import { rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasApt, installSystemPackage } from './apt.mjs';
import { defaultSearchPath, findProgram, isExecutableFile, lastLines, runCommand } from './command.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const INSTALL_LOG = fileURLToPath(new URL('../../.cache/install-chromium.log', import.meta.url));
const VERSION_TIMEOUT_MS = 30_000;
const HINT = 'install Chromium (Debian: apt-get install chromium) or set PARLEY_CHROMIUM to its path';

/**
 * @typedef {object} BrowserOptions
 * @property {(line: string) => void} [log] told of slow steps
 * @property {string | undefined} [chosen] the browser to use instead of looking for one
 * @property {string} [searchPath] like PATH
 * @property {boolean} [isRoot]
 * @property {string} [listsDir] the system's package lists
 */

/**
 * @param {BrowserOptions} [options]
 * @returns {Promise<{ executablePath: string, version: string }>}
 */
export async function ensureBrowser(options = {}) {
  const { log = () => {}, searchPath = defaultSearchPath(), isRoot = process.getuid?.() === 0 } = options;
  const chosen = 'chosen' in options ? options.chosen : process.env.PARLEY_CHROMIUM;
  if (chosen) {
    const result = await checkStarts(path.resolve(chosen));
    if ('problem' in result) throw new Error(`PARLEY_CHROMIUM: ${result.problem}; ${HINT}`);
    return result;
  }
  const found = await findBrowser(searchPath);
  if (found && 'executablePath' in found) return found;
  const problem = found?.problem ?? 'no Chromium found';
  if (!isRoot || !(await hasApt())) throw new Error(`${problem}; ${HINT}`);

  try {
    const { listsDir } = options;
    await installSystemPackage({ packageName: 'chromium', logFile: INSTALL_LOG, log, listsDir });
    await rm(INSTALL_LOG, { force: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`could not install Chromium: ${reason}; ${HINT}`, { cause: error });
  }
  const installed = await findBrowser(searchPath);
  if (installed && 'executablePath' in installed) return installed;
  throw new Error(`${installed?.problem ?? 'the installed Chromium is not on PATH'}; ${HINT}`);
}

/**
 * @param {string} searchPath
 * @returns {Promise<{ executablePath: string, version: string } | { problem: string } | null>}
 */
async function findBrowser(searchPath) {
  let problem = null;
  for (const name of NAMES) {
    const file = await findProgram(name, searchPath);
    if (file === null) continue;
    const result = await checkStarts(file);
    if ('executablePath' in result) return result;
    problem ??= result;
  }
  return problem;
}

/**
 * Ubuntu has a `chromium-browser` that only tells to install a snap: a file of that name is not enough.
 *
 * @param {string} file
 * @returns {Promise<{ executablePath: string, version: string } | { problem: string }>}
 */
async function checkStarts(file) {
  if (!(await isExecutableFile(file))) return { problem: `${file} is not an executable file` };
  const result = await runCommand(file, ['--version'], { timeoutMs: VERSION_TIMEOUT_MS });
  if (result.code === 0) {
    return { executablePath: file, version: /\d+(?:\.\d+)+/.exec(result.stdout)?.[0] ?? 'unknown' };
  }
  const reason = result.failure ?? (lastLines(result.stderr, 1) || `exit code ${result.code}`);
  return { problem: `${file} does not start: ${reason}` };
}
