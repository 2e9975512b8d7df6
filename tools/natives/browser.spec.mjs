import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ensureBrowser } from './index.mjs';
import { failureOf, temporaryDir, writeScript } from './testing.mjs';

/** No test here may install anything: apt-get is a script that writes down how it was called. */
const FAKE_APT = `
here="\${0%/*}"
echo "$@" >> "$here/calls"
case "$*" in
  *update*) : > "$here/lists/x_Packages" ;;
  *install*)
    test -e "$here/lists/x_Packages" && test ! -e "$here/stale" || { rm -f "$here/stale"; exit 100; }
    printf '#!/bin/sh\\necho Chromium 1.2.3.4\\n' > "$here/chromium"; chmod 755 "$here/chromium" ;;
esac`;

/** @param {import('node:test').TestContext} t */
async function fakeSystem(t) {
  const dir = await temporaryDir(t);
  const listsDir = path.join(dir, 'lists');
  await mkdir(listsDir);
  await writeScript(path.join(dir, 'apt-get'), FAKE_APT);
  await writeScript(path.join(dir, 'dpkg'), 'exit 1');
  const { PATH } = process.env;
  t.after(() => (process.env.PATH = PATH));
  process.env.PATH = `${dir}:${PATH}`;
  const calls = async () => {
    const text = await readFile(path.join(dir, 'calls'), 'utf8').catch(() => '');
    return [...text.matchAll(/\b(?:update|install .*)$/gm)].map(([call]) => call);
  };
  const options = { chosen: undefined, searchPath: dir, listsDir, isRoot: true };
  return { dir, listsDir, options, calls };
}

const INSTALL = 'install -y --no-install-recommends chromium';

test('a browser on PATH is used', async (t) => {
  const { dir, options, calls } = await fakeSystem(t);
  const file = await writeScript(path.join(dir, 'google-chrome'), 'echo Google Chrome 7.8.9.0');
  assert.deepEqual(await ensureBrowser(options), { executablePath: file, version: '7.8.9.0' });
  assert.deepEqual(await calls(), []);
});

test('the chosen browser is used, and must start', async (t) => {
  const { dir, options } = await fakeSystem(t);
  const chosen = await writeScript(path.join(dir, 'my browser'), 'echo Chromium 5.0');
  assert.equal((await ensureBrowser({ ...options, chosen })).executablePath, chosen);
  await writeScript(chosen, 'echo no display >&2; exit 4');
  assert.match(
    await failureOf(ensureBrowser({ ...options, chosen })),
    /^PARLEY_CHROMIUM: .*my browser does not start: no display; install Chromium/,
  );
});

test('root on Debian: installs; updates the package lists only when there are none', async (t) => {
  const { dir, options, calls } = await fakeSystem(t);
  const expected = { executablePath: path.join(dir, 'chromium'), version: '1.2.3.4' };
  assert.deepEqual(await ensureBrowser(options), expected);
  assert.deepEqual(await calls(), ['update', INSTALL]);
  assert.deepEqual(await ensureBrowser(options), expected);
  assert.equal((await calls()).length, 2);
});

test('root on Debian: old package lists are updated when the install fails', async (t) => {
  const { dir, listsDir, options, calls } = await fakeSystem(t);
  await writeFile(path.join(listsDir, 'x_Packages'), '');
  await writeFile(path.join(dir, 'stale'), '');
  await ensureBrowser(options);
  assert.deepEqual(await calls(), [INSTALL, 'update', INSTALL]);
});

test('not root: one line names what to install', async (t) => {
  const { options, calls } = await fakeSystem(t);
  const message = await failureOf(ensureBrowser({ ...options, isRoot: false }));
  assert.equal(
    message,
    'no Chromium found; install Chromium (Debian: apt-get install chromium) or set PARLEY_CHROMIUM to its path',
  );
  assert.deepEqual(await calls(), []);
});
