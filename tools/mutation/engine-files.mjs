import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../support/root.mjs';
import { ENGINE } from './report.mjs';

/** @param {(file: string) => boolean} isWanted @returns {[string, string][]} name and text, by name */
function engineFiles(isWanted) {
  return readdirSync(path.join(ROOT, ENGINE), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && isWanted(file))
    .sort()
    .map((file) => [file, readFileSync(path.join(ROOT, ENGINE, file), 'utf8')]);
}

const isTest = (/** @type {string} */ file) => file.endsWith('.spec.ts');

/** What is mutated; a file of types alone has no mutants and is one of them all the same. */
export const engineSources = () =>
  Object.fromEntries(engineFiles((file) => !isTest(file) && !file.startsWith('testing/')));

export const engineTests = () => engineFiles(isTest);
