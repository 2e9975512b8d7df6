import type { InputNumber, SessionInput, TurnId } from '@parley/model';
import type { Draft } from './draft';
import { refusals } from './errors';
import { finishGeneration, growAnswer } from './generation';
import { cutForTurn } from './interruption';
import { addItem } from './items';
import { beginResponse } from './response';
import { commitSpeculation, discardSpeculation } from './speculation';
import type { QueuedTurn, SpeculativeRun } from './state';

type Numbered<Kind extends SessionInput['kind']> = Extract<SessionInput, { kind: Kind }> & {
  cause: InputNumber;
  clientEventId?: string;
};

/** As many turn ids as a client could plausibly repeat after trouble. */
const REMEMBERED_TURNS = 256;

/** G3, SP6, SP7: a turn id runs once from its acceptance on; a refused one may be sent again. */
export function startTurn(draft: Draft, input: Numbered<'final-transcript'>): void {
  const { turnId, text, clientEventId } = input;
  const { state, live } = draft;
  const { busy } = draft.sessionPolicy;
  if (state.recentTurnIds.includes(turnId)) return draft.reject(refusals.turnDuplicate(turnId), clientEventId);
  const run = commitSpeculation(draft, { turnId, text });
  if (text.trim() === '') return draft.reject(refusals.emptyText(), clientEventId);
  if (live && busy === 'reject') return draft.reject(refusals.turnInProgress(live.responseId), clientEventId);
  if (busy === 'interrupt') cutForTurn(draft);
  else if (live) return enqueue(draft, input);
  accept(draft, input);
  begin(draft, input, run);
}

/** `response.create`: an answer to the conversation as it is. The Realtime API refuses a second one whatever the policy. */
export function respond(draft: Draft, input: Numbered<'response-requested'>): void {
  const { turnId, responseId, answerId, options, cause, clientEventId } = input;
  const { live } = draft;
  if (live) return draft.reject(refusals.activeResponse(live.responseId), clientEventId);
  discardSpeculation(draft, 'mismatch');
  accept(draft, input);
  beginResponse(draft, {
    responseId,
    itemId: answerId,
    turnId,
    cause,
    instructions: options.instructions,
    metadata: options.metadata ?? null,
  });
}

/** The floor is free: the oldest turn that waited takes it, in the step that freed it. */
export function startQueued(draft: Draft): void {
  const [next, ...queue] = draft.state.queue;
  if (!next || draft.live || draft.state.phase.name !== 'listening') return;
  draft.set({ queue });
  begin(draft, next, undefined);
}

function enqueue(draft: Draft, input: Numbered<'final-transcript'>): void {
  const { queue } = draft.state;
  const { turnId, text, itemId, responseId, answerId, cause, clientEventId } = input;
  if (queue.length >= draft.policy.maxQueuedTurns) return draft.reject(refusals.queueFull(queue.length), clientEventId);
  draft.set({ queue: [...queue, { turnId, text, itemId, responseId, answerId, cause }] });
  accept(draft, input, { queued: true });
}

function begin(draft: Draft, turn: QueuedTurn, run: SpeculativeRun | undefined): void {
  const { turnId, text, itemId, responseId, answerId, cause } = turn;
  addItem(draft, { id: itemId, role: 'user', text }, undefined);
  beginResponse(draft, {
    ...{ responseId, itemId: answerId, turnId, cause, instructions: undefined, metadata: null },
    ...(run ? { run } : {}),
  });
  if (!run) return;
  // SP3: what was written while the transcript could still change leaves now, as if it had just come.
  growAnswer(draft, { ...run, text: run.buffer });
  if (run.finished) finishGeneration(draft, { ...run, ...run.finished });
}

function accept(
  draft: Draft,
  { turnId, responseId }: { turnId: TurnId; responseId: `resp_${string}` },
  more: { queued?: true } = {},
): void {
  draft.set({ recentTurnIds: [...draft.state.recentTurnIds, turnId].slice(-REMEMBERED_TURNS) });
  draft.emit({
    kind: 'event',
    event: { type: 'parley.turn.accepted', turn_id: turnId, response_id: responseId, ...more },
  });
}
