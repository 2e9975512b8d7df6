import { InvariantError, type Incarnation, type SessionId } from '@parley/model';
import type {
  ClaimOutcome,
  ClaimRequest,
  ClockPort,
  LeaseOutcome,
  LoadOutcome,
  ReleaseOutcome,
  RemoveOutcome,
  SecretOutcome,
  SessionStorePort,
  StoreUnavailable,
  TelemetryPort,
  WriteOutcome,
  WriteRequest,
} from '@parley/ports';
import type { RedisLink } from './redis-link';
import { integerOf, ownBytes, Reply } from './reply';
import { CLAIM, RELEASE, REMOVE, type Script, WRITE } from './scripts';

type Argument = string | number | Buffer;

/** Sessions and leases in one Redis (or a compatible server, 5 or newer). */
export class RedisStore implements SessionStorePort {
  constructor(
    private readonly link: RedisLink,
    private readonly keyPrefix: string,
    private readonly clock: ClockPort,
    private readonly telemetry: TelemetryPort | undefined,
  ) {}

  load(sessionId: SessionId): Promise<LoadOutcome> {
    return this.link.run<LoadOutcome>('load', async (redis) => {
      const [epoch, owner, attachment, rev, state, removed] = await redis.hmgetBuffer(
        this.sessionKey(sessionId),
        ...['epoch', 'owner', 'attachment', 'rev', 'state', 'removed'],
      );
      if (!epoch) return { kind: 'missing' };
      if (removed) return { kind: 'removed', epoch: integerOf(epoch) };
      return {
        kind: 'found',
        session: {
          epoch: integerOf(epoch),
          owner: owner ? incarnationOf(owner) : undefined,
          attachment: integerOf(attachment),
          rev: rev ? integerOf(rev) : 0,
          state: state ? ownBytes(state) : undefined,
        },
      };
    });
  }

  claim(request: ClaimRequest): Promise<ClaimOutcome> {
    const { sessionId, owner, expectedEpoch, seenEpoch } = request;
    const args = [expectedEpoch, seenEpoch, owner, request.newAttachment ? 1 : 0, wholeMs(request.ttlMs)];
    return this.evaluate('claim', CLAIM, sessionId, args, (reply): ClaimOutcome => {
      switch (reply.kind) {
        case 'claimed': {
          const [epoch, attachment, rev] = [reply.integer(1), reply.integer(2), reply.integer(3)];
          return { kind: 'claimed', session: { epoch, owner, attachment, rev, state: reply.bytes(4) } };
        }
        case 'conflict':
        case 'removed':
          return { kind: reply.kind, epoch: reply.integer(1) };
        default:
          throw unknownKind(reply);
      }
    });
  }

  async write(request: WriteRequest): Promise<WriteOutcome> {
    const startMs = this.clock.nowMs();
    const { sessionId, epoch, rev, owner, attachment } = request;
    // A copy: the text of the script may have to be sent, and with it the state a second time, after a round trip.
    const args = [epoch, rev, owner, attachment, wholeMs(request.ttlMs), Buffer.from(request.state)];
    const outcome = await this.evaluate('write', WRITE, sessionId, args, (reply): WriteOutcome => {
      switch (reply.kind) {
        case 'written':
        case 'already':
          return { kind: reply.kind };
        case 'fenced':
          return { kind: 'fenced', epoch: reply.integer(1) };
        default:
          throw unknownKind(reply);
      }
    });
    if (outcome.kind !== 'unavailable') {
      this.telemetry?.observe('parley_store_write_seconds', {}, (this.clock.nowMs() - startMs) / 1000);
    }
    return outcome;
  }

  release(sessionId: SessionId, epoch: number): Promise<ReleaseOutcome> {
    return this.evaluate('release', RELEASE, sessionId, [epoch], (reply): ReleaseOutcome => {
      if (reply.kind === 'released') return { kind: 'released' };
      if (reply.kind === 'fenced') return { kind: 'fenced', epoch: reply.integer(1) };
      throw unknownKind(reply);
    });
  }

  remove(sessionId: SessionId, epoch: number, tombstoneMs: number): Promise<RemoveOutcome> {
    return this.evaluate('remove', REMOVE, sessionId, [epoch, wholeMs(tombstoneMs)], (reply): RemoveOutcome => {
      if (reply.kind === 'removed') return { kind: 'removed' };
      if (reply.kind === 'fenced') return { kind: 'fenced', epoch: reply.integer(1) };
      throw unknownKind(reply);
    });
  }

  renewLease(owner: Incarnation, ttlMs: number): Promise<LeaseOutcome> {
    return this.link.run<LeaseOutcome>('renew-lease', async (redis) => {
      const [key, ms] = [this.leaseKey(owner), wholeMs(ttlMs)];
      if (await redis.set(key, 1, 'PX', ms, 'XX')) return { kind: 'renewed' };
      await redis.set(key, 1, 'PX', ms);
      return { kind: 'taken' };
    });
  }

  leaseAlive(owner: Incarnation): Promise<{ kind: 'alive' } | { kind: 'gone' } | StoreUnavailable> {
    return this.link.run('lease-alive', async (redis) => {
      const found = await redis.exists(this.leaseKey(owner));
      return { kind: found === 1 ? 'alive' : 'gone' };
    });
  }

  async releaseLease(owner: Incarnation): Promise<void> {
    await this.link.run('release-lease', (redis) => redis.del(this.leaseKey(owner)));
  }

  keepSecret(digest: string, value: Uint8Array, ttlMs: number): Promise<{ kind: 'kept' } | StoreUnavailable> {
    const bytes = Buffer.from(value);
    return this.link.run<{ kind: 'kept' }>('keep-secret', async (redis) => {
      await redis.set(this.secretKey(digest), bytes, 'PX', wholeMs(ttlMs));
      return { kind: 'kept' };
    });
  }

  findSecret(digest: string): Promise<SecretOutcome> {
    return this.link.run<SecretOutcome>('find-secret', async (redis) => {
      const value = await redis.getBuffer(this.secretKey(digest));
      return value ? { kind: 'found', value: ownBytes(value) } : { kind: 'missing' };
    });
  }

  async ping(): Promise<boolean> {
    return (await this.link.run('ping', (redis) => redis.ping())) === 'PONG';
  }

  close(): Promise<void> {
    return this.link.close();
  }

  private evaluate<Outcome>(
    operation: string,
    script: Script,
    sessionId: SessionId,
    args: Argument[],
    read: (reply: Reply) => Outcome,
  ): Promise<Outcome | StoreUnavailable> {
    const key = this.sessionKey(sessionId);
    return this.link.run(operation, async () => read(new Reply(await this.link.evaluate(script, key, args))));
  }

  /** The braces make Redis Cluster place everything of one session together. */
  private sessionKey(sessionId: SessionId): string {
    return `${this.keyPrefix}{${sessionId}}:state`;
  }

  private secretKey(digest: string): string {
    return `${this.keyPrefix}secret:${digest}`;
  }

  private leaseKey(owner: Incarnation): string {
    return `${this.keyPrefix}lease:${owner}`;
  }
}

/** Redis takes whole milliseconds, and would refuse others after the script had already written. */
const wholeMs = (ms: number): number => Math.ceil(ms);

// What is stored there came from a claim, as an Incarnation.
const incarnationOf = (stored: Buffer): Incarnation => stored.toString('utf8') as Incarnation;

const unknownKind = (reply: Reply): InvariantError =>
  new InvariantError(`the script returned an unknown outcome ${reply.kind}`);
