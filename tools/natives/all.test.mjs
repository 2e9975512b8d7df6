// Node 20's `node --test <folder>` looks for *.test.mjs only.

import './browser.spec.mjs';
import './natives.spec.mjs';
import './servers.spec.mjs';
