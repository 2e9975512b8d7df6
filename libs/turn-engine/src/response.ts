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
import { offerToAvatar } from './avatar';
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
  removeItem,
  replaceItem,
} from './history';
import type { AssistantItem, Delivery, LiveResponse, SessionConfig, SpeculativeRun, SpokenAnswer, Tail } from './state';

/** The life of one response: begun, finished when its closing events are written, failed, and its tail. */

export interface NewResponse {
  responseId: ResponseId;
  itemId: ItemId;
  turnId: TurnId;
  cause: InputNumber;
  /** Of this response alone; undefined: the session's. */
  instructions?: string;
  metadata: Record<string, string> | null;
  /** The speculative run that is its answer; without one the model is asked. */
  run?: SpeculativeRun;
  /** The agent's words are given: the model is not asked. */
  dictated?: { interruptible: boolean };
}

export const NO_USAGE = { inputTokens: 0, outputTokens: 0 };

/** More than end while a client is away. */
const REMEMBERED_RESPONSES = 16;

export function beginResponse(draft: Draft, begun: NewResponse): void {
  const { nowMs, policy, state } = draft;
  const { responseId, itemId, turnId, cause, run, dictated } = begun;
  const { lane, ordinal } = run ?? draft.nextKey();
  draft.emit({
    kind: 'announce',
    lane,
    ordinal,
    responseId,
    itemId,
    previousItemId: lastItemId(state),
    turnId,
    cause,
    format: state.session.settings.audio.output.format,
    voice: state.session.voice,
    metadata: begun.metadata,
  });
  draft.set({
    recentResponses: [...state.recentResponses, { ordinal, responseId }].slice(-REMEMBERED_RESPONSES),
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
      rendering: { attempt: 1, voice: state.session.voice, fromSamples: 0, barren: 0 },
      segments: [],
      calls: [],
      delivery: { segments: [], playedSamples: 0 },
      instructions: begun.instructions ?? null,
      interruptible: dictated?.interruptible ?? draft.chosen('interruptible'),
      beganAtMs: nowMs,
      marks: { firstTokenMs: null, firstSegmentMs: null, firstAudioMs: null, generatedMs: null },
      wasClosed: false,
    },
  });
  if (!run && !dictated) {
    const instructions = begun.instructions ?? state.session.instructions;
    const messages = contextOf(state, instructions, policy.maxContextChars);
    draft.do({ kind: 'start-generation', lane, ordinal, ...modelOf(state.session), messages, continues: null });
  }
  draft.do({ kind: 'open-voice', lane, ordinal, attempt: 1, responseId, voice: state.session.voice, segments: 0 });
  offerToAvatar(draft, { lane, ordinal, responseId });
}

/** Whom to ask, and what it may call. */
export const modelOf = ({
  model,
  tools,
  toolChoice,
}: SessionConfig): Pick<SessionConfig, 'model' | 'tools' | 'toolChoice'> => ({
  ...{ model, tools, toolChoice },
});

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
  if (!live || live.voice.stage === 'opening' || live.voice.stage === 'held') return;
  const waits = live.generation.stage === 'ended' || owesAudio(live);
  const deadlineMs = waits ? draft.nowMs + draft.policy.voiceTimeoutMs : null;
  draft.patchLive({ voice: { ...live.voice, deadlineMs } });
}

/**
 * The closing events of the live response were written: what still plays becomes its tail. Our numbers may lag, so
 * one that had a voice leaves a tail until the report that says it was played, which may be this very one, or its
 * deadline. Before generation has ended nothing can have been closed, so a word that says so is of no response we know.
 */
export function finishLive(draft: Draft): void {
  const live = draft.live;
  if (live?.generation.stage !== 'ended') return;
  // One that only called functions has said nothing.
  if (live.segments.length === 0) draft.set({ history: removeItem(draft.state.history, live.itemId) });
  leaveTail(draft, live, { cut: false });
  if (draft.state.session.resumable) draft.set({ finished: live });
  emitMetrics(draft, live);
  endLive(draft, live, live.generation.status);
}

/** Everything was generated and delivered, only the gateway's word on the closing events is missing. */
export function closeLive(draft: Draft): void {
  const live = draft.live;
  if (!live) return;
  draft.emit({ kind: 'close', lane: live.lane, ordinal: live.ordinal });
  finishLive(draft);
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
  leaveTail(draft, live, { cut: true });
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
  if (live.wasClosed) return;
  draft.do({ kind: 'observe', observation: { name: 'response-ended', status, responseId: live.responseId } });
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
  draft.set({ idleDeadlineMs: nowMs + draft.policy.idleTimeoutMs });
  if (draft.state.presence.stage === 'away') return;
  draft.set({ presence: { stage: 'present', deadlineMs: awayAfterMs === null ? null : nowMs + awayAfterMs } });
}

/** Without a voice, or without a word to say, nothing can have been delivered. */
function leaveTail(draft: Draft, live: LiveResponse, { cut }: { cut: boolean }): void {
  const { lane, ordinal, responseId, itemId, turnId, segments, delivery, interruptible } = live;
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
  const heard = heardOf(draft.state, spoken.segments, spoken.delivery);
  cutItem(draft, response.itemId, { spoken, heard, complete: false });
}

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
  const item = findItem(draft.state, id);
  return item?.role === 'assistant' ? item : undefined;
}
