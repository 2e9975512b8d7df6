import type { SystemPorts } from '@parley/ports';
import { turnsMs } from '@parley/service-link';

/** Clients are told over so long, and those that cannot resume closed: they shall not all come to the next gateway at once. */
const SPREAD_MS = 1_000;
/** Clients that can resume have so long to do it in their own time. */
const RECONNECT_WITHIN_MS = 2_000;

/** A connection, as far as its leaving is concerned. */
export interface Departing {
  /** The agent thinks or speaks, or an input waits for its owner. */
  readonly isInTurn: boolean;
  /** Tells a client that can resume; false: this one cannot. */
  announceStop(reconnectWithinMs: number): boolean;
  /** Closes the connection, once. */
  shutDown(): void;
}

/**
 * How the connections of a gateway that stops leave it: clients that can resume are told, and given time; then whoever is
 * left is closed at the end of a turn, and in the end all the same.
 */
export class Departures {
  private readonly endMs: number;
  private readonly tellAtMs = new WeakMap<Departing, number>();
  private readonly closeFromMs = new WeakMap<Departing, number>();

  constructor(
    private readonly system: Pick<SystemPorts, 'clock' | 'random'>,
    deadlineMs: number,
  ) {
    this.endMs = system.clock.nowMs() + turnsMs(deadlineMs);
  }

  /** One look at those who are still there. */
  look(connections: Iterable<Departing>): void {
    const nowMs = this.system.clock.nowMs();
    for (const connection of connections) {
      if (nowMs >= this.endMs || this.mayClose(connection, nowMs)) connection.shutDown();
    }
  }

  private mayClose(connection: Departing, nowMs: number): boolean {
    const closeFromMs = this.closeFromMs.get(connection) ?? this.tell(connection, nowMs);
    return closeFromMs !== undefined && nowMs >= closeFromMs && !connection.isInTurn;
  }

  /** From when on it may be closed; undefined: it is not its turn to be told yet. */
  private tell(connection: Departing, nowMs: number): number | undefined {
    const tellAtMs = this.tellAtMs.get(connection) ?? nowMs + SPREAD_MS * this.system.random.fraction();
    this.tellAtMs.set(connection, tellAtMs);
    if (nowMs < tellAtMs) return undefined;
    const withinMs = Math.round(Math.min(RECONNECT_WITHIN_MS, this.endMs - nowMs));
    const closeFromMs = connection.announceStop(withinMs) ? nowMs + withinMs : nowMs;
    this.closeFromMs.set(connection, closeFromMs);
    return closeFromMs;
  }
}
