import { fieldsOf } from '../support/fields';
import type { Arrival, WireEvent } from '../support/test-client';
import { Ear } from './ear';

/** What a client has of one response. */
class Had {
  readonly ear = new Ear();
  isDone = false;
  private readonly samples: number[] = [];

  take({ segment, samples, last, atMs }: Extract<Arrival, { kind: 'audio' }>): void {
    // Every segment before the one under way is complete, one that had no audio too.
    for (let before = 0; before <= segment; before++) this.samples[before] ??= 0;
    this.samples[segment] = (this.samples[segment] ?? 0) + samples;
    // Only of the last one more may come.
    if (last) this.samples[segment + 1] ??= 0;
    this.ear.arrived(samples, atMs);
  }

  isFinishedWith(nowMs: number): boolean {
    return this.isDone && this.ear.queuedMs(nowMs) === 0;
  }

  stateAt(nowMs: number): { samples: readonly number[]; played_ms: number; done: boolean } {
    return { samples: this.samples, played_ms: Math.floor(this.ear.playedMs(nowMs)), done: this.isDone };
  }
}

/** What a client has of its session, over all its connections, and states when it resumes: PROTOCOL.md, "Resuming a session". */
export class Memory {
  private token: string | undefined;
  private lastEventId: string | undefined;
  private newest: string | undefined;
  private readonly responses = new Map<string, Had>();

  take(arrival: Arrival): void {
    if (arrival.kind === 'audio') this.of(arrival.responseId).take(arrival);
    else this.takeEvent(arrival.event);
  }

  earOf(responseId: string): Ear {
    return this.of(responseId).ear;
  }

  /** Undefined as long as it was given no token. `nowMs` is on the clock of the arrivals. */
  resumeQuery(nowMs: number): string | undefined {
    if (this.token === undefined) return undefined;
    const query = new URLSearchParams({ resume: this.token, received: JSON.stringify(this.received(nowMs)) });
    if (this.lastEventId !== undefined) query.set('last_event_id', this.lastEventId);
    return query.toString();
  }

  /** Of the newest response, and of each other one that is not done or not heard to its end. */
  private received(nowMs: number): unknown[] {
    return [...this.responses]
      .filter(([id, had]) => id === this.newest || !had.isFinishedWith(nowMs))
      .map(([id, had]) => ({ response_id: id, ...had.stateAt(nowMs) }));
  }

  private takeEvent(event: WireEvent): void {
    if (event.event_id !== undefined) this.lastEventId = event.event_id;
    if (event.type === 'parley.session' && typeof event['resume_token'] === 'string')
      this.token = event['resume_token'];
    const id = fieldsOf(event['response'])['id'];
    if (typeof id !== 'string') return;
    if (event.type === 'response.created') this.of(id);
    if (event.type === 'response.done') this.of(id).isDone = true;
  }

  private of(responseId: string): Had {
    const known = this.responses.get(responseId);
    if (known) return known;
    const had = new Had();
    this.responses.set(responseId, had);
    this.newest = responseId;
    return had;
  }
}
