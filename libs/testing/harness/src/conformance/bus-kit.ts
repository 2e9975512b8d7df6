import type {
  BusMessage,
  BusPort,
  BusSubscription,
  RequestOptions,
  SubscribeOptions,
  SystemPorts,
} from '@parley/ports';

/** An adapter of the bus with a broker of its own, or one that it shares without being disturbed. */
export interface BusSubject {
  /** The time that passes on this bus. */
  system: SystemPorts;
  /** A client with a link of its own. */
  connect(): Promise<BusPort>;
  /** Breaks that client's link, so that client and broker notice, and keeps it broken. */
  breakLink(bus: BusPort): void;
  /** Lets the client reconnect. */
  allowLink(bus: BusPort): void;
  /** The client's process dies: no goodbye. */
  kill(bus: BusPort): void;
  /** Lines logged as errors so far, by any client. */
  loggedErrors(): number;
  /** Makes time pass until the work is done. */
  run(work: () => Promise<void>): Promise<void>;
  dispose(): Promise<void>;
}

export interface BusCase {
  title: string;
  check(kit: BusKit): Promise<void>;
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const untext = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Longer than any delivery takes on a busy machine; for what must come. */
const PATIENCE_MS = 5_000;

/** What the cases share: clients, a subject prefix of their own, waiting. */
export class BusKit {
  readonly prefix: string;

  constructor(readonly subject: BusSubject) {
    this.prefix = `conformance.${subject.system.random.hex(8)}`;
  }

  get nowMs(): number {
    return this.subject.system.clock.nowMs();
  }

  topic(name: string): string {
    return `${this.prefix}.${name}`;
  }

  connect(): Promise<BusPort> {
    return this.subject.connect();
  }

  async connectTwo(): Promise<[BusPort, BusPort]> {
    return [await this.connect(), await this.connect()];
  }

  /** Lets the client reconnect; resolves when it has. */
  async healLink(bus: BusPort): Promise<void> {
    this.subject.allowLink(bus);
    await this.eventually(() => bus.connected, 'the client reconnects');
    await this.settle(bus);
  }

  /** Breaks the client's link and keeps it broken; resolves when the client knows. */
  async breakLink(bus: BusPort): Promise<void> {
    this.subject.breakLink(bus);
    await this.eventually(() => !bus.connected, 'the client notices');
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.subject.system.timers.after(ms, resolve);
    });
  }

  async eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const deadlineMs = this.nowMs + PATIENCE_MS;
    while (!(await condition())) {
      if (this.nowMs > deadlineMs) throw new Error(`did not happen within ${PATIENCE_MS} ms: ${what}`);
      await this.pause(1);
    }
  }

  /** A subscription that is known to the broker, and what it got, as text. */
  async collect(bus: BusPort, name: string, options?: SubscribeOptions): Promise<Collected> {
    const got: string[] = [];
    const subscription = bus.subscribe(this.topic(name), ({ payload }) => got.push(untext(payload)), options);
    await this.settle(bus);
    return { got, subscription };
  }

  async respond(bus: BusPort, name: string, answer: (message: BusMessage) => void): Promise<BusSubscription> {
    const subscription = bus.subscribe(this.topic(name), answer);
    await this.settle(bus);
    return subscription;
  }

  /** Everything this client sent has reached the broker. */
  async settle(bus: BusPort): Promise<void> {
    expect(await bus.flush(PATIENCE_MS)).toBe(true);
  }

  /**
   * Everything that `from` published has reached `to`: messages keep their order, so the one that comes last tells.
   */
  async drained(from: BusPort, to: BusPort): Promise<void> {
    const name = `drained.${this.subject.system.random.hex(6)}`;
    const { got, subscription } = await this.collect(to, name);
    from.publish(this.topic(name), text('end'));
    await this.eventually(() => got.length > 0, 'the last message arrives');
    subscription.unsubscribe();
  }

  /** The outcome in short: the reply's text, or the kind. */
  async ask(bus: BusPort, name: string, question: string, options: Partial<RequestOptions> = {}): Promise<string> {
    const outcome = await bus.request(this.topic(name), text(question), { timeoutMs: PATIENCE_MS, ...options });
    return outcome.kind === 'reply' ? untext(outcome.payload) : `(${outcome.kind})`;
  }
}

export interface Collected {
  got: string[];
  subscription: BusSubscription;
}

/** 0, 1, … as text, for the order of messages. */
export const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));
