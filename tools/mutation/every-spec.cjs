// Run by Jest for each mutant.

const fc = require('fast-check');

// The same few stories for each mutant, so that a run can be repeated and ends in time. A story that fails is not made
// smaller: that it fails is all there is to know.
fc.configureGlobal({ seed: 1, numRuns: 25, endOnFailure: true });
require('../support/engine-specs.cjs');
