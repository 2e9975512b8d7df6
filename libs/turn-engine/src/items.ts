import type { ItemId } from '@parley/model';
import type { Draft } from './draft';
import { boundHistory, insertItem, lastItemId } from './history';
import type { HistoryItem } from './state';

/** Puts an item that is complete from the start into the conversation, and tells the client. */
export function addItem(draft: Draft, item: HistoryItem, previousItemId: ItemId | null | undefined): void {
  const before = previousItemId === undefined ? lastItemId(draft.state) : previousItemId;
  const history = insertItem(draft.state.history, item, previousItemId);
  draft.set({ history: boundHistory(history, draft.policy.maxContextChars) });
  const wire = {
    previous_item_id: before,
    item: {
      id: item.id,
      type: 'message',
      status: 'completed',
      role: item.role,
      content: [{ type: item.role === 'assistant' ? 'output_text' : 'input_text', text: item.text }],
    },
  };
  draft.emit({ kind: 'event', event: { type: 'conversation.item.added', ...wire } });
  draft.emit({ kind: 'event', event: { type: 'conversation.item.done', ...wire } });
}
