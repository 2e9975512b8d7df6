import type { Incarnation } from '@parley/model';
import type { ClockPort, SystemPorts } from '@parley/ports';
import { MemoryStore } from './memory-store';
import { SessionTable } from './session-table';

/**
 * What several stores of one process share, as processes share one Redis. Holds no timer and nothing to release: rows
 * and leases expire by the clock when they are looked at.
 */
export class MemoryStoreServer {
  readonly sessions: SessionTable;
  private readonly leases = new Map<Incarnation, number>();
  private readonly secrets = new Map<string, { value: Uint8Array; expiresAtMs: number }>();
  private readonly clock: ClockPort;
  private down = false;

  constructor(system: Pick<SystemPorts, 'clock'>) {
    this.clock = system.clock;
    this.sessions = new SessionTable(system.clock);
  }

  /** A client with a link of its own. */
  connect(): MemoryStore {
    return new MemoryStore(this);
  }

  /** For tests: while true, no client reaches the store. What it holds stays, and goes on expiring. */
  setUnavailable(unavailable: boolean): void {
    this.down = unavailable;
  }

  get unavailable(): boolean {
    return this.down;
  }

  /** For tests: everything is lost, as when Redis restarts empty. */
  clear(): void {
    this.sessions.clear();
    this.leases.clear();
    this.secrets.clear();
  }

  /** False where there was none. */
  renewLease(owner: Incarnation, ttlMs: number): boolean {
    const nowMs = this.clock.nowMs();
    const stood = this.leaseAlive(owner);
    // Processes come and go seldom: looking at all of them here costs nothing and nothing is left behind.
    for (const [other, expiresAtMs] of this.leases) if (expiresAtMs <= nowMs) this.leases.delete(other);
    this.leases.set(owner, nowMs + ttlMs);
    return stood;
  }

  leaseAlive(owner: Incarnation): boolean {
    return (this.leases.get(owner) ?? 0) > this.clock.nowMs();
  }

  releaseLease(owner: Incarnation): void {
    this.leases.delete(owner);
  }

  keepSecret(digest: string, value: Uint8Array, ttlMs: number): void {
    const nowMs = this.clock.nowMs();
    // They are few and made seldom.
    for (const [other, { expiresAtMs }] of this.secrets) if (expiresAtMs <= nowMs) this.secrets.delete(other);
    this.secrets.set(digest, { value, expiresAtMs: nowMs + ttlMs });
  }

  findSecret(digest: string): Uint8Array | undefined {
    const secret = this.secrets.get(digest);
    return secret && secret.expiresAtMs > this.clock.nowMs() ? secret.value : undefined;
  }
}
