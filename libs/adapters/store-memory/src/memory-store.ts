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
import type { MemoryStoreServer } from './memory-store-server';

/**
 * One client of a MemoryStoreServer. As with a remote store, a call takes effect after it returned its promise and its
 * answer comes later still, and bytes are copied on the way in and on the way out.
 */
export class MemoryStore implements SessionStorePort {
  private linkDown = false;
  private closed = false;

  /** Made by `MemoryStoreServer.connect`. */
  constructor(private readonly server: MemoryStoreServer) {}

  /** For tests: while true, this client does not reach the store; others do. */
  setUnavailable(unavailable: boolean): void {
    this.linkDown = unavailable;
  }

  load(sessionId: SessionId): Promise<LoadOutcome> {
    return this.call(() => this.server.sessions.load(sessionId));
  }

  claim(request: ClaimRequest): Promise<ClaimOutcome> {
    const sent = { ...request };
    return this.call(() => this.server.sessions.claim(sent));
  }

  write(request: WriteRequest): Promise<WriteOutcome> {
    // Not slice(): on a Buffer that is a view, not a copy.
    const sent = { ...request, state: new Uint8Array(request.state) };
    return this.call(() => this.server.sessions.write(sent));
  }

  release(sessionId: SessionId, epoch: number): Promise<ReleaseOutcome> {
    return this.call(() => this.server.sessions.release(sessionId, epoch));
  }

  remove(sessionId: SessionId, epoch: number, tombstoneMs: number): Promise<RemoveOutcome> {
    return this.call(() => this.server.sessions.remove(sessionId, epoch, tombstoneMs));
  }

  renewLease(owner: Incarnation, ttlMs: number): Promise<LeaseOutcome> {
    return this.call(() => ({ kind: this.server.renewLease(owner, ttlMs) ? 'renewed' : 'taken' }));
  }

  leaseAlive(owner: Incarnation): Promise<{ kind: 'alive' } | { kind: 'gone' } | StoreUnavailable> {
    return this.call(() => ({ kind: this.server.leaseAlive(owner) ? 'alive' : 'gone' }));
  }

  async releaseLease(owner: Incarnation): Promise<void> {
    await this.call(() => this.server.releaseLease(owner));
  }

  keepSecret(digest: string, value: Uint8Array, ttlMs: number): Promise<{ kind: 'kept' } | StoreUnavailable> {
    const sent = new Uint8Array(value);
    return this.call(() => {
      this.server.keepSecret(digest, sent, ttlMs);
      return { kind: 'kept' };
    });
  }

  findSecret(digest: string): Promise<SecretOutcome> {
    return this.call<SecretOutcome>(() => {
      const value = this.server.findSecret(digest);
      return value ? { kind: 'found', value: new Uint8Array(value) } : { kind: 'missing' };
    });
  }

  ping(): Promise<boolean> {
    return this.call(() => undefined).then((lost) => lost === undefined);
  }

  /** Calls under way still get their answers. */
  async close(): Promise<void> {
    this.closed = true;
  }

  private async call<Outcome>(transaction: () => Outcome): Promise<Outcome | StoreUnavailable> {
    if (this.closed) return { kind: 'unavailable', message: 'the store is closed' };
    await Promise.resolve();
    if (this.linkIsDown()) return { kind: 'unavailable', message: 'the link is down' };
    const outcome = transaction();
    await Promise.resolve();
    // A link lost by now takes the answer with it, as a remote one would: applied, and nobody knows.
    return this.linkIsDown() ? { kind: 'unavailable', message: 'the link was lost' } : outcome;
  }

  private linkIsDown(): boolean {
    return this.linkDown || this.server.unavailable;
  }
}
