import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { composeTtsWorker, systemPorts } from '@parley/composition';
import { runApp } from '@parley/nest';
import { TtsWorkerModule } from './tts-worker.module';

const espeakWorkerUrl = pathToFileURL(path.join(__dirname, 'espeak-worker.mjs'));

void runApp({
  role: 'tts',
  system: systemPorts,
  compose: (config, context) => composeTtsWorker(config, context, espeakWorkerUrl),
  module: (composition, telemetry) => TtsWorkerModule.of(composition, telemetry),
});
