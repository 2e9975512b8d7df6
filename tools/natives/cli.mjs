#!/usr/bin/env node
// node tools/natives/cli.mjs natives|browser: finds or fetches them, and prints where they are.

import { ensureBrowser, ensureNatives } from './index.mjs';

/** @type {Record<string, () => Promise<string[]>>} */
const COMMANDS = {
  natives: async () => {
    const { natsServer, redisServer } = await ensureNatives({ log });
    return Object.entries({ 'nats-server': natsServer, 'redis-server': redisServer }).map(
      ([name, { command, env, version }]) => {
        const variables = Object.entries(env).map(([key, value]) => `${key}=${value} `);
        return `${name} ${version} ${variables.join('')}${command}`;
      },
    );
  },
  browser: async () => {
    const { executablePath, version } = await ensureBrowser({ log });
    return [`chromium ${version} ${executablePath}`];
  },
};

/** Progress goes to standard error: standard output is the result. @param {string} line */
function log(line) {
  process.stderr.write(`${line}\n`);
}

const [name = '', ...rest] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (command === undefined || rest.length > 0) {
  log('usage: node tools/natives/cli.mjs natives|browser');
  process.exitCode = 1;
} else {
  try {
    for (const line of await command()) process.stdout.write(`${line}\n`);
  } catch (error) {
    log(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
