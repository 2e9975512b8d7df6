import { composeAvatarBridge, systemPorts } from '@parley/composition';
import { runApp } from '@parley/nest';
import { AvatarBridgeModule } from './avatar-bridge.module';

void runApp({
  role: 'avatar',
  system: systemPorts,
  compose: composeAvatarBridge,
  module: (composition, telemetry) => AvatarBridgeModule.of(composition, telemetry),
});
