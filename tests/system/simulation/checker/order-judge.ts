import { fieldsOf } from '../../support/fields';
import { CallOrder } from './call-order';
import { SeenResponse, STEP_OF } from './seen-response';
import type { ObservationOf, WireEvent } from './observation';
import type { Fail } from './violation';

const LOST = 'The rest of this answer was lost.';

/**
 * The order of what one connection received: event ids, the chain of each response, responses one after the other,
 * samples without a hole, and nothing of a response after its last word (G1).
 */
export class OrderJudge {
  /** In the order in which they were created. */
  readonly all: SeenResponse[] = [];
  private readonly responses = new Map<string, SeenResponse>();
  private readonly responseOfItem = new Map<string, SeenResponse>();
  private readonly eventIds = new Set<string>();
  private open: SeenResponse | undefined;
  private readonly calls: CallOrder;

  constructor(private readonly fail: Fail) {
    this.calls = new CallOrder(fail);
  }

  /** The response an event speaks of, if any. */
  responseOf(event: WireEvent): SeenResponse | undefined {
    const named = event['response_id'] ?? fieldsOf(event['response'])['id'];
    if (typeof named === 'string') return this.responses.get(named);
    const item = event['item_id'] ?? fieldsOf(event['item'])['id'];
    return typeof item === 'string' ? this.responseOfItem.get(item) : undefined;
  }

  named(responseId: string): SeenResponse | undefined {
    return this.responses.get(responseId);
  }

  event(event: WireEvent, atMs: number): void {
    this.identify(event);
    if (event.type === 'response.created') {
      const id = String(fieldsOf(event['response'])['id']);
      if (this.responses.has(id)) this.fail('order events', `${id} was created twice`);
      const created = new SeenResponse(id, atMs);
      this.responses.set(id, created);
      this.all.push(created);
    }
    const response = this.responseOf(event);
    if (response === undefined) return;
    // A later truncation of an answer that is over is answered, and says nothing of the answer.
    if (event.type === 'conversation.item.truncated') return;
    if (response.isOver) return this.fail('G1 stale-output', `${event.type} of ${response.id} after its interruption`);
    if (event.type === 'response.output_item.added') this.nameItem(response, event);
    if (this.calls.isOfCall(event)) return this.calls.event(event, response);
    this.step(response, event);
    if (event.type === 'response.output_audio_transcript.delta') this.text(response, event);
    if (event.type === 'response.done') {
      response.doneMs = atMs;
      response.status = String(fieldsOf(event['response'])['status']);
    }
    if (event.type === 'parley.response.interrupted') {
      const [heardText, heardMs] = [String(event['heard_text']), Number(event['heard_ms'])];
      response.interruption = { atMs, heardText, heardMs };
    }
  }

  /** The client has another socket. */
  back(atMs: number): void {
    for (const response of this.all) response.reopen(atMs);
  }

  audio({ responseId, segment: index, firstSample, samples, last, atMs }: ObservationOf<'audio'>): void {
    const response = this.responses.get(responseId);
    if (response === undefined) return this.fail('order samples', `audio of ${responseId}, which was not created`);
    if (response.isOver) return this.fail('G1 stale-output', `audio of ${responseId} after its interruption`);
    if (response.fenced) this.fail('G1 fence-at-once', `audio of ${responseId} after the client's interrupt`);
    if (!response.take('content')) this.fail('order events', `audio of ${responseId} out of order`);
    if (samples > 0) response.firstAudioMs ??= atMs;
    response.samples += samples;
    if (index === null) return;
    const segment = (response.received[index] ??= { samples: 0, last: false });
    const name = `segment ${index} of ${responseId}`;
    if (index >= response.texts.length) this.fail('order samples', `audio of ${name} came before its text`);
    const before = response.received[index - 1];
    if (before?.mayBeWhole) before.last = true;
    if (index > 0 && !before?.last) this.fail('order samples', `${name} began too early`);
    if (segment.last) this.fail('order samples', `${name} went on after its end`);
    if (firstSample !== segment.samples) this.fail('order samples', `${name}: ${firstSample} after ${segment.samples}`);
    segment.samples += samples;
    segment.last = last;
  }

  private identify(event: WireEvent): void {
    const id = event['event_id'];
    if (typeof id !== 'string' || this.eventIds.has(id)) {
      this.fail('order event-ids', `${event.type} has the event id ${String(id)}`);
    } else this.eventIds.add(id);
  }

  private step(response: SeenResponse, event: WireEvent): void {
    const step = STEP_OF[event.type];
    if (step === undefined) return;
    if (step === 'done' && response.doneMs !== undefined) {
      return this.fail('order terminal-once', `response.done of ${response.id} twice`);
    }
    if (!response.take(step, isLost(event))) {
      this.fail('order events', `${event.type} of ${response.id} out of order`);
    }
    // An interruption of what is still heard may come while the next one runs.
    if (step === 'interrupted') return;
    if (this.open !== undefined && this.open !== response) {
      this.fail('order events', `${event.type} of ${response.id} inside ${this.open.id}`);
    }
    if (step === 'created') this.open = response;
    if (step === 'done') this.open = undefined;
  }

  private nameItem(response: SeenResponse, event: WireEvent): void {
    const { id, type } = fieldsOf(event['item']);
    this.responseOfItem.set(String(id), response);
    if (type === 'message') response.itemId = String(id);
  }

  private text(response: SeenResponse, event: WireEvent): void {
    if (response.fenced) this.fail('G1 fence-at-once', `text of ${response.id} after the client's interrupt`);
    response.texts.push(String(event['delta']));
  }
}

/** What was sent of it no store had taken (PROTOCOL.md, "Order of a response"). */
function isLost(event: WireEvent): boolean {
  const { status, status_details: details, output } = fieldsOf(event['response']);
  const isEmpty = Array.isArray(output) && output.length === 0;
  return status === 'failed' && isEmpty && fieldsOf(fieldsOf(details)['error'])['message'] === LOST;
}
