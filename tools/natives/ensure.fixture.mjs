// For natives.spec.mjs: ensureNatives in a process of its own. Options come as JSON, the result goes out as JSON.

import { ensureNatives } from './index.mjs';

const options = JSON.parse(process.argv[2] ?? '{}');
process.stdout.write(JSON.stringify(await ensureNatives(options)));
