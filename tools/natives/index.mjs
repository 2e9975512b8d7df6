// What the tools use: the servers and the browser that tests need, none of which npm provides.

export { ensureBrowser } from './browser.mjs';
export { ensureNatives } from './natives.mjs';
export { startNats, startRedis, startSentinel } from './servers.mjs';
