export { systemPorts } from '@parley/adapter-system';
export {
  composeAvatarBridge,
  composeGateway,
  composeOrchestrator,
  composeTtsWorker,
  type GatewayComposition,
} from './services';
export { avatarBridgeOver, gatewayOver, orchestratorOver, ttsWorkerOver } from './over-ports';
export { composeStandalone, type StandaloneComposition } from './standalone';
