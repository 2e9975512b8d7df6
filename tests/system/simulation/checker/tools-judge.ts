import { fieldsOf } from '../../support/fields';
import type { ChatMessage, WireEvent } from './observation';
import type { Fail } from './violation';

/** PROTOCOL.md does not fix these words; what matters is that they are no result. */
const NO_RESULT = /^No result/;

/** What became of the functions a model called: a result that was taken is never lost, never doubled, and nobody else's. */
export class ToolsJudge {
  private readonly sent = new Map<string, string>();
  private readonly taken = new Map<string, string>();

  constructor(private readonly fail: Fail) {}

  sentItem(item: Readonly<Record<string, unknown>>): void {
    if (item['type'] === 'function_call_output') this.sent.set(String(item['call_id']), String(item['output']));
  }

  event(event: WireEvent): void {
    const { type, call_id: callId, output } = fieldsOf(event['item']);
    if (event.type !== 'conversation.item.done' || type !== 'function_call_output') return;
    if (this.taken.has(String(callId))) this.fail('G3 call-twice', `the result of ${String(callId)} was taken twice`);
    this.taken.set(String(callId), String(output));
  }

  asked(messages: readonly ChatMessage[]): void {
    const made = messages.flatMap(({ toolCalls = [] }) => toolCalls.map(({ callId }) => callId));
    const results = messages.filter(({ role }) => role === 'tool');
    const told = results.map(({ callId }) => String(callId));
    if ([...made].sort().join() !== [...told].sort().join()) {
      this.fail('G4 tool-result', `the model got the calls ${made.join()} and results of ${told.join()}`);
    }
    for (const { callId = '', content } of results) {
      if (content === this.sent.get(callId) || NO_RESULT.test(content)) continue;
      this.fail('G4 tool-result', `the model got "${content}" of ${callId}`);
    }
    for (const [callId, output] of this.taken) {
      if (results.some((result) => result.callId === callId && result.content === output)) continue;
      this.fail('G4 tool-result', `the model was not given the result of ${callId}`);
    }
  }
}
