import {
  deliveredSamples,
  msOfSamples,
  type InputNumber,
  type ItemId,
  type ProviderFailure,
  type ResponseId,
  type ResponseStatus,
  type TurnId,
} from '@parley/model';
import type { Draft } from './draft';
import { providerError } from './errors';
import {
  boundHistory,
  contextOf,
  cutToHeard,
  findItem,
  heardOf,
  insertItem,
  lastItemId,
  replaceItem,
  textOf,
} from './history';
import type { AssistantItem, Delivery, LiveResponse, Tail } from './state';

/** The life of one response: begun, finished when its closing events are written, failed, and its tail. */

export interface NewResponse {
  responseId: ResponseId;
  itemId: ItemId;
  turnId: TurnId;
  cause: InputNumber;
  instructions: string | undefined;
  metadata: Record<string, string> | null;
}

export const NO_USAGE = { inputTokens: 0, outputTokens: 0 };

export function beginResponse(draft: Draft, begun: NewResponse): void {
  const { nowMs, policy, state } = draft;
  const lane = 0;
  const ordinal = state.nextOrdinal;
  const { responseId, itemId, turnId, cause } = begun;
  const context = contextOf(state, begun.instructions ?? state.session.instructions, policy.maxContextChars);
  draft.emit({
    kind: 'announce',
    lane,
    ordinal,
    responseId,
    itemId,
    previousItemId: lastItemId(state),
    turnId,
    cause,
    metadata: begun.metadata,
  });
  draft.set({
    nextOrdinal: ordinal + 1,
    history: insertItem(
      boundHistory(state.history, policy.maxContextChars),
      { id: itemId, role: 'assistant', text: '', interrupted: false, spoken: null },
      undefined,
    ),
  });
  draft.enter({
    name: 'thinking',
    response: {
      lane,
      ordinal,
      responseId,
      itemId,
      turnId,
      cause,
      generation: { stage: 'running', text: '', tokens: false, deadlineMs: nowMs + policy.firstTokenTimeoutMs },
      voice: { stage: 'opening', deadlineMs: nowMs + policy.voiceTimeoutMs },
      segments: [],
      delivery: { segments: [], playedSamples: 0 },
      beganAtMs: nowMs,
      marks: { firstTokenMs: null, firstSegmentMs: null, firstAudioMs: null, generatedMs: null },
    },
  });
  draft.do({ kind: 'start-generation', lane, ordinal, model: state.session.model, messages: context });
  draft.do({ kind: 'open-voice', lane, ordinal, responseId, voice: state.session.voice });
}

/** Segments that were ordered and are not yet delivered to their end. */
export const owesAudio = (live: LiveResponse): boolean =>
  live.voice.stage !== 'absent' &&
  live.delivery.segments.filter((segment) => segment.last).length < live.segments.length;

/**
 * The voice's deadline after something moved: waiting while audio is owed, or while the closing events are; not
 * waiting while the model still writes and everything ordered so far was delivered.
 */
export function watchVoice(draft: Draft): void {
  const live = draft.live;
  if (!live || live.voice.stage === 'opening') return;
  const waits = live.generation.stage === 'ended' || owesAudio(live);
  const deadlineMs = waits ? draft.nowMs + draft.policy.voiceTimeoutMs : null;
  draft.patchLive({ voice: { ...live.voice, deadlineMs } });
}

/**
 * The closing events of the live response were written: what still plays becomes its tail. `reported`: the gateway's
 * numbers are those of that moment; `presumed`: they may lag, so a tail stays until the next report or its deadline.
 */
export function finishLive(draft: Draft, numbers: 'reported' | 'presumed'): void {
  const live = draft.live;
  if (!live) return;
  const item = assistantItem(draft, live.itemId);
  if (item) {
    const done: AssistantItem = {
      ...item,
      text: textOf(live.segments),
      spoken: { segments: live.segments, delivery: live.delivery },
    };
    draft.set({ history: replaceItem(draft.state.history, done) });
  }
  leaveTail(draft, live, { cut: false, certain: numbers === 'reported' });
  emitMetrics(draft, live);
  endLive(draft, live, live.generation.stage === 'ended' ? live.generation.status : 'completed');
}

/** A provider (or its process) failed: the response ends now, the session goes on (G2). */
export function failLive(draft: Draft, provider: 'llm' | 'tts', failure: ProviderFailure): void {
  const live = draft.live;
  if (!live) return;
  stopProviders(draft, live);
  draft.emit({
    kind: 'end',
    lane: live.lane,
    ordinal: live.ordinal,
    segments: live.segments.length,
    spokenSegments: 0,
    status: 'failed',
    error: providerError(provider, failure),
    usage: live.generation.stage === 'ended' ? live.generation.usage : NO_USAGE,
  });
  draft.do({
    kind: 'observe',
    observation: { name: 'provider-failed', provider, failure: failure.kind, responseId: live.responseId },
  });
  // The gateway may have delivered more than its last report says.
  leaveTail(draft, live, { cut: true, certain: false });
  emitMetrics(draft, live);
  endLive(draft, live, 'failed');
}

/** Stops whatever still works for this response. */
export function stopProviders(draft: Draft, live: LiveResponse): void {
  const { lane, ordinal } = live;
  if (live.generation.stage === 'running') draft.do({ kind: 'abort-generation', lane, ordinal });
  if (live.voice.stage !== 'absent') draft.do({ kind: 'cancel-voice', lane, ordinal });
}

/** The floor is free again. */
export function endLive(draft: Draft, live: LiveResponse, status: ResponseStatus): void {
  draft.enter({ name: 'listening' });
  restIdle(draft);
  draft.do({ kind: 'observe', observation: { name: 'response-ended', status, responseId: live.responseId } });
}

/** The stage times of a turn; before `interrupted`, which is the last event of its response. */
export function emitMetrics(draft: Draft, live: LiveResponse): void {
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

export function restIdle(draft: Draft): void {
  draft.set({ idleDeadlineMs: draft.nowMs + draft.policy.idleTimeoutMs });
}

function leaveTail(draft: Draft, live: LiveResponse, { cut, certain }: { cut: boolean; certain: boolean }): void {
  const { lane, ordinal, responseId, itemId, turnId, segments, delivery } = live;
  const queued = deliveredSamples(delivery) - delivery.playedSamples;
  const mayHaveMore = !certain && segments.length > 0 && live.voice.stage !== 'absent';
  if (queued <= 0 && !mayHaveMore) {
    if (cut) cutItem(draft, itemId, '');
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
    closedAtMs: draft.nowMs,
    deadlineMs: 0,
    cutToHeard: cut,
  };
  draft.set({ tails: [...draft.state.tails, tail] });
  if (cut) cutTailItem(draft, tail);
  watchTails(draft);
}

/** Each tail ends the drain timeout after the moment at which its last sample should have been played. */
export function watchTails(draft: Draft): void {
  let queuedSamples = 0;
  draft.set({
    tails: draft.state.tails.map((tail) => {
      // Responses play one after the other, so a tail waits for those before it too.
      queuedSamples += Math.max(0, deliveredSamples(tail.delivery) - tail.delivery.playedSamples);
      return { ...tail, deadlineMs: draft.nowMs + msOfSamples(queuedSamples) + draft.policy.drainTimeoutMs };
    }),
  });
}

/** The tail was played to its end, or its time is over. */
export function dropTail(draft: Draft, tail: Tail): void {
  const item = assistantItem(draft, tail.itemId);
  if (tail.cutToHeard) cutTailItem(draft, tail);
  else if (item) {
    const spoken = { segments: tail.segments, delivery: tail.delivery };
    draft.set({ history: replaceItem(draft.state.history, { ...item, spoken }) });
  }
  if (tail.cutToHeard && assistantItem(draft, tail.itemId)?.text === '') cutItem(draft, tail.itemId, '');
  draft.set({ tails: draft.state.tails.filter((each) => each.ordinal !== tail.ordinal) });
  if (draft.state.tails.length === 0 && !draft.live) restIdle(draft);
}

/** A failed answer's text follows what was delivered: that much is being heard. */
export function cutTailItem(draft: Draft, tail: Tail): void {
  const item = assistantItem(draft, tail.itemId);
  if (!item) return;
  const delivered: Delivery = { ...tail.delivery, playedSamples: deliveredSamples(tail.delivery) };
  const text = heardOf(draft.state, tail.segments, delivered);
  const spoken = { segments: tail.segments, delivery: delivered };
  draft.set({ history: replaceItem(draft.state.history, { ...item, text, interrupted: true, spoken }) });
}

/** Cuts an answer in the history to what was heard of it. */
export function cutItem(draft: Draft, itemId: ItemId, heard: string): void {
  const item = assistantItem(draft, itemId);
  if (!item) return;
  draft.set({ history: cutToHeard(draft.state.history, item, heard, draft.policy.minPartialChars) });
}

export function assistantItem(draft: Draft, id: ItemId): AssistantItem | undefined {
  const item = findItem(draft.state, id);
  return item?.role === 'assistant' ? item : undefined;
}
