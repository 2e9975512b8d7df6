import type { ItemId, SessionInput, ToolCall } from '@parley/model';
import type { Draft } from './draft';
import { refusals } from './errors';
import { findItem, insertItem, replaceItem } from './history';
import { addCallOutput, callNamed } from './items';
import { discardSpeculation } from './speculation';
import { isOfConversation, type CallItem, type CallOutcome, type LiveResponse } from './state';

/** Functions that the model calls and the client answers. */

interface Called {
  itemId: ItemId;
  call: ToolCall;
}

type CallAnswered = Extract<SessionInput, { kind: 'call-answered' }> & { clientEventId?: string };

/** The client is told at once: a function may take long, and the answer's audio need not be waited for. */
export function callTool(draft: Draft, response: LiveResponse, { itemId, call }: Called): void {
  const { lane, ordinal } = response;
  // Out of band the conversation knows nothing of it, and waits for no result.
  if (isOfConversation(response)) awaitResult(draft, response, { itemId, call });
  draft.patch(response, { calls: [...response.calls, itemId] });
  draft.emit({ kind: 'call', lane, ordinal, itemId, call });
}

function awaitResult(draft: Draft, { calls, itemId: answerId, ordinal }: LiveResponse, { itemId, call }: Called): void {
  const newest = calls.at(-1) ?? answerId;
  // A long conversation may have left the beginning of its answer behind.
  const before = findItem(draft.state.history, newest) ? newest : undefined;
  const item: CallItem = { id: itemId, role: 'call', answerId, call, outcome: { stage: 'pending' } };
  const deadlineMs = draft.nowMs + draft.policy.toolTimeoutMs;
  draft.set({
    history: insertItem(draft.state.history, item, before),
    calls: [...draft.state.calls, { itemId, ordinal, deadlineMs }],
  });
}

/** A result is taken once, also of a call that was abandoned: the function has run, and the model should know. */
export function answerCall(draft: Draft, answer: CallAnswered): void {
  const { itemId, callId, output, clientEventId } = answer;
  // Its place in the conversation is behind its call: "root" says nothing.
  const place = answer.previousItemId ?? undefined;
  const item = callNamed(draft.state.history, callId);
  if (!item) return draft.reject(refusals.unknownCall(callId), clientEventId);
  if (item.outcome.stage === 'answered') return draft.reject(refusals.callAnswered(callId), clientEventId);
  if (findItem(draft.state.history, itemId)) return draft.reject(refusals.itemIdInUse(), clientEventId);
  if (place !== undefined && !findItem(draft.state.history, place)) {
    return draft.reject(refusals.itemNotFound('previous_item_id'), clientEventId);
  }
  // What is being answered would not know of it.
  discardSpeculation(draft, 'mismatch');
  const answered = settle(draft, item, { stage: 'answered', itemId, output });
  draft.do({ kind: 'observe', observation: { name: 'tool-call', outcome: 'answered' } });
  addCallOutput(draft, answered, place);
}

/** Nobody waits any longer for what a response called. */
export function abandonCalls(draft: Draft, ordinal: number): void {
  for (const call of draft.state.calls) if (call.ordinal === ordinal) abandon(draft, call.itemId, 'interrupted');
}

export function passCalls(draft: Draft): void {
  for (const { itemId, deadlineMs } of draft.state.calls) {
    if (deadlineMs <= draft.nowMs) abandon(draft, itemId, 'timeout');
  }
}

/** At a takeover every result has its whole time again. */
export function watchCalls(draft: Draft): void {
  const deadlineMs = draft.nowMs + draft.policy.toolTimeoutMs;
  draft.set({ calls: draft.state.calls.map((call) => ({ ...call, deadlineMs })) });
}

function abandon(draft: Draft, itemId: ItemId, why: 'interrupted' | 'timeout'): void {
  const item = findItem(draft.state.history, itemId);
  draft.set({ calls: draft.state.calls.filter((call) => call.itemId !== itemId) });
  if (item?.role === 'call') settle(draft, item, { stage: 'abandoned', why });
  draft.do({ kind: 'observe', observation: { name: 'tool-call', outcome: why } });
}

function settle(draft: Draft, item: CallItem, outcome: CallOutcome): CallItem {
  const settled = { ...item, outcome };
  draft.set({
    history: replaceItem(draft.state.history, settled),
    calls: draft.state.calls.filter((call) => call.itemId !== item.id),
  });
  return settled;
}
