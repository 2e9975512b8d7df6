import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { parseServerUrls } from './server-address';

/** Long enough for a TLS handshake on a busy machine; a dial that gets no answer is given up after it. */
const DIAL_TIMEOUT_MS = 5_000;
const REDIAL_WAIT_MS = 250;
const REDIAL_JITTER_MS = 100;
/** Two pings without an answer and a third period: a dead link is noticed after 6 to 9 s. */
const PING_INTERVAL_MS = 3_000;
const MAX_PINGS_OUT = 2;

/** Makes connections that live as long as one link: each is closed, not mended, when its link is lost. */
export class NatsDialer {
  private readonly options: ConnectionOptions & { servers: string | string[] };

  /** Throws an Error for a URL that is none. */
  constructor(urls: readonly string[], name: string) {
    this.options = {
      ...parseServerUrls(urls),
      name,
      timeout: DIAL_TIMEOUT_MS,
      reconnect: false,
      reconnectTimeWait: REDIAL_WAIT_MS,
      reconnectJitter: REDIAL_JITTER_MS,
      reconnectJitterTLS: REDIAL_JITTER_MS,
      maxReconnectAttempts: -1,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: MAX_PINGS_OUT,
      // Credentials may be replaced while this process runs: a refusal is tried again like any other failure.
      ignoreAuthErrorAbort: true,
      noAsyncTraces: true,
    };
  }

  /** Tries each server once. Rejects with an Error that names them, without credentials. */
  async dial(): Promise<NatsConnection> {
    try {
      return await connect({ ...this.options });
    } catch (error) {
      const servers = String(this.options.servers);
      throw new Error(`cannot connect to NATS at ${servers}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Tries until a server takes the connection; rejects at the first attempt for which `wanted` says no. */
  dialUntil(wanted: () => boolean): Promise<NatsConnection> {
    return connect({
      ...this.options,
      waitOnFirstConnect: true,
      reconnectToServer: () => {
        if (!wanted()) throw new Error('the connection is not wanted any more');
        return null;
      },
    });
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
