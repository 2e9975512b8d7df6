import { passAvatar } from './avatar';
import { passConnection } from './connection';
import type { Draft } from './draft';
import { close, dropTail, fail, owesAudio } from './response';
import { closeSession, passLifetime } from './session';
import { deliveredSamples, CLOSE_CODES } from '@parley/model';
import { isQuiet, passPresence, type DrawnIds } from './presence';
import { discardSpeculation } from './speculation';
import { passSpeech } from './speech';
import { passCalls } from './tools';
import { isOfConversation, liveResponses, NEVER_MS, type EngineState, type LiveResponse } from './state';
import { goOnWithoutVoice, replaceSilentVoice } from './voice';

/** The earliest moment at which something that waits must be looked at; undefined when nothing waits. */
export function nextDeadlineMs(state: EngineState): number | undefined {
  if (state.phase.name === 'closed') return undefined;
  const { avatar, connection, pause, presence, speculation, speech } = state;
  const isHeard = connection.stage === 'connected';
  const deadlines: number[] = state.calls.map((call) => call.deadlineMs);
  for (const response of liveResponses(state)) {
    const { generation, voice } = response;
    if (generation.stage === 'running') deadlines.push(generation.deadlineMs);
    if (voice.deadlineMs !== null && isVoiceWatched(state, response)) deadlines.push(voice.deadlineMs);
  }
  // Nothing is played in a pause, which has a bound of its own, nor while nobody listens.
  if (pause) deadlines.push(pause.deadlineMs);
  else if (isHeard) deadlines.push(...state.tails.map((tail) => tail.deadlineMs));
  if (!isHeard) deadlines.push(connection.graceDeadlineMs ?? connection.deadlineMs);
  if (avatar.stage !== 'empty' && avatar.deadlineMs !== null) deadlines.push(avatar.deadlineMs);
  if (speculation.run) deadlines.push(speculation.run.deadlineMs);
  if (speech.stage !== 'silent') deadlines.push(speech.deadlineMs);
  if (presence.stage === 'present' && presence.deadlineMs !== null && isQuiet(state))
    deadlines.push(presence.deadlineMs);
  if (isIdle(state)) deadlines.push(state.idleDeadlineMs);
  const next = Math.min(...deadlines, state.lifetimeDeadlineMs);
  return next === NEVER_MS ? undefined : next;
}

/** A paused voice delivers nothing when the client has all it may have, and is not to be blamed; nor is one that nobody hears. */
const isVoiceWatched = ({ connection, pause }: EngineState, response: LiveResponse): boolean =>
  connection.stage === 'connected' &&
  (pause === null || !isOfConversation(response) || response.voice.stage === 'opening');

/** While the agent works or speaks the session is not idle; without a connection it has another bound. */
const isIdle = (state: EngineState): boolean =>
  liveResponses(state).length === 0 && state.tails.length === 0 && state.connection.stage === 'connected';

/** G2: every wait has a way out. */
export function passDeadlines(draft: Draft, drawn: DrawnIds): void {
  for (const response of draft.responses) passGeneration(draft, response);
  for (const response of draft.responses) passVoice(draft, response);
  passTails(draft);
  passAvatar(draft);
  passSpeculation(draft);
  passCalls(draft);
  passSpeech(draft);
  passConnection(draft);
  passPresence(draft, drawn);
  passIdle(draft);
  passLifetime(draft);
}

/** No final transcript came: whoever sent the speculative one has lost the thread, and the turn is run anew if it comes. */
function passSpeculation(draft: Draft): void {
  const { run } = draft.state.speculation;
  if (run && run.deadlineMs <= draft.nowMs) discardSpeculation(draft, 'timeout');
}

function passGeneration(draft: Draft, response: LiveResponse): void {
  const { generation } = response;
  if (generation.stage !== 'running' || generation.deadlineMs > draft.nowMs) return;
  fail(draft, response, 'llm', {
    kind: 'timeout',
    message: generation.tokens
      ? 'The language model stopped in the middle of the answer.'
      : 'The language model did not begin to answer in time.',
  });
}

function passVoice(draft: Draft, response: LiveResponse): void {
  const { voice } = response;
  if (voice.deadlineMs === null || voice.deadlineMs > draft.nowMs) return;
  if (!isVoiceWatched(draft.state, response)) return;
  if (voice.stage === 'opening') {
    const { lane, ordinal, rendering } = response;
    goOnWithoutVoice(draft, {
      ...{ lane, ordinal, attempt: rendering.attempt },
      failure: { kind: 'timeout', message: 'No voice worker answered in time.' },
    });
  } else if (owesAudio(response)) {
    replaceSilentVoice(draft, response);
  } else {
    close(draft, response);
  }
}

/** DR5: a queue that never empties is cleared, and somebody is told. */
function passTails(draft: Draft): void {
  if (draft.state.pause || draft.state.connection.stage === 'lost') return;
  for (const tail of draft.state.tails) {
    if (tail.deadlineMs > draft.nowMs) continue;
    draft.do({
      kind: 'observe',
      observation: {
        name: 'drain-timeout',
        responseId: tail.responseId,
        queuedSamples: deliveredSamples(tail.delivery) - tail.delivery.playedSamples,
        elapsedMs: draft.nowMs - tail.closedAtMs,
      },
    });
    dropTail(draft, tail);
  }
}

function passIdle(draft: Draft): void {
  const { state } = draft;
  if (!isIdle(state) || state.idleDeadlineMs > draft.nowMs) return;
  draft.emit({ kind: 'disconnect', closeCode: CLOSE_CODES.normal, reason: 'session idle' });
  closeSession(draft, 'idle');
}
