export { systemPorts } from '@parley/adapter-system';
export {
  composeAvatarBridge,
  composeGateway,
  composeOrchestrator,
  composeTtsWorker,
  type GatewayComposition,
} from './services';
export { composeStandalone, type StandaloneComposition } from './standalone';
