import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { firstMissing } from './installed.mjs';

/**
 * @param {object} packages
 * @param {string} left
 */
const without = (packages, left) => Object.fromEntries(Object.entries(packages).filter(([name]) => name !== left));

describe('what is installed', () => {
  /** @type {string[]} */
  const roots = [];
  afterEach(async () => {
    for (const root of roots.splice(0)) await rm(root, { recursive: true });
  });

  const WANTED = {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/a/node_modules/b': { version: '2.0.0' },
    'node_modules/voice': { version: '3.0.0', optional: true },
  };

  /** @param {object | null} installed */
  async function rootWith(installed) {
    const root = await mkdtemp(path.join(tmpdir(), 'parley-installed-'));
    roots.push(root);
    await writeFile(path.join(root, 'package-lock.json'), JSON.stringify({ packages: WANTED }));
    if (installed === null) return root;
    await mkdir(path.join(root, 'node_modules'));
    const file = path.join(root, 'node_modules', '.package-lock.json');
    await writeFile(file, JSON.stringify({ packages: installed }));
    return root;
  }

  const ALL = without(WANTED, '');
  const WITHOUT_VOICE = without(ALL, 'node_modules/voice');
  const WITHOUT_A = without(ALL, 'node_modules/a');

  it('is complete with all packages, and without an optional one', async () => {
    assert.equal(await firstMissing(await rootWith(ALL)), null);
    assert.equal(await firstMissing(await rootWith(WITHOUT_VOICE)), null);
  });

  it('is incomplete without node_modules, without a package, and with another version', async () => {
    assert.equal(await firstMissing(await rootWith(null)), 'node_modules');
    assert.equal(await firstMissing(await rootWith(WITHOUT_A)), 'a');
    assert.equal(await firstMissing(await rootWith({ ...ALL, 'node_modules/a': { version: '1.0.1' } })), 'a');
    assert.equal(await firstMissing(await rootWith({ ...ALL, 'node_modules/voice': { version: '3.0.1' } })), 'voice');
  });
});
