export { createAvatarBridge } from './avatar-bridge';
export type { AvatarBridgePorts } from './avatar-bridge';
