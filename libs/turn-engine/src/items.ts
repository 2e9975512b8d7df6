import { InvariantError, type ItemDraft, type ItemId, type SessionInput } from '@parley/model';
import type { Draft } from './draft';
import { refusals } from './errors';
import { boundHistory, findItem, insertItem, isResultAlone, lastItemId } from './history';
import { discardSpeculation } from './speculation';
import type { CallItem, HistoryItem } from './state';

/** The items of the conversation as a client makes, reads and deletes them. */

type Of<Kind extends SessionInput['kind']> = Extract<SessionInput, { kind: Kind }> & { clientEventId?: string };

/** What a client brings, complete from the start. */
export function itemOf(id: ItemId, draft: ItemDraft): HistoryItem {
  switch (draft.role) {
    case 'call':
      return { id, role: 'call', answerId: id, call: draft.call, outcome: { stage: 'pending' } };
    case 'assistant':
      return { interrupted: false, ...draft, id, role: 'assistant', modality: 'text', spoken: null };
    case 'user':
    case 'system':
      return { ...draft, id, role: draft.role };
  }
}

export function createItem(draft: Draft, { itemId, item, previousItemId, clientEventId }: Of<'item-created'>): void {
  const { history } = draft.state;
  if (findItem(history, itemId)) return draft.reject(refusals.itemIdInUse(), clientEventId);
  if (typeof previousItemId === 'string' && !findItem(history, previousItemId)) {
    return draft.reject(refusals.itemNotFound('previous_item_id'), clientEventId);
  }
  if (item.role === 'call' && callNamed(history, item.call.callId)) {
    return draft.reject(refusals.callIdInUse(item.call.callId), clientEventId);
  }
  // What is being answered would not know of it.
  discardSpeculation(draft, 'mismatch');
  addItem(draft, itemOf(itemId, item), previousItemId);
}

export function retrieveItem(draft: Draft, { itemId, clientEventId }: Of<'item-retrieved'>): void {
  const item = findItem(draft.state.history, itemId);
  if (!item) return draft.reject(refusals.unknownItem('retrieve'), clientEventId);
  const isLive = draft.live?.itemId === itemId;
  draft.emit({
    kind: 'event',
    event: {
      type: 'conversation.item.retrieved',
      item: item.id === itemId && !isResultAlone(item) ? wireItem(item, isLive) : wireResult(item),
    },
  });
}

/** The result of a call that is deleted stays until it is deleted too; a call without its result may get another one. */
export function deleteItem(draft: Draft, { itemId, clientEventId }: Of<'item-deleted'>): void {
  const { calls, history } = draft.state;
  const item = findItem(history, itemId);
  if (!item) return draft.reject(refusals.unknownItem('delete'), clientEventId);
  // What is being answered would still know of it.
  discardSpeculation(draft, 'mismatch');
  draft.set({
    history: history.flatMap((each) => (each === item ? restOf(item, itemId) : [each])),
    calls: calls.filter((call) => call.itemId !== itemId),
  });
  draft.emit({ kind: 'event', event: { type: 'conversation.item.deleted', item_id: itemId } });
}

/** What is left of a call and its result without one of them. */
function restOf(item: HistoryItem, deletedId: ItemId): CallItem[] {
  if (item.role !== 'call' || item.outcome.stage !== 'answered' || isResultAlone(item)) return [];
  return [item.id === deletedId ? { ...item, id: item.outcome.itemId } : { ...item, outcome: { stage: 'pending' } }];
}

/** Puts an item that is complete from the start into the conversation, and tells the client. */
export function addItem(draft: Draft, item: HistoryItem, previousItemId: ItemId | null | undefined): void {
  const before = previousItemId === undefined ? lastItemId(draft.state) : previousItemId;
  const history = insertItem(draft.state.history, item, previousItemId);
  draft.set({ history: boundHistory(history, draft.policy.maxContextChars) });
  emitItem(draft, before, wireItem(item, false));
}

/** The result is part of its call in the history; the client sees an item of its own, where it wants it or behind the call. */
export function addCallOutput(draft: Draft, item: CallItem, previousItemId: ItemId = item.id): void {
  draft.set({ history: boundHistory(draft.state.history, draft.policy.maxContextChars) });
  emitItem(draft, previousItemId, wireResult(item));
}

export function callNamed(history: readonly HistoryItem[], callId: string): CallItem | undefined {
  const item = history.find((each) => each.role === 'call' && each.call.callId === callId && !isResultAlone(each));
  return item?.role === 'call' ? item : undefined;
}

function emitItem(draft: Draft, previousItemId: ItemId | null, item: Record<string, unknown>): void {
  for (const type of ['conversation.item.added', 'conversation.item.done']) {
    draft.emit({ kind: 'event', event: { type, previous_item_id: previousItemId, item } });
  }
}

/** As the Realtime API has it: of an answer that was spoken the transcript, as far as it was heard. */
function wireItem(item: HistoryItem, isLive: boolean): Record<string, unknown> {
  const { id } = item;
  switch (item.role) {
    case 'call': {
      const { callId, name, arguments: text } = item.call;
      return { id, type: 'function_call', status: 'completed', call_id: callId, name, arguments: text };
    }
    case 'assistant': {
      const ended = item.interrupted ? 'incomplete' : 'completed';
      const content =
        item.modality === 'audio' ? [{ type: 'output_audio', transcript: item.text }] : partsOf(item, 'output_text');
      return { id, type: 'message', status: isLive ? 'in_progress' : ended, role: item.role, content };
    }
    case 'user':
    case 'system':
      return { id, type: 'message', status: 'completed', role: item.role, content: partsOf(item, 'input_text') };
  }
}

const partsOf = ({ text, parts = [text] }: { text: string; parts?: string[] }, type: string) =>
  parts.map((part) => ({ type, text: part }));

/** Of a call that has its result. */
function wireResult(item: HistoryItem): Record<string, unknown> {
  if (item.role !== 'call' || item.outcome.stage !== 'answered') throw new InvariantError('an item without a result');
  const { itemId: id, output } = item.outcome;
  return { id, type: 'function_call_output', status: 'completed', call_id: item.call.callId, output };
}
