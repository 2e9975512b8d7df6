import { unreachable, type ItemId, type SessionInput } from '@parley/model';
import type { Draft } from './draft';
import { refusals } from './errors';
import { boundHistory, findItem, insertItem, lastItemId } from './history';
import type { EngineInput } from './inputs';
import { cancel, interrupt, truncate } from './interruption';
import { applyReport } from './playout';
import { beginResponse, finishLive, restIdle } from './response';
import { closeSession, updateSession } from './session';
import type { HistoryItem } from './state';

type ClientInput = Extract<EngineInput, { kind: 'client' }>;
type Of<Kind extends SessionInput['kind']> = Extract<SessionInput, { kind: Kind }>;

/** As many turn ids as a client could plausibly repeat after trouble. */
const REMEMBERED_TURNS = 256;

export function applyClientInput(draft: Draft, envelope: ClientInput): void {
  if (draft.state.phase.name === 'idle') return;
  restIdle(draft);
  const { input, clientEventId } = envelope;
  // What the gateway knew when the client spoke is a report of that moment; an interruption is judged by it.
  if ('delivery' in input) applyReport(draft, 'writtenOrdinal' in input ? input.writtenOrdinal : 0, input.delivery);
  // The client may answer `response.done` before the gateway's report of it arrives here.
  const live = draft.live;
  if (live && live.ordinal <= envelope.closedOrdinal) finishLive(draft, 'presumed');
  const id = clientEventId === undefined ? {} : { clientEventId };
  switch (input.kind) {
    case 'final-transcript':
      return startTurn(draft, envelope, input);
    case 'response-requested':
      return respond(draft, envelope, input);
    case 'item-created':
      return createItem(draft, input, clientEventId);
    case 'interrupted':
      return interrupt(draft, { ...input, ...id, responseId: input.responseId, number: envelope.number });
    case 'response-cancelled':
      return cancel(draft, { ...input, ...id, responseId: input.responseId, number: envelope.number });
    case 'item-truncated':
      return truncate(draft, { ...input, ...id });
    case 'session-updated':
      return updateSession(draft, input.patch);
    case 'message-refused':
      return draft.reject(input.error, clientEventId);
    case 'disconnected':
      return closeSession(draft, input.reason);
    default:
      return unreachable(input);
  }
}

/** G3, SP6, SP7: a turn id runs once from its acceptance on; a refused one may be sent again. */
function startTurn(draft: Draft, envelope: ClientInput, input: Of<'final-transcript'>): void {
  const { turnId, text, responseId, itemId, answerId } = input;
  const { state } = draft;
  const live = draft.live;
  if (state.recentTurnIds.includes(turnId)) return draft.reject(refusals.turnDuplicate(turnId), envelope.clientEventId);
  if (text.trim() === '') return draft.reject(refusals.emptyText(), envelope.clientEventId);
  if (live) return draft.reject(refusals.turnInProgress(live.responseId), envelope.clientEventId);
  rememberTurn(draft, turnId);
  draft.emit({ kind: 'event', event: { type: 'parley.turn.accepted', turn_id: turnId, response_id: responseId } });
  addItem(draft, { id: itemId, role: 'user', text }, undefined);
  beginResponse(draft, {
    responseId,
    itemId: answerId,
    turnId,
    cause: envelope.number,
    instructions: undefined,
    metadata: null,
  });
}

function respond(draft: Draft, envelope: ClientInput, input: Of<'response-requested'>): void {
  const { turnId, responseId, answerId, options } = input;
  const live = draft.live;
  if (live) return draft.reject(refusals.activeResponse(live.responseId), envelope.clientEventId);
  rememberTurn(draft, turnId);
  draft.emit({ kind: 'event', event: { type: 'parley.turn.accepted', turn_id: turnId, response_id: responseId } });
  beginResponse(draft, {
    responseId,
    itemId: answerId,
    turnId,
    cause: envelope.number,
    instructions: options.instructions,
    metadata: options.metadata ?? null,
  });
}

function rememberTurn(draft: Draft, turnId: string): void {
  draft.set({ recentTurnIds: [...draft.state.recentTurnIds, turnId].slice(-REMEMBERED_TURNS) });
}

function createItem(draft: Draft, input: Of<'item-created'>, clientEventId: string | undefined): void {
  const { itemId, item, previousItemId } = input;
  if (findItem(draft.state, itemId)) return draft.reject(refusals.itemIdInUse(), clientEventId);
  if (typeof previousItemId === 'string' && !findItem(draft.state, previousItemId)) {
    return draft.reject(refusals.itemNotFound('previous_item_id'), clientEventId);
  }
  const { role, text } = item;
  addItem(
    draft,
    role === 'assistant' ? { id: itemId, role, text, interrupted: false, spoken: null } : { id: itemId, role, text },
    previousItemId,
  );
}

/** An item of the client's, complete from the start. */
function addItem(draft: Draft, item: HistoryItem, previousItemId: ItemId | null | undefined): void {
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
