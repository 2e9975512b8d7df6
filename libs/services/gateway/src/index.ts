export type { GatewayConfig } from './config';
export { createGateway, type GatewayService } from './gateway';
export type { GatewayPorts } from './ports';
