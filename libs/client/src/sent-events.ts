import type { ClientEvent, TurnId } from '@parley/model';

/**
 * As many as a gateway lets wait for its owner before it closes the connection: on a connection that stands, older ones
 * are applied.
 */
export const MAX_KEPT_EVENTS = 512;

/** An event that must not be lost with its connection. */
export type DurableEvent = ClientEvent & { event_id: string };

/** The durable events that may have to be sent (again) when the session is resumed, in the order they were made. */
export class SentEvents {
  private kept: { event: DurableEvent; isAnswered: boolean }[] = [];

  /** Returns the event that was given up for it: the oldest, when there are too many. */
  add(event: DurableEvent): DurableEvent | undefined {
    this.kept.push({ event, isAnswered: false });
    return this.kept.length > MAX_KEPT_EVENTS ? this.kept.shift()?.event : undefined;
  }

  /**
   * The server has applied this event and so all before it. One that is not known was forgotten on other evidence: what
   * is still kept came after it. Null: nothing was applied.
   */
  applied(eventId: string | null): void {
    this.forgetTo(({ event_id: id }) => id === eventId);
  }

  turnAccepted(turnId: TurnId): void {
    this.forgetTo((event) => event.type === 'parley.transcript.final' && event.turn_id === turnId);
  }

  /**
   * An error named this event: it is not sent again. That proves nothing of the ones before it, since the gateway refuses
   * some events itself; so its place among them is kept.
   */
  refused(eventId: string): void {
    for (const entry of this.kept) if (entry.event.event_id === eventId) entry.isAnswered = true;
  }

  /** What is to be sent when the session is resumed. */
  unapplied(): DurableEvent[] {
    return this.kept.filter(({ isAnswered }) => !isAnswered).map(({ event }) => event);
  }

  private forgetTo(isIt: (event: DurableEvent) => boolean): void {
    const at = this.kept.findLastIndex(({ event }) => isIt(event));
    this.kept = this.kept.slice(at + 1);
  }
}
