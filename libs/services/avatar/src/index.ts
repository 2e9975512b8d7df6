export { createAvatarBridge } from './avatar-bridge';
export type { AvatarBridgeConfig, AvatarBridgePorts } from './avatar-bridge';
