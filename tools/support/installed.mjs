// Whether node_modules is what package-lock.json asks for, and how to get there.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from './root.mjs';
import { runChild } from './run-child.mjs';

/**
 * Installs what is missing; does nothing and costs a few milliseconds when all is there.
 *
 * @param {(line: string) => void} log
 * @returns {Promise<boolean>} false when the installation failed, which has then said why
 */
export async function ensureInstalled(log) {
  const missing = await firstMissing(ROOT);
  if (missing === null) return true;
  log(`installing packages (${missing} is missing)`);
  return (await runChild('npm', ['ci', '--no-audit', '--no-fund'], { cwd: ROOT })) === 0;
}

/**
 * npm writes down what it installed in `node_modules/.package-lock.json`. Optional packages may be missing (they are
 * another platform's, or were left out), but not be there in another version.
 *
 * @param {string} root
 * @returns {Promise<string | null>} the name of a package that is missing or of another version
 */
export async function firstMissing(root) {
  const wanted = await readPackages(path.join(root, 'package-lock.json'));
  if (wanted === null) throw new Error('package-lock.json cannot be read');
  const installed = await readPackages(path.join(root, 'node_modules', '.package-lock.json'));
  if (installed === null) return 'node_modules';
  for (const [name, { version, optional, devOptional }] of Object.entries(wanted)) {
    if (name === '' || installed[name]?.version === version) continue;
    if (installed[name] === undefined && (optional || devOptional)) continue;
    return name.replace('node_modules/', '');
  }
  return null;
}

/**
 * @param {string} file
 * @returns {Promise<Record<string, { version: string, optional?: boolean, devOptional?: boolean }> | null>}
 */
async function readPackages(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8')).packages;
  } catch {
    return null;
  }
}
