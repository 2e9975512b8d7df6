import { deliveredSamples, msOfSamples, type ItemId, type ProviderFailure, type ResponseStatus } from '@parley/model';
import type { Draft } from './draft';
import { providerError } from './errors';
import { cutToHeard, findItem, heardOf, removeItem, replaceItem, textOf } from './history';
import {
  isOfConversation,
  NEVER_MS,
  type AssistantItem,
  type Delivery,
  type LiveResponse,
  type SpokenAnswer,
  type Tail,
} from './state';

/** The life of one response after its beginning: finished when its closing events are written, failed, and its tail. */

export const NO_USAGE = { inputTokens: 0, outputTokens: 0 };

/** Segments that were ordered and are not yet delivered to their end. */
export const owesAudio = (live: LiveResponse): boolean =>
  live.voice.stage !== 'absent' &&
  live.delivery.segments.filter((segment) => segment.last).length < live.segments.length;

/**
 * The voice's deadline after something moved: waiting while audio is owed, or while the closing events are; not
 * waiting while the model still writes and everything ordered so far was delivered.
 */
export function watchVoice(draft: Draft, response: LiveResponse): LiveResponse {
  const { voice, generation } = response;
  if (voice.stage === 'opening' || voice.stage === 'held') return response;
  const waits = generation.stage === 'ended' || owesAudio(response);
  return draft.patch(response, {
    voice: { ...voice, deadlineMs: waits ? draft.nowMs + draft.policy.voiceTimeoutMs : null },
  });
}

export function watchVoices(draft: Draft): void {
  for (const response of draft.responses) watchVoice(draft, response);
}

/**
 * The closing events of a live response were written: what still plays becomes its tail. Our numbers may lag, so
 * one that had a voice leaves a tail until the report that says it was played, which may be this very one, or its
 * deadline. Before generation has ended nothing can have been closed, so a word that says so is of no response we know.
 */
export function finish(draft: Draft, response: LiveResponse): void {
  const { generation } = response;
  if (generation.stage !== 'ended') return;
  // One that only called functions has said nothing.
  if (response.segments.length === 0) draft.set({ history: removeItem(draft.state.history, response.itemId) });
  leaveTail(draft, response, { cut: false });
  remember(draft, response);
  emitMetrics(draft, response);
  end(draft, response, generation.status);
}

/** A client that comes back may not have got all of it. */
function remember(draft: Draft, response: LiveResponse): void {
  const { session, finishedAsides } = draft.state;
  if (!session.resumable) return;
  if (isOfConversation(response)) return draft.set({ finished: response });
  draft.set({ finishedAsides: [...finishedAsides, response] });
}

/** Everything was generated and delivered, only the gateway's word on the closing events is missing. */
export function close(draft: Draft, response: LiveResponse): void {
  draft.emit({ kind: 'close', lane: response.lane, ordinal: response.ordinal });
  finish(draft, response);
}

/** A provider (or its process) failed: the response ends now, the session goes on (G2). */
export function fail(draft: Draft, response: LiveResponse, provider: 'llm' | 'tts', failure: ProviderFailure): void {
  const { lane, ordinal, responseId, segments, generation } = response;
  stopProviders(draft, response);
  draft.emit({
    ...{ kind: 'end', lane, ordinal },
    ...{ segments: segments.length, spokenSegments: 0 },
    ...{ status: 'failed', cutBy: null },
    error: providerError(provider, failure),
    usage: generation.stage === 'ended' ? generation.usage : NO_USAGE,
  });
  draft.do({ kind: 'observe', observation: { name: 'provider-failed', provider, failure: failure.kind, responseId } });
  // The gateway may have delivered more than its last report says.
  leaveTail(draft, response, { cut: true });
  emitMetrics(draft, response);
  end(draft, response, 'failed');
}

/** Stops whatever still works for this response. */
export function stopProviders(draft: Draft, { lane, ordinal, generation, voice }: LiveResponse): void {
  if (generation.stage === 'running') draft.do({ kind: 'abort-generation', lane, ordinal });
  if (voice.stage !== 'absent') draft.do({ kind: 'cancel-voice', lane, ordinal });
}

/** It is not live any more: the conversation's leaves the floor free. */
export function end(draft: Draft, response: LiveResponse, status: ResponseStatus): void {
  const { asides } = draft.state;
  if (isOfConversation(response)) draft.enter({ name: 'listening' });
  else draft.set({ asides: asides.filter(({ ordinal }) => ordinal !== response.ordinal) });
  restIdle(draft);
  if (response.wasClosed) return;
  draft.do({ kind: 'observe', observation: { name: 'response-ended', status, responseId: response.responseId } });
}

/** Whole ms since the turn began, as far as that is known. */
export const sinceBegun = ({ nowMs }: Draft, { beganAtMs }: LiveResponse): number | null =>
  beganAtMs === null ? null : Math.round(nowMs - beganAtMs);

/** The stage times of a turn; before `interrupted`, which is the last event of its response. */
export function emitMetrics(draft: Draft, live: LiveResponse): void {
  if (live.wasClosed) return;
  draft.emit({
    kind: 'event',
    event: {
      type: 'parley.turn.metrics',
      turn_id: live.turnId,
      response_id: live.responseId,
      first_token_ms: live.marks.firstTokenMs,
      first_segment_ms: live.marks.firstSegmentMs,
      first_audio_ms: live.marks.firstAudioMs,
      generated_ms: live.marks.generatedMs,
    },
  });
}

/** Whatever waits for the user waits anew. */
export function restIdle(draft: Draft): void {
  const { nowMs } = draft;
  const awayAfterMs = draft.chosen('awayAfterMs');
  // An existing client of the Realtime API knows no other end than that it was told of (`expires_at`).
  const { resumable } = draft.state.session;
  draft.set({ idleDeadlineMs: resumable ? nowMs + draft.policy.idleTimeoutMs : NEVER_MS });
  if (draft.state.presence.stage === 'away') return;
  draft.set({ presence: { stage: 'present', deadlineMs: awayAfterMs === null ? null : nowMs + awayAfterMs } });
}

/** Without a voice, or without a word to say, nothing can have been delivered. Out of band nothing is waited for, nor cut. */
function leaveTail(draft: Draft, live: LiveResponse, { cut }: { cut: boolean }): void {
  const { lane, ordinal, responseId, itemId, turnId, segments, delivery, interruptible } = live;
  if (!isOfConversation(live)) return;
  if (segments.length === 0 || live.voice.stage === 'absent') {
    if (cut) cutToDelivered(draft, live);
    return;
  }
  const tail: Tail = {
    lane,
    ordinal,
    responseId,
    itemId,
    turnId,
    segments,
    delivery,
    interruptible,
    closedAtMs: draft.nowMs,
    deadlineMs: drainedByMs(draft, [...draft.state.tails, live]),
    cutToHeard: cut,
  };
  draft.set({ tails: [...draft.state.tails, tail] });
  if (cut) cutToDelivered(draft, tail);
}

/** Tails wait anew after playback moved. One that stands still keeps its deadline, however often that is reported. */
export function watchTails(draft: Draft): void {
  const { tails } = draft.state;
  draft.set({
    tails: tails.map((tail, index) => ({ ...tail, deadlineMs: drainedByMs(draft, tails.slice(0, index + 1)) })),
  });
}

/**
 * The drain timeout after the moment at which the last sample of the last of `queue` should have been played: responses
 * play one after the other, so it waits for those before it too.
 */
function drainedByMs(draft: Draft, queue: readonly { delivery: Delivery }[]): number {
  const queuedSamples = queue.reduce(
    (sum, { delivery }) => sum + deliveredSamples(delivery) - delivery.playedSamples,
    0,
  );
  return draft.nowMs + msOfSamples(queuedSamples) + draft.policy.drainTimeoutMs;
}

/** The tail was played to its end, or its time is over. */
export function dropTail(draft: Draft, tail: Tail): void {
  const item = assistantItem(draft, tail.itemId);
  if (item) draft.set({ history: replaceItem(draft.state.history, { ...item, spoken: heardToEnd(tail) }) });
  draft.set({ tails: draft.state.tails.filter((each) => each.ordinal !== tail.ordinal) });
  restIdle(draft);
}

/** A failed answer's text follows what was delivered: that much is being heard. */
export function cutToDelivered(draft: Draft, response: LiveResponse | Tail): void {
  const spoken = heardToEnd(response);
  cutItem(draft, response.itemId, { spoken, heard: perceivedOf(draft, response, spoken.delivery), complete: false });
}

/** What of a response came to the user: of a voice what was heard at the playhead of `delivery`, of a text all that was sent. */
export const perceivedOf = (draft: Draft, response: LiveResponse | Tail, delivery: Delivery): string =>
  'modality' in response && response.modality === 'text'
    ? textOf(response.segments)
    : heardOf(draft.state, response.segments, delivery);

/** An answer that was not cut counts as heard to its end, so a later truncate may lower it from there. */
const heardToEnd = ({ segments, delivery }: SpokenAnswer): SpokenAnswer => ({
  segments,
  delivery: { ...delivery, playedSamples: deliveredSamples(delivery) },
});

/** Cuts an answer in the history to what was heard of it. One of which no text was sent leaves no item. */
export function cutItem(
  draft: Draft,
  itemId: ItemId,
  { spoken, heard, complete }: { spoken: SpokenAnswer; heard: string; complete: boolean },
): void {
  const item = assistantItem(draft, itemId);
  if (!item) return;
  const { history } = draft.state;
  const { minPartialChars } = draft.policy;
  draft.set({
    history:
      spoken.segments.length === 0
        ? removeItem(history, itemId)
        : cutToHeard(history, { ...item, spoken }, heard, { complete, minPartialChars }),
  });
}

export function assistantItem(draft: Draft, id: ItemId): AssistantItem | undefined {
  const item = findItem(draft.state.history, id);
  return item?.role === 'assistant' ? item : undefined;
}
