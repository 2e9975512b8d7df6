import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { COMMON_INPUTS, isUpToDate, recordBuild } from './up-to-date.mjs';

const BUNDLE = /** @type {const} */ ({ kind: 'bundles', bundles: [] });
const WEB = /** @type {const} */ ({ kind: 'web', root: 'web', outDir: 'dist/web' });
const FILES = { inputs: ['src/a.ts'], outputs: ['dist/a.js'] };

describe('what is up to date', () => {
  let root = '';

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'parley-build-'));
    for (const file of [...COMMON_INPUTS, 'src/a.ts', 'dist/a.js', 'web/page.ts']) await write(file, 'old');
  });
  afterEach(() => rm(root, { recursive: true }));

  /**
   * @param {string} file
   * @param {string} content
   */
  async function write(file, content) {
    const full = path.join(root, file);
    await mkdir(path.dirname(full), { recursive: true });
    await writeFile(full, content);
    // Written before the build began, as far as the file system can tell.
    await utimes(full, 1, 1);
  }

  /** @param {import('./targets.mjs').Target} target */
  const build = (target) => recordBuild(root, 'x', target, FILES, Date.now());

  it('is nothing before the first build, and all after it', async () => {
    assert.equal(await isUpToDate(root, 'x', BUNDLE), false);
    await build(BUNDLE);
    assert.equal(await isUpToDate(root, 'x', BUNDLE), true);
  });

  for (const file of ['src/a.ts', 'dist/a.js', ...COMMON_INPUTS]) {
    it(`is not what was made from, or is, another ${file}; it is again with the old one`, async () => {
      await build(BUNDLE);
      await write(file, 'new');
      assert.equal(await isUpToDate(root, 'x', BUNDLE), false);
      await write(file, 'old');
      assert.equal(await isUpToDate(root, 'x', BUNDLE), true);
    });
  }

  it('is not what has lost its output', async () => {
    await build(BUNDLE);
    await rm(path.join(root, 'dist/a.js'));
    assert.equal(await isUpToDate(root, 'x', BUNDLE), false);
  });

  it('is not the web client whose folder has a new file, tests apart', async () => {
    await build(WEB);
    await write('web/page.spec.ts', 'new');
    assert.equal(await isUpToDate(root, 'x', WEB), true);
    await write('web/icon.svg', 'new');
    assert.equal(await isUpToDate(root, 'x', WEB), false);
  });

  it('is not what was saved while the build ran', async () => {
    const begunWallMs = Date.now() - 1_000;
    await writeFile(path.join(root, 'src/a.ts'), 'saved meanwhile');
    await recordBuild(root, 'x', BUNDLE, FILES, begunWallMs);
    assert.equal(await isUpToDate(root, 'x', BUNDLE), false);
  });
});
