// The servers and the browser that some steps need: got once for all of them, released at the end.

import { ensureBrowser, ensureNatives, startNats, startRedis } from '../natives/index.mjs';

/**
 * @typedef {object} Resources
 * @property {Record<string, string>} env tells the tests where they are
 * @property {Set<string>} missing `servers`, `browser`
 * @property {() => Promise<void>} close
 */

/**
 * @param {(line: string) => void} log
 * @returns {Promise<Resources>} whatever is missing has been explained
 */
export async function openResources(log) {
  /** @type {Resources} */
  const resources = { env: {}, missing: new Set(), close: async () => {} };
  try {
    const { natsServer, redisServer } = await ensureNatives({ log });
    const servers = await Promise.all([startNats(natsServer), startRedis(redisServer)]);
    Object.assign(resources.env, { NATS_TEST_URL: servers[0].url, REDIS_TEST_URL: servers[1].url });
    resources.close = async () => void (await Promise.all(servers.map((server) => server.stop())));
  } catch (error) {
    resources.missing.add('servers');
    log(`no servers for the tests: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    resources.env.PARLEY_CHROMIUM = (await ensureBrowser({ log })).executablePath;
  } catch (error) {
    resources.missing.add('browser');
    log(`no browser for the tests: ${error instanceof Error ? error.message : String(error)}`);
  }
  return resources;
}
