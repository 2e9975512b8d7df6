import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { composeStandalone, systemPorts } from '@parley/composition';
import { runApp, serveWebClient } from '@parley/nest';
import { StandaloneModule } from './standalone.module';

const espeakWorkerUrl = pathToFileURL(path.join(__dirname, 'espeak-worker.mjs'));

/** A stop ends every conversation, whatever it waits for: time for their clients to hear of it. */
const STOP_DEADLINE_MS = 2_000;

void runApp({
  role: 'standalone',
  system: systemPorts,
  compose: (config, context) => composeStandalone(config, context, espeakWorkerUrl),
  stopDeadlineMs: STOP_DEADLINE_MS,
  module: (composition, telemetry) => StandaloneModule.of(composition, telemetry),
  prepare: (app) => serveWebClient(app, path.join(__dirname, '..', 'web')),
});
