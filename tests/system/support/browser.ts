import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';
import { REPOSITORY } from './cluster-process';

/** Installing a browser is part of the first run. */
const FIND_TIMEOUT_MS = 300_000;

/** No sandbox for root; no service of the browser's own, which would be a request of nobody's page. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];

/** A headless Chromium with a new, empty profile, which goes when it closes. Rejects where there is none: no test of it is skipped. */
export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: await browserPath(), args: FLAGS });
}

/** The tools are ES modules, which Jest's transform cannot import, so a process of its own looks for it. */
async function browserPath(): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['tools/natives/cli.mjs', 'browser'], {
    cwd: REPOSITORY,
    timeout: FIND_TIMEOUT_MS,
  }).catch((error: Error & { stderr?: string }) => {
    throw new Error(`these tests need a browser: ${error.stderr?.trim() || error.message}`);
  });
  const path = /^chromium \S+ (.+)$/m.exec(stdout)?.[1];
  if (path === undefined) throw new Error(`the tool that finds the browser said: ${stdout}`);
  return path;
}
