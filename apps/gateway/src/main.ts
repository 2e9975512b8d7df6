import path from 'node:path';
import { composeGateway, systemPorts } from '@parley/composition';
import { runApp, serveWebClient } from '@parley/nest';
import { GatewayModule } from './gateway.module';

void runApp({
  role: 'gateway',
  system: systemPorts,
  compose: composeGateway,
  module: (composition, telemetry) => GatewayModule.of(composition, telemetry),
  prepare: (app) => serveWebClient(app, path.join(__dirname, '..', 'web')),
});
