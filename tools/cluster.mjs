// npm run cluster [-- --gateway 2 --orchestrator 2 --tts 2 --avatar 1]: one process per replica over NATS and Redis.

import './support/node-version.mjs';

import('./cluster/run.mjs');
