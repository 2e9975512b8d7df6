import type { BusPort, ClockPort } from '@parley/ports';

/**
 * Time as a session's waits count it: it stands still while the bus or the store is away, because nothing that is waited
 * for can come then. A link's loss shows at the next look only, so it stands since the last look before it; it never
 * goes back.
 */
export class SessionClock implements Pick<ClockPort, 'nowMs'> {
  private lastMs: number;
  /** How long it stood still in all. */
  private stoodMs = 0;
  private storeIsAway = false;

  constructor(
    private readonly clock: ClockPort,
    private readonly bus: BusPort,
  ) {
    this.lastMs = clock.nowMs();
  }

  nowMs(): number {
    if (this.isRunning) this.lastMs = this.clock.nowMs() - this.stoodMs;
    return this.lastMs;
  }

  get isRunning(): boolean {
    return this.bus.connected && !this.storeIsAway;
  }

  storeLost(): void {
    this.nowMs();
    this.storeIsAway = true;
  }

  storeBack(): void {
    if (!this.storeIsAway) return;
    this.storeIsAway = false;
    this.goOn();
  }

  /** The bus link is back. */
  goOn(): void {
    this.stoodMs = this.clock.nowMs() - this.lastMs;
  }
}
