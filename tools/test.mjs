// npm test: everything. npm run verify: what needs no server and no browser. The last line counts it.

import './support/node-version.mjs';

import('./testing/run.mjs');
