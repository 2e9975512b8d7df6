import {
  subjects,
  type Incarnation,
  type ProviderFailure,
  type ResponseId,
  type VoiceJobKey,
  type VoiceOrder,
  type WorkerId,
} from '@parley/model';
import type { BusPort, LogPort, TimersPort } from '@parley/ports';
import { busSchemas } from '@parley/schemas';
import { ask, type PeerWatch } from '@parley/service-link';
import { WorkerSearch } from './worker-search';

/** As long as any voice may be silent. A worker that is gone shows at once (no responders) or by its missing pings. */
const ORDER_TIMEOUT_MS = 5_000;
const CANCEL_TRIES = 3;
/** A worker that lives answers within milliseconds, and the listener waits. */
const ADOPT_TIMEOUT_MS = 300;

export interface OpenRequest {
  responseId: ResponseId;
  owner: Incarnation;
  voice: string | null;
  speed: number;
  lipSync: boolean;
}

/** A rendering for the owner before, at its worker. */
export interface Adoption {
  worker: WorkerId;
  epoch: number;
  attempt: number;
  /** So many are part of the answer. */
  segments: number;
}

export interface VoiceListener {
  onBound(worker: WorkerId): void;
  onRefused(failure: ProviderFailure): void;
  onFailed(failure: ProviderFailure): void;
}

/**
 * One response at one voice worker. Orders given before a worker has accepted wait here; after a cancel nothing is
 * ordered any more. A worker that accepts after another one, or late, is cancelled at once.
 */
export class VoiceBinding {
  private worker: WorkerId | undefined;
  private readonly waiting: VoiceOrder[] = [];
  private state: 'opening' | 'bound' | 'over' = 'opening';
  private unwatch: (() => void) | undefined;
  private search: WorkerSearch | undefined;

  constructor(
    private readonly bus: BusPort,
    private readonly timers: TimersPort,
    private readonly peers: PeerWatch,
    private readonly key: VoiceJobKey,
    private readonly traceparent: string,
    private readonly listener: VoiceListener,
    private readonly log: LogPort,
  ) {}

  get lane(): number {
    return this.key.lane;
  }

  get ordinal(): number {
    return this.key.ordinal;
  }

  /** Finds a worker: the one that speaks for the owner before, or any. Its answer comes through the listener. */
  async open(request: OpenRequest, adopts?: Adoption): Promise<void> {
    if (adopts && (await this.adopt(request.owner, adopts))) return;
    if (this.state !== 'opening') return;
    const accept = (worker: WorkerId): void => this.accept(worker);
    this.search = new WorkerSearch(this.bus, this.timers, { ...this.key, ...request }, this.traceparent, accept);
    // In mid-answer a successor of the lost worker is worth waiting for; the engine's deadline ends it.
    const refusal = await this.search.run(() => this.key.attempt > 1 || this.isBusAway);
    if (refusal) this.refuse(refusal);
  }

  /** And with it every worker. */
  private get isBusAway(): boolean {
    return !this.bus.connected || this.peers.isSettling;
  }

  segment({ segment, text, from }: Pick<Extract<VoiceOrder, { kind: 'segment' }>, 'segment' | 'text' | 'from'>): void {
    this.order({ ...this.key, kind: 'segment', segment, text, from });
  }

  end(segments: number): void {
    this.order({ ...this.key, kind: 'end', segments });
  }

  cancel(): void {
    if (this.state === 'over') return;
    const { worker } = this;
    this.release();
    if (worker) void this.sendCancel(worker);
  }

  /** Nothing is expected of the worker any more. */
  release(): void {
    this.state = 'over';
    this.unwatch?.();
    this.unwatch = undefined;
    this.search?.end();
  }

  /** False when that worker does not go on. One that says so too late is cancelled: there is another by then. */
  private async adopt(owner: Incarnation, { worker, epoch, attempt, segments }: Adoption): Promise<boolean> {
    const of = { epoch, attempt };
    const answer = await this.askWorker(worker, { ...this.key, kind: 'adopt', of, owner, segments }, ADOPT_TIMEOUT_MS);
    if (answer.kind === 'answer' && answer.body.kind === 'ok') {
      this.accept(worker);
      return true;
    }
    if (answer.kind === 'timeout') void this.sendCancel(worker);
    return false;
  }

  /** The first one speaks. Any other has nothing to speak, and holds a job that nobody else would end. */
  private accept(worker: WorkerId): void {
    if (this.state === 'opening') this.bind(worker);
    else if (worker !== this.worker) void this.sendCancel(worker);
  }

  private bind(worker: WorkerId): void {
    this.worker = worker;
    this.state = 'bound';
    this.search?.end();
    this.unwatch = this.peers.watch(worker, () => this.lose('gone'));
    this.listener.onBound(worker);
    for (const order of this.waiting.splice(0)) void this.send(worker, order);
  }

  private refuse(failure: ProviderFailure): void {
    if (this.state !== 'opening') return;
    this.release();
    this.listener.onRefused(failure);
  }

  private order(order: VoiceOrder): void {
    if (this.state === 'opening') this.waiting.push(order);
    else if (this.state === 'bound' && this.worker) void this.send(this.worker, order);
  }

  private async send(worker: WorkerId, order: VoiceOrder): Promise<void> {
    const answer = await this.askWorker(worker, order);
    if (answer.kind === 'answer' && answer.body.kind === 'ok') return;
    this.lose(answer.kind === 'answer' ? answer.body.kind : answer.kind);
  }

  /** It is not to be relied on any more: another rendering takes its place. */
  lose(reason: string): void {
    if (this.state !== 'bound') return;
    this.log.warn('a voice worker was lost', { worker: this.worker, ordinal: this.ordinal, reason });
    this.release();
    this.listener.onFailed({ kind: 'worker_lost', message: 'The voice worker of this answer was lost.' });
  }

  private async sendCancel(worker: WorkerId): Promise<void> {
    for (let attempt = 0; attempt < CANCEL_TRIES; attempt++) {
      const answer = await this.askWorker(worker, { ...this.key, kind: 'cancel' });
      // Without responders there is no worker that could still speak.
      if (answer.kind === 'answer' || answer.kind === 'no-responders') return;
    }
  }

  private askWorker(worker: WorkerId, order: VoiceOrder, timeoutMs = ORDER_TIMEOUT_MS) {
    return ask(this.bus, subjects.ttsWorker(worker), {
      traceparent: this.traceparent,
      body: order,
      reply: busSchemas.voiceOrderReply,
      timeoutMs,
    });
  }
}
