import type { Incarnation } from '@parley/model';
import type { CancelTimer, SessionStorePort, SystemPorts, TelemetryPort } from '@parley/ports';

/** Of one process incarnation, and how often it is renewed (design §5). */
const TTL_MS = 3_000;
const PERIOD_MS = 1_000;
/**
 * A fleet that lost its store does not come back in one instant: a connection is there within 2.5 s (an attempt and the pause before
 * it), the lease renewed within a period more, and the sessions written back within another.
 */
const SETTLE_MS = 5_000;

export interface LeaseListener {
  /** It had run out when it was renewed, or was not: sessions may have another owner. */
  onLapsed(): void;
  /** It was lost, or is held anew: from a store that was away or has lost what it held. */
  onChanged(): void;
}

/**
 * The key in the store that lives while this process does: advice about whom to ask, for others. To its holder it says whether
 * the store can be reached.
 */
export class Lease {
  private stopTimer: CancelTimer | undefined;
  /** Without a break. */
  private heldSinceMs: number | undefined;
  /** When the last renewal that succeeded was asked for. */
  private renewedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly ports: { store: SessionStorePort; system: SystemPorts; telemetry: TelemetryPort },
    readonly owner: Incarnation,
    private readonly listener: LeaseListener,
  ) {}

  /** Resolves when it has been asked for once; the store may be away. */
  async take(): Promise<void> {
    await this.renew();
    // Whatever was before, this process has seen no outage.
    if (this.isHeld) this.heldSinceMs = Number.NEGATIVE_INFINITY;
    this.stopTimer = this.ports.system.timers.every(PERIOD_MS, () => void this.renew());
  }

  async giveBack(): Promise<void> {
    this.stopTimer?.();
    await this.ports.store.releaseLease(this.owner);
  }

  get isHeld(): boolean {
    return this.heldSinceMs !== undefined;
  }

  /** It has run out, as others see it: this process was stopped, or the store away. */
  get isLapsed(): boolean {
    return this.ports.system.clock.nowMs() - this.renewedMs >= TTL_MS;
  }

  /**
   * Held for so long that whoever can reach the store has a lease there, and has written back what it owns. An outage that costs
   * others their leases costs this one a renewal before, as it lasts two periods.
   */
  get isSettled(): boolean {
    return this.heldSinceMs !== undefined && this.ports.system.clock.nowMs() - this.heldSinceMs >= SETTLE_MS;
  }

  private async renew(): Promise<void> {
    const { store, system, telemetry } = this.ports;
    const askedMs = system.clock.nowMs();
    const { kind } = await store.renewLease(this.owner, TTL_MS);
    const wasHeld = this.isHeld;
    if (this.isLapsed) this.listener.onLapsed();
    if (kind === 'unavailable') {
      this.heldSinceMs = undefined;
      telemetry.count('parley_store_failures_total', { operation: 'lease' });
      if (wasHeld) this.listener.onChanged();
      return;
    }
    this.renewedMs = askedMs;
    if (wasHeld && kind === 'renewed') return;
    this.heldSinceMs = system.clock.nowMs();
    this.listener.onChanged();
  }
}
