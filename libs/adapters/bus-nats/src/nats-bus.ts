import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { checkLiteralSubject, checkPayloadSize, checkSubjectPattern, OpenRequests } from '@parley/ports';
import type {
  BusHandler,
  BusPort,
  BusSubscription,
  LogPort,
  RandomPort,
  RequestOptions,
  RequestOutcome,
  SubscribeOptions,
  TimersPort,
} from '@parley/ports';
import { messageOf, NatsDialer } from './nats-link';

export interface NatsBusOptions {
  /** `nats://[user:password@|token@]host[:port]` or `tls://…`; any of them will do. */
  urls: readonly string[];
  /** Shown by the server's monitoring. */
  name: string;
  /** Replies to this client's requests come under it, so that permissions can be narrow: `_INBOX.gateway`. */
  inboxPrefix: string;
  log: LogPort;
  timers: TimersPort;
  random: RandomPort;
  /** `SystemPorts.schedule`. */
  schedule: (callback: () => void) => void;
}

interface Outgoing {
  subject: string;
  payload: Uint8Array;
  reply: string | undefined;
}

interface OwnSubscription extends BusSubscription {
  readonly pattern: string;
  readonly queue: string | undefined;
  readonly receive: (message: Msg) => void;
  /** On the present link. */
  native: Subscription | undefined;
}

const CLOSE_TIMEOUT_MS = 2_000;
/** A fleet that lost one server does not come back in one instant. */
const RELINK_SPREAD_MS = 250;
const INBOX_BYTES = 11;
const NO_RESPONDERS_CODE = 503;

/** Connects once. Rejects with an Error that names the servers, without credentials, when none takes the connection. */
export async function connectNatsBus(options: NatsBusOptions): Promise<NatsBus> {
  const dialer = new NatsDialer(options.urls, options.name);
  return new NatsBus(await dialer.dial(), dialer, options);
}

/**
 * The bus over core NATS.
 *
 * What happens at a lost link: requests under way end as `disconnected`, and what is published from then on is dropped
 * here, at once. (The client library by itself keeps it in memory, clears that at each attempt to reconnect, and sends
 * what was published during the last attempt: part of the past arrives late.) What was published shortly before may be
 * lost with the socket. A link that died without a sign is noticed after 6 to 9 s; until then publishes are buffered.
 *
 * Each link gets a new connection of the library. Its own reconnecting is not used: it first flushes the dead socket
 * and so hangs for ever on a link that went silent with data under way (shown by `nats-bus.integration.ts`). The inbox
 * is our own for a similar reason: the library's requests can neither be aborted nor end with the link.
 *
 * What is published in one turn of the event loop leaves with one system call. The library writes at the end of each
 * callback instead, so that a voice worker with many sessions spent half its time in writes of one chunk each.
 */
export class NatsBus implements BusPort {
  private connection: NatsConnection | undefined;
  private maxBytes = 0;
  private readonly subscriptions = new Set<OwnSubscription>();
  private readonly listeners = new Set<() => void>();
  private readonly requests: OpenRequests;
  private readonly inbox: string;
  private readonly log: LogPort;
  private readonly timers: TimersPort;
  private readonly random: RandomPort;
  private closing: Promise<void> | undefined;
  private relinking: Promise<void> = Promise.resolve();
  /** Ends what waits for an answer of the present link's server. */
  private readonly linkWaits = new Set<() => void>();
  private wakeRelink: () => void = () => undefined;
  /** Published in this turn of the event loop, on the present link. */
  private outgoing: Outgoing[] = [];
  private readonly schedule: (callback: () => void) => void;

  /** For `connectNatsBus`. */
  constructor(
    connection: NatsConnection,
    private readonly dialer: NatsDialer,
    options: NatsBusOptions,
  ) {
    this.log = options.log;
    this.timers = options.timers;
    this.random = options.random;
    this.schedule = options.schedule;
    this.requests = new OpenRequests(options.timers, options.log);
    this.inbox = `${options.inboxPrefix}.${options.random.hex(INBOX_BYTES)}.`;
    this.addSubscription(`${this.inbox}*`, undefined, (message) => this.receiveReply(message));
    this.attach(connection);
  }

  get connected(): boolean {
    return this.connection !== undefined;
  }

  get maxPayloadBytes(): number {
    return this.maxBytes;
  }

  publish(subject: string, payload: Uint8Array): void {
    this.check(subject, payload);
    this.send(subject, payload);
  }

  async request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<RequestOutcome> {
    this.check(subject, payload);
    if (this.connection === undefined || this.closing !== undefined) return { kind: 'disconnected' };
    return this.requests.start(options, (token) => this.send(subject, payload, this.inbox + token));
  }

  subscribe(pattern: string, handler: BusHandler, options: SubscribeOptions = {}): BusSubscription {
    checkSubjectPattern(pattern, options.queue);
    return this.addSubscription(pattern, options.queue, (message) => this.handle(message, handler));
  }

  async flush(timeoutMs: number): Promise<boolean> {
    const { connection } = this;
    if (connection === undefined) return false;
    this.sendOutgoing();
    return this.within(timeoutMs, connection.flush(), this.linkWaits);
  }

  onReconnect(listener: () => void): () => void {
    // Each call of onReconnect is a listener of its own, also when the function is the same.
    const own = (): void => listener();
    this.listeners.add(own);
    return () => {
      this.listeners.delete(own);
    };
  }

  /** Resolves within about 2 s, also when the server does not answer. */
  close(): Promise<void> {
    return (this.closing ??= this.finish());
  }

  private check(subject: string, payload: Uint8Array): void {
    checkLiteralSubject(subject);
    checkPayloadSize(payload, this.maxBytes);
  }

  private send(subject: string, payload: Uint8Array, reply?: string): void {
    if (this.connection === undefined) return;
    // Copied because the sender may reuse its buffer at once.
    this.outgoing.push({ subject, payload: new Uint8Array(payload), reply });
    // While it drains, the connection may take nothing more by the end of this turn.
    if (this.closing !== undefined) this.sendOutgoing();
    else if (this.outgoing.length === 1) this.schedule(() => this.sendOutgoing());
  }

  private sendOutgoing(): void {
    const { connection, outgoing } = this;
    if (connection === undefined) return;
    this.outgoing = [];
    try {
      for (const { subject, payload, reply } of outgoing) {
        connection.publish(subject, payload, reply === undefined ? undefined : { reply });
      }
    } catch (error) {
      // Drained or closed a moment ago: that link takes nothing more, as if it were down.
      if (!connection.isClosed() && !connection.isDraining()) throw error;
    }
  }

  private addSubscription(
    pattern: string,
    queue: string | undefined,
    receive: (message: Msg) => void,
  ): OwnSubscription {
    const subscription: OwnSubscription = {
      pattern,
      queue,
      receive,
      native: undefined,
      unsubscribe: () => {
        this.subscriptions.delete(subscription);
        subscription.native?.unsubscribe();
        subscription.native = undefined;
      },
      leave: () => {
        // Left before: it may be on its way out, or the link it had is gone.
        if (!this.subscriptions.delete(subscription)) return;
        subscription.native?.drain().catch(() => undefined);
      },
    };
    if (this.closing !== undefined) return subscription;
    this.subscriptions.add(subscription);
    if (this.connection !== undefined) this.join(subscription, this.connection);
    return subscription;
  }

  private join(subscription: OwnSubscription, connection: NatsConnection): void {
    const { pattern, queue, receive } = subscription;
    subscription.native = connection.subscribe(pattern, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error !== null) {
          this.log.error('the bus server refused a subscription', { pattern, reason: error.message });
        } else if (this.connection === connection) {
          receive(message);
        }
      },
    });
  }

  /** Nothing may be thrown into the library: it would stop reading from the socket. */
  private handle(message: Msg, handler: BusHandler): void {
    const { subject } = message;
    const reply = message.reply ?? '';
    try {
      handler({
        subject,
        payload: message.data,
        reply: reply === '' ? undefined : (payload) => this.answer(reply, payload),
      });
    } catch (error) {
      this.log.error('a bus handler threw; its message is dropped', { subject, error });
    }
  }

  private answer(reply: string, payload: Uint8Array): void {
    checkPayloadSize(payload, this.maxBytes);
    this.send(reply, payload);
  }

  private receiveReply(message: Msg): void {
    const token = message.subject.slice(this.inbox.length);
    const payload = message.data;
    if (payload.length === 0 && message.headers?.code === NO_RESPONDERS_CODE) {
      this.requests.end(token, { kind: 'no-responders' });
    } else {
      this.requests.reply(token, payload);
    }
  }

  private attach(connection: NatsConnection): void {
    this.connection = connection;
    this.maxBytes = connection.info?.max_payload ?? this.maxBytes;
    for (const subscription of this.subscriptions) this.join(subscription, connection);
    void this.watch(connection);
    void connection.closed().then(() => this.lose(connection));
  }

  /** Ends with the connection. */
  private async watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'error') this.log.warn('the bus server reports an error', { reason: status.error.message });
      if (status.type === 'disconnect' || status.type === 'staleConnection') this.lose(connection);
    }
  }

  private lose(connection: NatsConnection): void {
    if (this.connection !== connection) return;
    this.connection = undefined;
    this.outgoing = [];
    for (const subscription of this.subscriptions) subscription.native = undefined;
    void connection.close();
    this.requests.endAll();
    for (const end of [...this.linkWaits]) end();
    if (this.closing !== undefined) return;
    this.log.warn('the bus link is lost', { server: connection.getServer() });
    this.relinking = this.relink();
  }

  private async relink(): Promise<void> {
    while (this.closing === undefined) {
      await this.pause(this.random.fraction() * RELINK_SPREAD_MS);
      try {
        const connection = await this.dialer.dialUntil(() => this.closing === undefined);
        if (this.closing !== undefined) return await connection.close();
        this.attach(connection);
        this.log.info('the bus link is back', { server: connection.getServer() });
        return this.tellReconnected();
      } catch (error) {
        if (this.closing === undefined) this.log.error('reconnecting the bus failed', { reason: messageOf(error) });
      }
    }
  }

  private async finish(): Promise<void> {
    this.wakeRelink();
    this.requests.endAll();
    const { connection } = this;
    if (connection !== undefined) {
      this.sendOutgoing();
      // Handlers still run while it drains, and their replies still leave.
      await this.within(CLOSE_TIMEOUT_MS, connection.drain(), this.linkWaits);
      this.connection = undefined;
      await connection.close();
    }
    // A dial under way cannot be called off: it ends by its own deadline, and what it brings is closed.
    await this.within(CLOSE_TIMEOUT_MS, this.relinking);
    this.subscriptions.clear();
    this.listeners.clear();
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

  private pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.timers.after(delayMs, resolve);
      this.wakeRelink = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Whether it was fulfilled in time; no longer than the entries of `waits` are left alone. */
  private within(timeoutMs: number, work: Promise<void>, waits = new Set<() => void>()): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (done: boolean): void => {
        cancel();
        waits.delete(giveUp);
        resolve(done);
      };
      const giveUp = (): void => end(false);
      const cancel = this.timers.after(timeoutMs, giveUp);
      waits.add(giveUp);
      work.then(() => end(true), giveUp);
    });
  }
}
