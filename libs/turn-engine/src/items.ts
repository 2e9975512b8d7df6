import type { ItemId } from '@parley/model';
import type { Draft } from './draft';
import { boundHistory, insertItem, lastItemId } from './history';
import type { CallItem, HistoryItem } from './state';

/** Puts an item that is complete from the start into the conversation, and tells the client. */
export function addItem(
  draft: Draft,
  item: Exclude<HistoryItem, CallItem>,
  previousItemId: ItemId | null | undefined,
): void {
  const before = previousItemId === undefined ? lastItemId(draft.state) : previousItemId;
  const history = insertItem(draft.state.history, item, previousItemId);
  draft.set({ history: boundHistory(history, draft.policy.maxContextChars) });
  emitItem(draft, before, {
    id: item.id,
    type: 'message',
    status: 'completed',
    role: item.role,
    content: [{ type: item.role === 'assistant' ? 'output_text' : 'input_text', text: item.text }],
  });
}

/** The result is part of its call in the history; the client sees an item of its own behind it. */
export function addCallOutput(draft: Draft, item: CallItem, result: { itemId: ItemId; output: string }): void {
  draft.set({ history: boundHistory(draft.state.history, draft.policy.maxContextChars) });
  const { itemId: id, output } = result;
  emitItem(draft, item.id, {
    ...{ id, type: 'function_call_output', status: 'completed', call_id: item.call.callId, output },
  });
}

function emitItem(draft: Draft, previousItemId: ItemId | null, item: Record<string, unknown>): void {
  for (const type of ['conversation.item.added', 'conversation.item.done']) {
    draft.emit({ kind: 'event', event: { type, previous_item_id: previousItemId, item } });
  }
}
