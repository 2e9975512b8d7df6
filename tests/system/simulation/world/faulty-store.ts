import type { Incarnation, SessionId } from '@parley/model';
import type {
  ClaimOutcome,
  ClaimRequest,
  LeaseOutcome,
  LoadOutcome,
  ReleaseOutcome,
  RemoveOutcome,
  SecretOutcome,
  SessionStorePort,
  StoreUnavailable,
  WriteOutcome,
  WriteRequest,
} from '@parley/ports';
import type { Dice } from './streams';

export type StoreFaultKind = 'slow' | 'refusing' | 'answers-lost';

export interface StoreFault {
  readonly kind: StoreFaultKind;
  readonly hits: (slot: string) => boolean;
}

const LATENCY_MS = { from: 0.2, to: 10 };
const SLOW_MS = { from: 50, to: 1_200 };
const REFUSAL_MS = 15;
const ANSWER_LOST_PROBABILITY = 0.5;

/** The faults of the store as all its clients meet them. */
export class StoreTrouble {
  private readonly faults = new Set<StoreFault>();
  readonly touched: Record<StoreFaultKind, number> = { slow: 0, refusing: 0, 'answers-lost': 0 };

  add(fault: StoreFault): void {
    this.faults.add(fault);
  }

  remove(fault: StoreFault): void {
    this.faults.delete(fault);
  }

  has(kind: StoreFaultKind, slot: string): boolean {
    for (const fault of this.faults) if (fault.kind === kind && fault.hits(slot)) return true;
    return false;
  }
}

export interface StoreLink {
  readonly slot: string;
  /** Of the process: never resolves once it is dead. */
  pause(ms: number): Promise<void>;
  readonly dice: Dice;
  /** The store has applied this write. */
  onStored(request: WriteRequest): void;
}

/** A store client that is slow, refused, or loses the answer of what was applied, while a fault says so. */
export class FaultyStore implements SessionStorePort {
  constructor(
    private readonly inner: SessionStorePort,
    private readonly link: StoreLink,
    private readonly trouble: StoreTrouble,
  ) {}

  load(sessionId: SessionId): Promise<LoadOutcome> {
    return this.call(() => this.inner.load(sessionId));
  }

  claim(request: ClaimRequest): Promise<ClaimOutcome> {
    return this.call(() => this.inner.claim(request));
  }

  write(request: WriteRequest): Promise<WriteOutcome> {
    // The caller's bytes of this moment.
    const sent = { ...request, state: request.state.slice() };
    return this.call(async () => {
      const outcome = await this.inner.write(sent);
      if (outcome.kind === 'written') this.link.onStored(sent);
      return outcome;
    });
  }

  release(sessionId: SessionId, epoch: number): Promise<ReleaseOutcome> {
    return this.call(() => this.inner.release(sessionId, epoch));
  }

  remove(sessionId: SessionId, epoch: number, tombstoneMs: number): Promise<RemoveOutcome> {
    return this.call(() => this.inner.remove(sessionId, epoch, tombstoneMs));
  }

  renewLease(owner: Incarnation, ttlMs: number): Promise<LeaseOutcome> {
    return this.call(() => this.inner.renewLease(owner, ttlMs));
  }

  leaseAlive(owner: Incarnation): Promise<{ kind: 'alive' } | { kind: 'gone' } | StoreUnavailable> {
    return this.call(() => this.inner.leaseAlive(owner));
  }

  async releaseLease(owner: Incarnation): Promise<void> {
    await this.call(async () => void (await this.inner.releaseLease(owner)));
  }

  keepSecret(digest: string, value: Uint8Array, ttlMs: number): Promise<{ kind: 'kept' } | StoreUnavailable> {
    const sent = value.slice();
    return this.call(() => this.inner.keepSecret(digest, sent, ttlMs));
  }

  findSecret(digest: string): Promise<SecretOutcome> {
    return this.call(() => this.inner.findSecret(digest));
  }

  async ping(): Promise<boolean> {
    return (await this.call(() => this.inner.ping())) === true;
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private async call<Outcome>(apply: () => Promise<Outcome>): Promise<Outcome | StoreUnavailable> {
    const { slot, dice } = this.link;
    await this.link.pause(this.latencyMs());
    if (this.trouble.has('refusing', slot)) {
      this.trouble.touched.refusing++;
      await this.link.pause(REFUSAL_MS);
      return { kind: 'unavailable', message: 'the store refuses' };
    }
    const outcome = await apply();
    if (this.trouble.has('answers-lost', slot) && dice.chance(ANSWER_LOST_PROBABILITY)) {
      this.trouble.touched['answers-lost']++;
      await this.link.pause(SLOW_MS.from);
      return { kind: 'unavailable', message: 'the answer was lost' };
    }
    return outcome;
  }

  private latencyMs(): number {
    if (!this.trouble.has('slow', this.link.slot)) return this.link.dice.between(LATENCY_MS.from, LATENCY_MS.to);
    this.trouble.touched.slow++;
    return this.link.dice.between(SLOW_MS.from, SLOW_MS.to);
  }
}
