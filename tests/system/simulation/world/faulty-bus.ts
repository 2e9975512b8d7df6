import type {
  BusHandler,
  BusMessage,
  BusPort,
  BusSubscription,
  LogPort,
  RequestOptions,
  RequestOutcome,
  SubscribeOptions,
  TimersPort,
} from '@parley/ports';
import type { Dice } from './streams';

/** The end of a link: one process. `slot` stays the same over its restarts. */
export interface Station {
  readonly number: number;
  readonly slot: string;
}

export type LinkFaultKind = 'delay' | 'drop' | 'duplicate' | 'reorder' | 'partition';

/** What is wrong between some stations as long as it is switched on. */
export interface LinkFault {
  readonly kind: LinkFaultKind;
  readonly hits: (from: Station, to: Station) => boolean;
}

const DROP_PROBABILITY = 0.3;
const DUPLICATE_PROBABILITY = 0.4;
const DELAY_MS = { from: 20, to: 700 };
/** While what the message led to is still under way. */
const COPY_SOON_MS = 5;
/** Far more than the time between two messages: order is lost. */
const REORDER_MS = { from: 0, to: 60 };

/**
 * What lies between the bus and each process: every delivery passes here and is late, lost, doubled or overtaken while
 * a fault says so. Without a fault it goes on at once. Order from one station to another is kept unless it is what is
 * broken.
 */
export class FaultyNetwork {
  private readonly faults = new Set<LinkFault>();
  /** Deliveries of a pair wait for those before them until then. */
  private readonly busyUntilMs = new Map<number, number>();
  /** Deliveries that a fault has changed, by its kind. */
  readonly touched: Record<LinkFaultKind, number> = { delay: 0, drop: 0, duplicate: 0, reorder: 0, partition: 0 };

  constructor(
    private readonly system: { timers: TimersPort; readonly nowMs: number },
    private readonly dice: Dice,
    readonly log: LogPort,
  ) {}

  add(fault: LinkFault): void {
    this.faults.add(fault);
  }

  remove(fault: LinkFault): void {
    this.faults.delete(fault);
  }

  carry(from: Station, to: Station, deliver: (isCopy: boolean) => void): void {
    if (this.faults.size === 0 && this.busyUntilMs.size === 0) return deliver(false);
    let [delayMs, copies, inOrder] = [0, 1, true];
    for (const fault of this.faults) {
      if (!fault.hits(from, to)) continue;
      switch (fault.kind) {
        case 'partition':
          this.touched.partition++;
          return;
        case 'drop':
          if (!this.dice.chance(DROP_PROBABILITY)) break;
          this.touched.drop++;
          return;
        case 'duplicate':
          if (!this.dice.chance(DUPLICATE_PROBABILITY)) break;
          this.touched.duplicate++;
          copies++;
          break;
        case 'delay':
          this.touched.delay++;
          delayMs = Math.max(delayMs, this.dice.between(DELAY_MS.from, DELAY_MS.to));
          break;
        case 'reorder':
          this.touched.reorder++;
          inOrder = false;
          delayMs = Math.max(delayMs, this.dice.between(REORDER_MS.from, REORDER_MS.to));
      }
    }
    this.after(inOrder ? this.inOrder(from, to, delayMs) : delayMs, () => deliver(false));
    // The copy comes later, when what followed the message may have come before it.
    if (copies > 1)
      this.after(delayMs + this.dice.between(0, this.dice.pick([COPY_SOON_MS, DELAY_MS.to])), () => deliver(true));
  }

  private inOrder(from: Station, to: Station, delayMs: number): number {
    const pair = from.number * 4096 + to.number;
    const { nowMs } = this.system;
    const dueMs = Math.max(nowMs + delayMs, this.busyUntilMs.get(pair) ?? 0);
    if (dueMs > nowMs) this.busyUntilMs.set(pair, dueMs);
    else this.busyUntilMs.delete(pair);
    return dueMs - nowMs;
  }

  private after(delayMs: number, deliver: () => void): void {
    if (delayMs <= 0) return deliver();
    this.system.timers.after(delayMs, deliver);
  }
}

/** Names the sender in front of each payload, as the network must know between whom a message travels. */
const TAG_BYTES = 2;

/** A bus client whose deliveries, and the answers to what it is asked, pass the faulty network. */
export class FaultyBus implements BusPort {
  private readonly stations: Map<number, Station>;

  constructor(
    private readonly inner: BusPort,
    private readonly self: Station,
    private readonly network: FaultyNetwork,
    stations: Map<number, Station>,
  ) {
    this.stations = stations;
    stations.set(self.number, self);
  }

  get connected(): boolean {
    return this.inner.connected;
  }

  get maxPayloadBytes(): number {
    return this.inner.maxPayloadBytes - TAG_BYTES;
  }

  publish(subject: string, payload: Uint8Array): void {
    this.inner.publish(subject, this.tagged(payload));
  }

  request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<RequestOutcome> {
    return this.inner.request(subject, this.tagged(payload), options);
  }

  subscribe(subject: string, handler: BusHandler, options?: SubscribeOptions): BusSubscription {
    let open = true;
    const subscription = this.inner.subscribe(
      subject,
      (message) => {
        const from = this.senderOf(message.payload);
        this.network.carry(from, this.self, (isCopy) => {
          if (open) this.hand(message, from, handler, isCopy);
        });
      },
      options,
    );
    return {
      unsubscribe: () => {
        open = false;
        subscription.unsubscribe();
      },
      // What a fault holds back is still under way.
      leave: () => subscription.leave(),
    };
  }

  flush(timeoutMs: number): Promise<boolean> {
    return this.inner.flush(timeoutMs);
  }

  onReconnect(listener: () => void): () => void {
    return this.inner.onReconnect(listener);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  /** The payload is the receiver's own, also when the message comes twice. */
  private hand(message: BusMessage, from: Station, handler: BusHandler, isCopy: boolean): void {
    const { reply, payload } = message;
    try {
      handler({
        subject: message.subject,
        payload: isCopy ? payload.slice(TAG_BYTES) : payload.subarray(TAG_BYTES),
        reply: reply && ((answer) => this.network.carry(this.self, from, () => reply(answer))),
      });
    } catch (error) {
      this.network.log.error('a bus handler threw; its message is dropped', { subject: message.subject, error });
    }
  }

  /** The bus copies it before it returns. */
  private tagged(payload: Uint8Array): Uint8Array {
    const tagged = Buffer.allocUnsafe(payload.byteLength + TAG_BYTES);
    tagged[0] = this.self.number >>> 8;
    tagged[1] = this.self.number;
    tagged.set(payload, TAG_BYTES);
    return tagged;
  }

  private senderOf(tagged: Uint8Array): Station {
    const station = this.stations.get(((tagged[0] ?? 0) << 8) | (tagged[1] ?? 0));
    if (station === undefined) throw new Error('a message of nobody');
    return station;
  }
}
