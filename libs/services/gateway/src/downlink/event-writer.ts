import type { ClientEventBody } from '@parley/model';
import type { Dialect } from '../dialects/dialect';
import type { OrderedWriter } from './ordered-writer';
import { NOWHERE, type Resumption } from './resumption';
import type { OutputNumber } from '../link/session-link';

/** An output on its way to the client: how its events are named, and how many of them the client has from an older connection. */
export interface Told {
  outSeq: number;
  eventId: string;
  seen: number;
}

/** What is written without an output of the owner has no number of its own. */
type Naming = Pick<Told, 'eventId' | 'seen'>;

/**
 * Writes events in the client's dialect and names each. Those of an output are named after its number, so that a client that
 * comes back can say by the last one what it has; what the gateway makes itself is named after the output before it.
 */
export class EventWriter {
  /** The newest output that the client has; what is written between two of them is named after it. */
  private position: string;
  private ownEvents = 0;

  constructor(
    private readonly writer: OrderedWriter,
    private readonly dialect: Dialect,
    private readonly attachment: number,
    /** Of a connection that continues another one. */
    private readonly resumption: Resumption | undefined,
  ) {
    this.position = resumption?.position ?? NOWHERE;
  }

  /** Tells an output; what is written from then on comes behind it. */
  tell({ epoch, outSeq }: OutputNumber, tell: (told: Told) => void): void {
    const seen = this.resumption?.eventsSeen(outSeq) ?? 0;
    tell({ outSeq, eventId: `event_${epoch}_${outSeq}`, seen });
    if (seen !== Infinity) this.position = `${epoch}_${outSeq}`;
  }

  write(event: ClientEventBody): void {
    this.writeAs(event, this.ownId());
  }

  /** Several events of one output share its number and get their place behind it. */
  writeAll(events: readonly ClientEventBody[], { eventId, seen }: Naming = this.own()): void {
    events.forEach((event, index) => {
      if (index >= seen) this.writeAs(event, index === 0 ? eventId : `${eventId}_${index}`);
    });
  }

  /** The last one of an output, named so that a client that has it is known to have all events of the output, however many there were. */
  writeLast(event: ClientEventBody, { eventId, seen }: Told): void {
    if (seen === Infinity) return;
    this.position = eventId.slice('event_'.length);
    this.write(event);
  }

  /** For an event of no output. */
  ownId(): string {
    return `event_${this.position}_a${this.attachment}n${++this.ownEvents}`;
  }

  private own(): Naming {
    return { eventId: this.ownId(), seen: 0 };
  }

  private writeAs(event: ClientEventBody, eventId: string): void {
    const told = this.dialect.told(event);
    if (!told) return;
    const { type, ...fields } = told;
    this.writer.write({ kind: 'text', text: JSON.stringify({ type, event_id: eventId, ...fields }) });
  }
}
