export interface GatewayConfig {
  apiKeys: readonly string[];
  /** The key `dev` is accepted from loopback; web pages of other origins are kept out. */
  devKeyAllowed: boolean;
  maxConnections: number;
  /** Of the event loop, in ms: above it new connections are refused. */
  maxLagMs: number;
}

/** WebSocket pings find half-open clients: one that answers none for two periods is gone. */
export const PING_PERIOD_MS = 15_000;
