import {
  deliveredSamples,
  msOfSamples,
  samplesOfMs,
  type InputNumber,
  type ItemId,
  type ResponseId,
  type Usage,
} from '@parley/model';
import { silenceAvatar } from './avatar';
import type { Draft } from './draft';
import { refusals } from './errors';
import { findItem, heardOf } from './history';
import { assistantItem, cutItem, emitMetrics, end, NO_USAGE, perceivedOf, stopProviders } from './response';
import { discardSpeculation } from './speculation';
import type { InterruptionCause } from './effects';
import type { LiveResponse, QueuedTurn, Tail } from './state';
import { abandonCalls } from './tools';

interface Interrupt {
  number: InputNumber;
  clientEventId?: string;
  responseId: ResponseId | undefined;
  writtenOrdinal: number;
}

/**
 * An interrupt hits what the client could know of: the ordinals written to its connection, and every response begun by
 * an earlier input of its attachment. A response begun later is never hit, however late the interrupt arrives.
 */
function isHit(live: LiveResponse, interrupt: Interrupt): boolean {
  if (interrupt.responseId !== undefined) return live.responseId === interrupt.responseId;
  if (live.ordinal <= interrupt.writtenOrdinal) return true;
  return live.cause.attachment === interrupt.number.attachment && live.cause.seq < interrupt.number.seq;
}

/** `parley.interrupt`: everything that is generated or still heard, oldest first. */
export function interrupt(draft: Draft, interrupt: Interrupt): void {
  const aside = asideOf(draft, interrupt);
  if (aside) return cutLive(draft, aside, 'explicit');
  // SP2, SP9: nobody has heard of it, so it is nothing to confirm either.
  discardSpeculation(draft, 'interrupted');
  const tails = draft.state.tails.filter(
    (tail) => interrupt.responseId === undefined || tail.responseId === interrupt.responseId,
  );
  const live = draft.live;
  const hit = live !== undefined && isHit(live, interrupt);
  // Inputs are applied in order: whatever waits was said before this.
  const waiting = draft.state.queue.filter(
    (turn) => interrupt.responseId === undefined || turn.responseId === interrupt.responseId,
  );
  if (tails.length === 0 && !hit && waiting.length === 0) {
    return draft.reject(refusals.nothingToInterrupt(), interrupt.clientEventId);
  }
  for (const tail of tails) cutTail(draft, tail, 'explicit');
  // Before the live response ends, or the oldest of them would begin.
  for (const turn of waiting) dropQueued(draft, turn);
  if (hit) cutLive(draft, live, 'explicit');
}

/** A response out of band is hit by its name alone. */
const asideOf = (draft: Draft, { responseId }: Interrupt): LiveResponse | undefined =>
  draft.state.asides.find((each) => each.responseId === responseId);

/** Busy policy `interrupt`: the new turn takes the floor from everything that is generated or heard. */
export function cutForTurn(draft: Draft): void {
  cutInterruptible(draft, 'turn');
}

/** The user speaks: nothing is cut that must be heard, and what waits is dropped with what is cut. */
export function cutForSpeech(draft: Draft): void {
  cutInterruptible(draft, 'speech');
}

function cutInterruptible(draft: Draft, cause: 'turn' | 'speech'): void {
  for (const tail of draft.state.tails) if (tail.interruptible) cutTail(draft, tail, cause);
  const { live } = draft;
  if (live?.interruptible === false) return;
  for (const turn of draft.state.queue) dropQueued(draft, turn);
  if (live) cutLive(draft, live, cause);
}

/** A turn that never began: the client is told as of any interrupted response, so that an accepted turn always ends (G2). */
function dropQueued(draft: Draft, { responseId, turnId }: QueuedTurn): void {
  draft.set({ queue: draft.state.queue.filter((turn) => turn.responseId !== responseId) });
  draft.emit({
    kind: 'event',
    event: {
      type: 'parley.response.interrupted',
      response_id: responseId,
      turn_id: turnId,
      heard_ms: 0,
      heard_text: '',
    },
  });
}

/** `response.cancel`: only what is still generated or delivered. */
export function cancel(draft: Draft, cancelled: Interrupt): void {
  const aside = asideOf(draft, cancelled);
  if (aside) return cutLive(draft, aside, 'cancel');
  discardSpeculation(draft, 'interrupted');
  const live = draft.live;
  if (!live || !isHit(live, cancelled)) return draft.reject(refusals.cancelNotActive(), cancelled.clientEventId);
  cutLive(draft, live, 'cancel');
}

/** `conversation.item.truncate`: an interruption at that point, or a lower heard position of one that has ended. */
export function truncate(
  draft: Draft,
  truncated: { itemId: ItemId; audioEndMs: number; clientEventId?: string },
): void {
  const { itemId, audioEndMs, clientEventId } = truncated;
  if (!findItem(draft.state.history, itemId)) return draft.reject(refusals.unknownItem('truncate'), clientEventId);
  const item = assistantItem(draft, itemId);
  if (item?.modality !== 'audio') return draft.reject(refusals.notTruncatable(), clientEventId);
  const playedSamples = samplesOfMs(audioEndMs);
  const { live } = draft;
  const tail = draft.state.tails.find((each) => each.itemId === itemId);
  const delivery = live?.itemId === itemId ? live.delivery : (tail?.delivery ?? item.spoken?.delivery);
  const endMs = delivery ? Math.min(audioEndMs, msOfSamples(deliveredSamples(delivery))) : audioEndMs;
  if (live?.itemId === itemId) cutLive(draft, live, 'truncate', playedSamples);
  else if (tail) cutTail(draft, tail, 'truncate', playedSamples);
  else lowerHeard(draft, itemId, playedSamples);
  draft.emit({
    kind: 'event',
    event: { type: 'conversation.item.truncated', item_id: itemId, content_index: 0, audio_end_ms: endMs },
  });
}

function cutLive(draft: Draft, live: LiveResponse, cause: InterruptionCause, atSamples?: number): void {
  stopProviders(draft, live);
  emitMetrics(draft, live);
  const { generation } = live;
  const ended = generation.stage === 'ended';
  cut(draft, live, { cause, atSamples, complete: ended, usage: ended ? generation.usage : NO_USAGE });
  end(draft, live, 'cancelled');
}

/** DR6: the tail is silent at once; nothing of it is worked on any more. */
function cutTail(draft: Draft, tail: Tail, cause: InterruptionCause, atSamples?: number): void {
  cut(draft, tail, { cause, atSamples, complete: !tail.cutToHeard, usage: NO_USAGE });
  draft.set({ tails: draft.state.tails.filter((each) => each.ordinal !== tail.ordinal) });
}

/** Writes the heard text and tells the client, as the last word on this response. */
function cut(
  draft: Draft,
  response: LiveResponse | Tail,
  {
    cause,
    atSamples,
    complete,
    usage,
  }: { cause: InterruptionCause; atSamples: number | undefined; complete: boolean; usage: Usage },
): void {
  const { lane, ordinal, responseId, turnId, itemId, segments } = response;
  const delivered = deliveredSamples(response.delivery);
  const playedSamples = atSamples === undefined ? response.delivery.playedSamples : Math.min(atSamples, delivered);
  const delivery = { ...response.delivery, playedSamples };
  const heard = perceivedOf(draft, response, delivery);
  cutItem(draft, itemId, { spoken: { segments, delivery }, heard, complete });
  forgetFinished(draft, itemId);
  draft.emit({
    kind: 'interrupted',
    lane,
    ordinal,
    responseId,
    turnId,
    heardMs: msOfSamples(playedSamples),
    heardText: heard,
    usage,
    reason: cause === 'turn' || cause === 'speech' ? 'turn_detected' : 'client_cancelled',
  });
  abandonCalls(draft, ordinal);
  silenceAvatar(draft, ordinal);
  // The client takes its interruption for the end of the pause.
  if (draft.state.pause?.ordinal === ordinal) draft.set({ pause: null });
  draft.do({ kind: 'observe', observation: { name: 'interrupted', cause, responseId } });
}

/** Nothing of what was cut is owed to a client that comes back. */
function forgetFinished(draft: Draft, itemId: ItemId): void {
  if (draft.state.finished?.itemId === itemId) draft.set({ finished: null });
}

/** Of an answer that has ended the heard position can only go down. */
function lowerHeard(draft: Draft, itemId: ItemId, atSamples: number): void {
  const item = assistantItem(draft, itemId);
  if (!item?.spoken) return;
  const { segments, delivery } = item.spoken;
  if (atSamples >= delivery.playedSamples) return;
  const lowered = { ...delivery, playedSamples: atSamples };
  const heard = heardOf(draft.state, segments, lowered);
  if (heard.length < item.text.trimEnd().length) {
    forgetFinished(draft, itemId);
    cutItem(draft, itemId, { spoken: { segments, delivery: lowered }, heard, complete: true });
  }
}
