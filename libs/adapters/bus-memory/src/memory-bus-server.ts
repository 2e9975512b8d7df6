import type { LogPort, RandomPort, TimersPort } from '@parley/ports';
import { MemoryBus, type MemorySubscription } from './memory-bus';
import { SubjectRouter } from './subject-router';

export interface MemoryBusServerOptions {
  /** Chooses the members of queue groups. */
  random: RandomPort;
  /**
   * Runs a callback soon, but never synchronously. One call carries everything that was sent in one turn of the event
   * loop. In production it is `setImmediate`: a hop costs microseconds and sockets and timers get their turn between
   * hops. Not a timer (1 ms a hop), and not a microtask: services that answer each other would starve all input and
   * output. In virtual time it is `VirtualSystem.schedule`.
   */
  schedule: (callback: () => void) => void;
  /** As a NATS server's by default: 1 MiB. */
  maxPayloadBytes?: number;
}

/** One process that is connected; its timers are that process's own. */
export interface MemoryBusClientOptions {
  log: LogPort;
  timers: TimersPort;
}

const NATS_MAX_PAYLOAD_BYTES = 1_048_576;

/**
 * The bus inside one process: what the NATS server is to `bus-nats`. Production of the standalone mode and the ground
 * of the simulation, so it is as hard as NATS: bytes are copied at publish and once per receiver, delivery is
 * asynchronous, and what is under way to a client whose link breaks is lost.
 */
export class MemoryBusServer {
  readonly maxPayloadBytes: number;
  private readonly router: SubjectRouter<MemorySubscription>;
  private readonly schedule: (callback: () => void) => void;
  /** One queue for all keeps the order from each publisher to each subscriber. */
  private underWay: (() => void)[] = [];

  constructor(options: MemoryBusServerOptions) {
    this.router = new SubjectRouter(options.random);
    this.schedule = options.schedule;
    this.maxPayloadBytes = options.maxPayloadBytes ?? NATS_MAX_PAYLOAD_BYTES;
  }

  /** A client with a link of its own. Give each service its own, as each process has over NATS. */
  connect(options: MemoryBusClientOptions): MemoryBus {
    return new MemoryBus(this, options);
  }

  /** For `MemoryBus`. */
  attach(subscription: MemorySubscription): void {
    this.router.add(subscription);
  }

  /** For `MemoryBus`. */
  detach(subscription: MemorySubscription): void {
    this.router.remove(subscription);
  }

  /** For `MemoryBus`: how many subscriptions the message is under way to. */
  send(
    subject: string,
    payload: Uint8Array,
    reply: ((payload: Uint8Array, from: MemoryBus) => void) | undefined,
  ): number {
    const receivers = this.router.receivers(subject);
    for (const subscription of receivers) {
      const { bus } = subscription;
      const link = bus.link;
      const copy = copyOf(payload);
      this.soon(() => bus.receive(subscription, link, subject, copy, reply));
    }
    return receivers.length;
  }

  /** For `MemoryBus`: runs `callback` in its turn, after everything sent before. It must not throw. */
  soon(callback: () => void): void {
    this.underWay.push(callback);
    if (this.underWay.length === 1) this.schedule(() => this.deliver());
  }

  private deliver(): void {
    // What handlers send goes into the next hop: a conversation of two services cannot hold the event loop.
    const batch = this.underWay;
    this.underWay = [];
    for (const run of batch) run();
  }
}

/**
 * A copy that starts at an odd place of a larger buffer, as a payload from a socket may: who takes `payload.buffer`
 * for the payload, or lays a typed array over it, fails here too and not only in the cluster.
 */
export function copyOf(payload: Uint8Array): Uint8Array {
  // Of Node's pool: a quarter of what a small array of its own costs.
  const { buffer, byteOffset } = Buffer.allocUnsafe(payload.byteLength + 1);
  const copy = new Uint8Array(buffer, byteOffset + 1, payload.byteLength);
  copy.set(payload);
  return copy;
}
