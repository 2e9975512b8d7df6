import { fieldsOf } from '../../support/fields';
import type { WireEvent } from './observation';
import type { SeenResponse } from './seen-response';
import type { Fail } from './violation';

/** PROTOCOL.md, "Order of a response": the events of one function call. */
const CHAIN = [
  'response.output_item.added',
  'conversation.item.added',
  'response.function_call_arguments.delta',
  'response.function_call_arguments.done',
  'conversation.item.done',
  'response.output_item.done',
];

/** Function calls are items of their own beside the message: each in its order, once, while its response is open. */
export class CallOrder {
  /** How far the chain of each item has come. */
  private readonly steps = new Map<string, number>();
  private readonly callIds = new Set<string>();

  constructor(private readonly fail: Fail) {}

  isOfCall(event: WireEvent): boolean {
    return fieldsOf(event['item'])['type'] === 'function_call' || event.type.startsWith('response.function_call_');
  }

  event(event: WireEvent, response: SeenResponse): void {
    const itemId = String(event['item_id'] ?? fieldsOf(event['item'])['id']);
    const step = this.steps.get(itemId) ?? 0;
    this.steps.set(itemId, step + 1);
    if (event.type !== CHAIN[step]) this.fail('order events', `${event.type} of call ${itemId} out of order`);
    if (response.doneMs !== undefined)
      this.fail('order events', `${event.type} of a call after ${response.id} was done`);
    if (response.fenced) this.fail('G1 fence-at-once', `a call of ${response.id} after the client's interrupt`);
    if (event.type !== 'response.function_call_arguments.done') return;
    const callId = String(event['call_id']);
    if (this.callIds.has(callId)) this.fail('G3 call-twice', `${callId} was called twice`);
    this.callIds.add(callId);
  }
}
