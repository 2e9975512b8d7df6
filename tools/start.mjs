// npm start: everything in this one process, after installing and building what is missing.

import './support/node-version.mjs';

import('./support/start-standalone.mjs');
