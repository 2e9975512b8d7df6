import { subjects, type Incarnation } from '@parley/model';
import type { BusPort, BusSubscription, CancelTimer, RequestOutcome, SystemPorts } from '@parley/ports';
import { encodeEnvelope } from '@parley/schemas';

/** One request per process pair (design §5): a crash shows within this time, as no responders. */
export const PING_PERIOD_MS = 250;
/** A fleet that lost its bus does not come back in one instant; a busy machine takes its time to dial. */
export const SETTLE_MS = 2_000;

const NO_TRACE = '';
const EMPTY = new Uint8Array(0);

/** Answers the pings of other processes. */
export function answerPings(bus: BusPort, incarnation: Incarnation): BusSubscription {
  return bus.subscribe(subjects.peer(incarnation), (message) => message.reply?.(EMPTY));
}

/**
 * What "no responders" says of a peer. Of an owner or worker: it is gone, and another one can take over at once. Of a
 * gateway: its bus link may be back in a moment, and closing its clients' sessions could not be undone.
 */
export type Patience = 'none' | 'until-silent';

/**
 * Silence that is no crash: a stopped process, a cut link. Of an owner or worker: beyond what a busy host does to a process, and so that
 * a listener who waits for its successor waits 4 s at most; that it lives after all is found by the claim's probe. Of a gateway: as
 * long as a lease lives.
 */
const SILENCE_MS: Record<Patience, number> = { none: 1_500, 'until-silent': 3_000 };

interface Watched {
  patience: Patience;
  listeners: Set<() => void>;
  lastHeardMs: number;
  asking: boolean;
}

/**
 * Watches other processes, each once however many sessions depend on it. A peer is lost when nobody answers for it (see
 * `Patience`), or when it is silent for too long while our own link is up. A lost incarnation never comes back: a restarted process
 * is another one.
 */
export class PeerWatch {
  private readonly watched = new Map<Incarnation, Watched>();
  private readonly stopTimer: CancelTimer;
  private readonly unwatchLink: () => void;
  /** The same each time: most of what an idle fleet says to one another is pings. */
  private readonly question: Uint8Array;
  private linkedAtMs = -Infinity;

  constructor(
    private readonly bus: BusPort,
    private readonly system: SystemPorts,
    self: Incarnation,
  ) {
    this.question = encodeEnvelope(NO_TRACE, { from: self });
    this.unwatchLink = bus.onReconnect(() => {
      this.linkedAtMs = system.clock.nowMs();
    });
    this.stopTimer = system.timers.every(PING_PERIOD_MS, () => {
      for (const [peer, watched] of this.watched) if (!watched.asking) void this.ping(peer, watched);
    });
  }

  /** Our link was away until a moment ago: that nobody answers says nothing yet, the others may be on their way back. */
  get isSettling(): boolean {
    return this.system.clock.nowMs() - this.linkedAtMs < SETTLE_MS;
  }

  /** Calls `onLost` once when the peer is lost. Returns the end of this interest. */
  watch(peer: Incarnation, onLost: () => void, patience: Patience = 'none'): () => void {
    let watched = this.watched.get(peer);
    if (!watched) {
      watched = { patience, listeners: new Set(), lastHeardMs: this.system.clock.nowMs(), asking: false };
      this.watched.set(peer, watched);
    }
    const { listeners } = watched;
    // A set of functions would merge two interests of one caller.
    const listener = (): void => onLost();
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.watched.get(peer)?.listeners === listeners) this.watched.delete(peer);
    };
  }

  /** Nobody answers for it now, while others are there: its process has ended. */
  async hasEnded(peer: Incarnation): Promise<boolean> {
    const { kind } = await this.bus.request(subjects.peer(peer), this.question, { timeoutMs: PING_PERIOD_MS });
    return kind === 'no-responders' && !this.isSettling;
  }

  close(): void {
    this.stopTimer();
    this.unwatchLink();
    this.watched.clear();
  }

  private async ping(peer: Incarnation, watched: Watched): Promise<void> {
    watched.asking = true;
    const outcome = await this.bus.request(subjects.peer(peer), this.question, { timeoutMs: PING_PERIOD_MS });
    watched.asking = false;
    if (this.watched.get(peer) !== watched) return;
    const nowMs = this.system.clock.nowMs();
    // While our own link is down, silence says nothing about the peer.
    if (outcome.kind === 'reply' || !this.bus.connected) watched.lastHeardMs = nowMs;
    else if (!this.isSettling && isLost(outcome, watched, nowMs)) this.lose(peer, watched);
  }

  private lose(peer: Incarnation, watched: Watched): void {
    this.watched.delete(peer);
    for (const listener of watched.listeners) listener();
  }
}

const isLost = ({ kind }: RequestOutcome, { patience, lastHeardMs }: Watched, nowMs: number): boolean =>
  (kind === 'no-responders' && patience === 'none') || nowMs - lastHeardMs >= SILENCE_MS[patience];
