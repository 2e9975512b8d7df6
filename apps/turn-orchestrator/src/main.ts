import { composeOrchestrator, systemPorts } from '@parley/composition';
import { runApp } from '@parley/nest';
import { TurnOrchestratorModule } from './turn-orchestrator.module';

void runApp({
  role: 'orchestrator',
  system: systemPorts,
  compose: composeOrchestrator,
  module: (composition, telemetry) => TurnOrchestratorModule.of(composition, telemetry),
});
