import { CONVERSATION_LANE, type InputNumber, type ResponseId, type SessionInput, type TurnId } from '@parley/model';
import { freeLane, MAX_ASIDES } from './asides';
import { beginResponse } from './beginning';
import type { Draft } from './draft';
import { refusals } from './errors';
import { floorOf } from './floor';
import { dictate, finishGeneration, growAnswer, growCalls } from './generation';
import { cutForTurn } from './interruption';
import { addItem } from './items';
import { commitSpeculation, discardSpeculation } from './speculation';
import { endSpeech } from './speech';
import type { QueuedTurn, SpeculativeRun } from './state';
import { wishesOf } from './wishes';
import { isBackchannel } from './words';

type Numbered<Kind extends SessionInput['kind']> = Extract<SessionInput, { kind: Kind }> & {
  cause: InputNumber;
  clientEventId?: string;
};

/** As many turn ids as a client could plausibly repeat after trouble. */
const REMEMBERED_TURNS = 256;

/** G3, SP6, SP7: a turn id runs once from its acceptance on; a refused one may be sent again. */
export function startTurn(draft: Draft, input: Numbered<'final-transcript'>): void {
  const { turnId, text, itemId, responseId, answerId, cause, clientEventId } = input;
  if (draft.state.recentTurnIds.includes(turnId)) return draft.reject(refusals.turnDuplicate(turnId), clientEventId);
  if (floorOf(draft.state).state === 'speaking' && isBackchannel(text, draft.chosen('backchannels'))) {
    return draft.reject(refusals.backchannel(), clientEventId);
  }
  const run = commitSpeculation(draft, { turnId, text });
  if (text.trim() === '') return draft.reject(refusals.emptyText(), clientEventId);
  const turn: QueuedTurn = { kind: 'transcript', turnId, text, itemId, responseId, answerId, cause };
  if (take(draft, turn, clientEventId, run)) endSpeech(draft);
}

/** `parley.say`: the agent's own words take the floor as a turn does. */
export function say(draft: Draft, input: Numbered<'said'>): void {
  const { turnId, text, responseId, answerId, cause, clientEventId } = input;
  if (text.trim() === '') return draft.reject(refusals.emptyText(), clientEventId);
  const interruptible = input.interruptible ?? draft.chosen('interruptible');
  take(draft, { kind: 'say', turnId, text, responseId, answerId, cause, interruptible }, clientEventId);
}

/**
 * `response.create`: an answer to the conversation as it is, or to what comes with it. The Realtime API refuses a second one
 * in the conversation whatever the policy; out of band many go on side by side.
 */
export function respond(draft: Draft, input: Numbered<'response-requested'>): void {
  const { turnId, responseId, answerId, options, cause, clientEventId } = input;
  const { live } = draft;
  const { outOfBand = false } = options;
  if (live && !outOfBand) return draft.reject(refusals.activeResponse(live.responseId), clientEventId);
  const read = wishesOf(draft, options);
  if (!read.ok) return draft.reject(read.error, clientEventId);
  const lane = outOfBand ? freeLane(draft) : CONVERSATION_LANE;
  if (lane === undefined) return draft.reject(refusals.tooManyAsides(MAX_ASIDES), clientEventId);
  // Its ordinal is drawn, and ordinals are announced in their order.
  discardSpeculation(draft, 'mismatch');
  accept(draft, input);
  beginResponse(draft, { responseId, itemId: answerId, turnId, cause, lane, wishes: read.wishes, options });
}

/** The floor is free: the oldest turn that waited takes it, in the step that freed it. */
export function startQueued(draft: Draft): void {
  const [next, ...queue] = draft.state.queue;
  if (!next || draft.live) return;
  draft.set({ queue });
  begin(draft, next, undefined);
}

/** Begins a turn, lets it wait, or refuses it (false), as the busy policy says. */
function take(draft: Draft, turn: QueuedTurn, clientEventId: string | undefined, run?: SpeculativeRun): boolean {
  const { live } = draft;
  const busy = draft.chosen('busy');
  if (live && busy === 'reject') {
    draft.reject(refusals.turnInProgress(live.responseId), clientEventId);
    return false;
  }
  // What must be heard is heard to its end, and the turn is not lost.
  if (busy === 'interrupt' && live?.interruptible !== false) cutForTurn(draft);
  else if (live) return enqueue(draft, turn, clientEventId);
  accept(draft, turn);
  begin(draft, turn, run);
  return true;
}

function enqueue(draft: Draft, turn: QueuedTurn, clientEventId: string | undefined): boolean {
  const { queue } = draft.state;
  if (queue.length >= draft.policy.maxQueuedTurns) {
    draft.reject(refusals.queueFull(queue.length), clientEventId);
    return false;
  }
  draft.set({ queue: [...queue, turn] });
  accept(draft, turn, { queued: true });
  return true;
}

function begin(draft: Draft, turn: QueuedTurn, run: SpeculativeRun | undefined): void {
  const { turnId, text, responseId, answerId, cause } = turn;
  const response = { responseId, itemId: answerId, turnId, cause };
  if (turn.kind === 'say') {
    // What is being answered would not know of it.
    discardSpeculation(draft, 'mismatch');
    beginResponse(draft, { ...response, dictated: { interruptible: turn.interruptible } });
    return dictate(draft, text);
  }
  addItem(draft, { id: turn.itemId, role: 'user', text }, undefined);
  beginResponse(draft, { ...response, ...(run ? { run } : {}) });
  if (!run) return;
  // SP3: what was written while the transcript could still change leaves now, as if it had just come.
  growAnswer(draft, { ...run, text: run.buffer });
  for (const called of run.calls) growCalls(draft, { ...run, ...called });
  if (run.finished) finishGeneration(draft, { ...run, ...run.finished });
}

/** The turn will run once; its id is remembered from now on. */
export function accept(
  draft: Draft,
  { turnId, responseId }: { turnId: TurnId; responseId: ResponseId },
  more: { queued?: true } = {},
): void {
  draft.set({ recentTurnIds: [...draft.state.recentTurnIds, turnId].slice(-REMEMBERED_TURNS) });
  draft.emit({
    kind: 'event',
    event: { type: 'parley.turn.accepted', turn_id: turnId, response_id: responseId, ...more },
  });
}
