// All tests of the turn engine as one file, so that Jest loads the engine once and not once for each spec.

const { readdirSync } = require('node:fs');
const { join } = require('node:path');

const ENGINE = join(__dirname, '../../libs/turn-engine/src');

const specs = readdirSync(ENGINE, { recursive: true }).filter((file) => file.endsWith('.spec.ts'));
for (const file of specs.sort()) require(join(ENGINE, file));
