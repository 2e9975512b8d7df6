// For servers.spec.mjs: a process that starts servers, says so, and waits to be killed.

import { ensureNatives, startNats, startRedis } from './index.mjs';

const { natsServer, redisServer } = await ensureNatives();
const servers = await Promise.all([startNats(natsServer), startRedis(redisServer)]);
process.stdout.write(`${JSON.stringify(servers.map(({ pid, dir }) => ({ pid, dir })))}\n`);
// So that an abandoned fixture ends by itself, and its servers with it.
setTimeout(() => process.exit(1), 30_000);
