import { rulesBrokenBy } from './client-rules';
import { EventOrder } from './event-order';
import type { EventSchemas } from './event-schemas';
import type { RealtimeEvent } from './realtime-event';

/**
 * Judges all that one connection receives, as it comes: each event by the API's declarations and by the strictest clients,
 * and its place among the others. Imports nothing of Parley.
 */
export class ConnectionJudge {
  private readonly sent: RealtimeEvent[] = [];
  private readonly order = new EventOrder();
  /** A session that goes on with another connection begins in mid-conversation. */
  private isResumed = false;

  constructor(
    private readonly schemas: EventSchemas,
    /** The subprotocol that the server selected. */
    private readonly protocol: string,
  ) {}

  send(event: RealtimeEvent): void {
    this.sent.push(event);
  }

  /** What is wrong with this event; nothing is said of `parley.*`, which only `parley.v1` has. */
  receive(event: RealtimeEvent): string[] {
    if (this.protocol === 'parley.v1') {
      if (event.type === 'parley.session') this.isResumed = event['resumed'] === true;
      if (event.type.startsWith('parley.')) return [];
    }
    const told = this.protocol === 'parley.v1' ? withoutPlace(event) : event;
    return [
      ...this.schemas.faults(told),
      ...rulesBrokenBy(told, this.isResumed ? undefined : this.sent).map((id) => `${told.type} breaks the rule ${id}`),
      ...(this.isResumed ? [] : this.order.faults(told)),
    ];
  }

  /** What is wrong when it ends now; see {@link EventOrder.faultsAtEnd}. */
  end(): string[] {
    return this.isResumed ? [] : this.order.faultsAtEnd();
  }

  /** Responses that began and have not ended: a fault where the client is known to have stayed for all of them. */
  unfinished(): string[] {
    return this.isResumed ? [] : this.order.unfinished();
  }
}

/** Where in its segment an audio delta begins is said on connections of `parley.v1` only. */
function withoutPlace(event: RealtimeEvent): RealtimeEvent {
  if (event.type !== 'response.output_audio.delta') return event;
  const { segment: _segment, first_sample: _firstSample, ...delta } = event;
  return delta;
}
