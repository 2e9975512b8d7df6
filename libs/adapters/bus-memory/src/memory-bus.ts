import { checkLiteralSubject, checkPayloadSize, checkSubjectPattern, OpenRequests } from '@parley/ports';
import type {
  BusHandler,
  BusPort,
  BusSubscription,
  LogPort,
  RequestOptions,
  RequestOutcome,
  SubscribeOptions,
} from '@parley/ports';
import { copyOf, type MemoryBusClientOptions, type MemoryBusServer } from './memory-bus-server';

export interface MemorySubscription extends BusSubscription {
  readonly bus: MemoryBus;
  readonly pattern: string;
  readonly queue: string | undefined;
  readonly handler: BusHandler;
}

type Reply = (payload: Uint8Array, from: MemoryBus) => void;

/** One client of a `MemoryBusServer`, made by its `connect`. `disconnect`, `reconnect` and `kill` are for tests. */
export class MemoryBus implements BusPort {
  private state: 'up' | 'down' | 'closed' = 'up';
  private linkNumber = 0;
  private readonly subscriptions = new Set<MemorySubscription>();
  /** Those that were left, until what was under way to them has come. */
  private readonly leaving = new Set<MemorySubscription>();
  private readonly listeners = new Set<() => void>();
  private readonly requests: OpenRequests;
  private readonly log: LogPort;
  private closing: Promise<void> | undefined;

  constructor(
    private readonly server: MemoryBusServer,
    options: MemoryBusClientOptions,
  ) {
    this.log = options.log;
    this.requests = new OpenRequests(options.timers, options.log);
  }

  get connected(): boolean {
    return this.state === 'up';
  }

  get maxPayloadBytes(): number {
    return this.server.maxPayloadBytes;
  }

  /** Number of the present link; what was sent over an earlier one never arrives. */
  get link(): number {
    return this.linkNumber;
  }

  publish(subject: string, payload: Uint8Array): void {
    this.check(subject, payload);
    if (this.state === 'up') this.server.send(subject, payload, undefined);
  }

  async request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<RequestOutcome> {
    this.check(subject, payload);
    if (this.state !== 'up' || this.closing !== undefined) return { kind: 'disconnected' };
    return this.requests.start(options, (token) => {
      const link = this.linkNumber;
      // The reply travels over both links: the replier's at the time of its answer, ours as long as it stands.
      const reply: Reply = (answer, from) => {
        if (from.state !== 'up') return;
        const copy = copyOf(answer);
        this.server.soon(() => {
          if (link === this.linkNumber) this.requests.reply(token, copy);
        });
      };
      if (this.server.send(subject, payload, reply) === 0) {
        this.server.soon(() => this.requests.end(token, { kind: 'no-responders' }));
      }
    });
  }

  subscribe(pattern: string, handler: BusHandler, options: SubscribeOptions = {}): BusSubscription {
    checkSubjectPattern(pattern, options.queue);
    const subscription: MemorySubscription = {
      bus: this,
      pattern,
      queue: options.queue,
      handler,
      unsubscribe: () => {
        this.leaving.delete(subscription);
        if (this.subscriptions.delete(subscription)) this.server.detach(subscription);
      },
      leave: () => {
        if (!this.subscriptions.delete(subscription)) return;
        this.server.detach(subscription);
        this.leaving.add(subscription);
        this.server.soon(() => this.leaving.delete(subscription));
      },
    };
    if (this.state === 'closed') return subscription;
    this.subscriptions.add(subscription);
    if (this.state === 'up') this.server.attach(subscription);
    return subscription;
  }

  async flush(): Promise<boolean> {
    if (this.state !== 'up') return false;
    const link = this.linkNumber;
    await this.turn();
    return link === this.linkNumber;
  }

  onReconnect(listener: () => void): () => void {
    // Each call of onReconnect is a listener of its own, also when the function is the same.
    const own = (): void => listener();
    this.listeners.add(own);
    return () => {
      this.listeners.delete(own);
    };
  }

  close(): Promise<void> {
    return (this.closing ??= this.finish());
  }

  /** For tests: the link breaks. What is under way to this client, and its requests' replies, are lost. */
  disconnect(): void {
    if (this.state !== 'up') return;
    this.cut('down');
    this.requests.endAll();
  }

  /** For tests: the link is back, with the subscriptions it had. */
  reconnect(): void {
    if (this.state !== 'down') return;
    this.state = 'up';
    for (const subscription of this.subscriptions) this.server.attach(subscription);
    const link = this.linkNumber;
    this.server.soon(() => {
      if (link === this.linkNumber) this.tellReconnected();
    });
  }

  /** For tests: the process dies. Nobody is told, nothing of it runs any more; its requests never end. */
  kill(): void {
    if (this.state === 'closed') return;
    this.cut('closed');
    this.subscriptions.clear();
    this.listeners.clear();
    this.requests.forgetAll();
  }

  /** For `MemoryBusServer`. */
  receive(
    subscription: MemorySubscription,
    link: number,
    subject: string,
    payload: Uint8Array,
    reply: Reply | undefined,
  ): void {
    const isKnown = this.subscriptions.has(subscription) || this.leaving.has(subscription);
    if (link !== this.linkNumber || !isKnown) return;
    try {
      subscription.handler({ subject, payload, reply: reply && ((answer) => this.answer(reply, answer)) });
    } catch (error) {
      this.log.error('a bus handler threw; its message is dropped', { subject, error });
    }
  }

  private answer(reply: Reply, payload: Uint8Array): void {
    checkPayloadSize(payload, this.maxPayloadBytes);
    reply(payload, this);
  }

  private check(subject: string, payload: Uint8Array): void {
    checkLiteralSubject(subject);
    checkPayloadSize(payload, this.maxPayloadBytes);
  }

  private async finish(): Promise<void> {
    this.requests.endAll();
    if (this.state === 'up') await this.turn();
    if (this.state !== 'closed') this.cut('closed');
    this.subscriptions.clear();
    this.listeners.clear();
  }

  private cut(next: 'down' | 'closed'): void {
    for (const subscription of this.subscriptions) this.server.detach(subscription);
    this.state = next;
    this.linkNumber++;
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => {
      this.server.soon(resolve);
    });
  }

  private tellReconnected(): void {
    for (const listener of [...this.listeners]) {
      try {
        listener();
      } catch (error) {
        this.log.error('a listener for the bus link threw', { error });
      }
    }
  }
}
