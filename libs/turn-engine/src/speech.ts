import { msOfSamples, samplesOfMs, type TurnId } from '@parley/model';
import type { Draft } from './draft';
import { floorOf } from './floor';
import { cutForSpeech } from './interruption';
import { restIdle, watchTails, watchVoices } from './response';
import { liveResponse, type EngineState, type Pause } from './state';
import { isBackchannel, wordsOf } from './words';

/** What the user says while it goes on: whether it takes the floor, or holds the agent's voice until that is known. */

export function startSpeech(draft: Draft): void {
  const { state, nowMs } = draft;
  if (state.muted || state.speech.stage === 'speaking') return;
  const text = state.speech.stage === 'stopped' ? state.speech.text : '';
  const deadlineMs = nowMs + draft.chosen('minSpeechMs');
  draft.set({ speech: { stage: 'speaking', sinceMs: nowMs, text, deadlineMs } });
  pauseOutput(draft);
  bargeIn(draft);
}

export function stopSpeech(draft: Draft): void {
  const { speech, pause } = draft.state;
  if (speech.stage !== 'speaking') return;
  const deadlineMs = draft.nowMs + draft.chosen('falseInterruptionMs');
  const spokenMs = draft.nowMs - speech.sinceMs;
  draft.set({ speech: { stage: 'stopped', spokenMs, text: speech.text, deadlineMs } });
  if (pause) draft.set({ pause: { ...pause, deadlineMs } });
  bargeIn(draft);
}

/** The words so far. They may come without a word on speech, from a client that only recognises. */
export function hearWords(draft: Draft, { turnId, text }: { turnId: TurnId; text: string }): void {
  // What still comes of an utterance that has become a turn says nothing new.
  if (draft.state.muted || draft.state.recentTurnIds.includes(turnId)) return;
  if (draft.state.speech.stage === 'silent') startSpeech(draft);
  const { speech } = draft.state;
  if (speech.stage !== 'silent') draft.set({ speech: { ...speech, text } });
  bargeIn(draft);
}

export function changeMute(draft: Draft, muted: boolean): void {
  draft.set({ muted });
  if (muted) endSpeech(draft);
}

/** The utterance is over: it has become a turn, or nothing came of it. */
export function endSpeech(draft: Draft): void {
  if (draft.state.speech.stage === 'silent') return;
  draft.set({ speech: { stage: 'silent' } });
  restIdle(draft);
}

/** Speech that goes on long enough, with words enough, takes the floor. Reports ask again, because the cool-down is one of playback. */
export function bargeIn(draft: Draft): void {
  if (hasTakenFloor(draft) && !isCoolingDown(draft)) cutForSpeech(draft);
}

function hasTakenFloor(draft: Draft): boolean {
  const { speech } = draft.state;
  if (speech.stage === 'silent') return false;
  const spokenMs = speech.stage === 'stopped' ? speech.spokenMs : draft.nowMs - speech.sinceMs;
  if (spokenMs < draft.chosen('minSpeechMs') || wordsOf(speech.text).length < draft.chosen('minWords')) return false;
  return !isBackchannel(speech.text, draft.chosen('backchannels'));
}

/** What is heard first of a response may be its own echo. */
function isCoolingDown(draft: Draft): boolean {
  const heard = heardResponse(draft.state);
  return heard !== undefined && heard.delivery.playedSamples < samplesOfMs(draft.chosen('coolDownMs'));
}

/** Whose audio is at the client's ear. */
export function heardResponse(state: EngineState): EngineState['tails'][number] | ReturnType<typeof liveResponse> {
  const { responseId, state: floor } = floorOf(state);
  if (floor !== 'speaking') return undefined;
  return state.tails.find((tail) => tail.responseId === responseId) ?? liveResponse(state);
}

/** A client that can holds its voice until it is known whether this is an interruption. */
function pauseOutput(draft: Draft): void {
  const heard = heardResponse(draft.state);
  if (draft.chosen('falseInterruption') !== 'pause' || draft.state.pause) return;
  if (!heard?.interruptible || isCoolingDown(draft)) return;
  const { lane, ordinal, responseId, delivery } = heard;
  const { playedSamples } = delivery;
  const deadlineMs = draft.nowMs + draft.chosen('falseInterruptionMs');
  draft.set({ pause: { lane, ordinal, responseId, playedSamples, deadlineMs } });
  draft.emit({ kind: 'paused', lane, ordinal, responseId, fromMs: msOfSamples(playedSamples) });
}

/**
 * Ends a pause whose reason is gone: no words followed, or what was held is over. One that was interrupted has taken its
 * pause with it (`cut`).
 */
export function settlePause(draft: Draft): void {
  const { pause, speech } = draft.state;
  if (!pause || draft.state.phase.name === 'closed') return;
  const isOver = ![...draft.state.tails, draft.live].some((response) => response?.ordinal === pause.ordinal);
  if (isOver || speech.stage === 'silent' || pause.deadlineMs <= draft.nowMs) resumeOutput(draft, pause);
}

/** What waits for playback waits anew: nothing was played meanwhile. */
function resumeOutput(draft: Draft, { lane, ordinal, responseId, playedSamples }: Pause): void {
  draft.set({ pause: null });
  draft.emit({ kind: 'resumed', lane, ordinal, responseId, fromMs: msOfSamples(playedSamples) });
  watchVoices(draft);
  watchTails(draft);
}

/** Long enough to count, or too long for an utterance, or no words came after its end. */
export function passSpeech(draft: Draft): void {
  const { speech } = draft.state;
  if (speech.stage === 'silent' || speech.deadlineMs > draft.nowMs) return;
  const noiseAtMs = speech.stage === 'speaking' ? speech.sinceMs + draft.policy.maxSpeechMs : speech.deadlineMs;
  if (noiseAtMs <= draft.nowMs) return endSpeech(draft);
  draft.set({ speech: { ...speech, deadlineMs: noiseAtMs } });
  bargeIn(draft);
}
