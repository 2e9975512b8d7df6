import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { composeStandalone, systemPorts } from '@parley/composition';
import { runApp, serveWebClient } from '@parley/nest';
import { StandaloneModule } from './standalone.module';

const espeakWorkerUrl = pathToFileURL(path.join(__dirname, 'espeak-worker.mjs'));

void runApp({
  role: 'standalone',
  system: systemPorts,
  compose: (config, context) => composeStandalone(config, context, espeakWorkerUrl),
  module: (composition, telemetry) => StandaloneModule.of(composition, telemetry),
  prepare: (app) => serveWebClient(app, path.join(__dirname, '..', 'web')),
});
