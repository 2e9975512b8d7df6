// Whether a target must be built again: by the content of everything it was made from, never by dates, so that a fresh
// clone, a branch switch and a restored file are all judged alike.

import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** They decide how everything is built. */
export const COMMON_INPUTS = [
  'package-lock.json',
  'tsconfig.base.json',
  'tools/build/bundle.mjs',
  'tools/build/targets.mjs',
  'tools/build/web.mjs',
];

/**
 * @typedef {{ inputs: Record<string, string>, outputs: Record<string, string> }} BuildRecord the hash of each file
 */

/**
 * @param {string} root
 * @param {string} name
 */
const recordFile = (root, name) => path.join(root, 'dist', '.build', `${name}.json`);

/**
 * @param {string} root
 * @param {string} name
 * @param {import('./targets.mjs').Target} target
 * @returns {Promise<boolean>}
 */
export async function isUpToDate(root, name, target) {
  const record = await readRecord(recordFile(root, name));
  if (record === null) return false;
  // A folder's files count one by one: a new one changes the build without any known one having changed.
  const added = (await folderInputs(root, target)).some((file) => !Object.hasOwn(record.inputs, file));
  return !added && (await allMatch(root, { ...record.inputs, ...record.outputs }));
}

/**
 * @param {string} root
 * @param {string} name
 * @param {import('./targets.mjs').Target} target
 * @param {{ inputs: string[], outputs: string[] }} files
 * @param {number} begunWallMs when the build began
 */
export async function recordBuild(root, name, target, files, begunWallMs) {
  const inputs = [...new Set([...COMMON_INPUTS, ...files.inputs, ...(await folderInputs(root, target))])];
  // Saved while the build ran: which of the two versions went into it is not known, so the next build does it again.
  const times = await Promise.all(inputs.map((file) => stat(path.join(root, file))));
  if (times.some(({ mtimeMs }) => mtimeMs >= begunWallMs)) return;
  const record = { inputs: await hashAll(root, inputs), outputs: await hashAll(root, files.outputs) };
  const file = recordFile(root, name);
  await mkdir(path.dirname(file), { recursive: true });
  // Replaced in one step: a build that is cut off must not leave a record that looks whole.
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, JSON.stringify(record));
  await rename(draft, file);
}

/**
 * @param {string} file
 * @returns {Promise<BuildRecord | null>}
 */
async function readRecord(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return null;
  }
}

/**
 * @param {string} root
 * @param {import('./targets.mjs').Target} target
 * @returns {Promise<string[]>}
 */
async function folderInputs(root, target) {
  if (target.kind !== 'web') return [];
  const entries = await readdir(path.join(root, target.root), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !/\.(spec|test)\.tsx?$/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

/**
 * @param {string} root
 * @param {Record<string, string>} hashes
 */
async function allMatch(root, hashes) {
  const files = Object.keys(hashes);
  const now = await hashAll(root, files).catch(() => null);
  return now !== null && files.every((file) => now[file] === hashes[file]);
}

/**
 * @param {string} root
 * @param {string[]} files
 * @returns {Promise<Record<string, string>>} rejects when one is missing
 */
async function hashAll(root, files) {
  const pairs = await Promise.all(
    files.map(async (file) => {
      const content = await readFile(path.join(root, file));
      return /** @type {const} */ ([file, createHash('sha256').update(content).digest('base64')]);
    }),
  );
  return Object.fromEntries(pairs);
}
