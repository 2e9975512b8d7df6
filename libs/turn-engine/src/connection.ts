import type { Draft } from './draft';
import { owesAudio, restIdle, watchTails, watchVoices } from './response';
import { closeSession } from './session';
import { endSpeech } from './speech';
import type { LiveResponse } from './state';
import { bindAnew } from './voice';

/**
 * Whether anybody listens. A client may come back after its connection was lost; until then nothing is played, so whatever
 * waits for playback stands still, and after a grace period nothing more is spoken for nobody.
 */

/** The connection is gone, or the gateway that carried it. */
export function loseConnection(draft: Draft, reason: string): void {
  const { state } = draft;
  if (!state.session.resumable) return closeSession(draft, reason);
  if (state.connection.stage === 'lost') return;
  endSpeech(draft);
  waitForClient(draft);
}

function waitForClient(draft: Draft): void {
  const { nowMs, policy } = draft;
  const graceDeadlineMs = nowMs + policy.reconnectGraceMs;
  draft.set({
    connection: { stage: 'lost', graceDeadlineMs, deadlineMs: nowMs + policy.reconnectTimeoutMs },
  });
}

export function passConnection(draft: Draft): void {
  const { connection } = draft.state;
  if (connection.stage === 'connected') return;
  if (connection.deadlineMs <= draft.nowMs) return closeSession(draft, 'the client did not come back');
  if (connection.graceDeadlineMs === null || connection.graceDeadlineMs > draft.nowMs) return;
  draft.set({ connection: { ...connection, graceDeadlineMs: null } });
  for (const response of draft.responses) holdVoice(draft, response);
}

/** The worker is free for others, and the answer speaks on when somebody listens. */
function holdVoice(draft: Draft, response: LiveResponse): void {
  const { lane, ordinal, voice } = response;
  if (voice.stage === 'absent') return;
  draft.do({ kind: 'cancel-voice', lane, ordinal });
  draft.patch(response, { voice: { stage: 'held', deadlineMs: null } });
}

/** A new owner has nobody who listens either: the client has its whole time again, and no worker is asked to speak. */
export function takeOverLost(draft: Draft): void {
  if (draft.state.connection.stage === 'connected') return;
  waitForClient(draft);
  for (const response of draft.responses) {
    if (response.voice.stage !== 'absent') draft.patch(response, { voice: { stage: 'held', deadlineMs: null } });
  }
}

/** A word of the connection that was taken for lost: it is there after all. */
export function reconnect(draft: Draft): void {
  if (draft.state.connection.stage === 'connected') return;
  draft.set({ connection: { stage: 'connected' } });
  for (const response of draft.responses) {
    // What the worker sent meanwhile may have reached nobody.
    const isAtRisk = response.voice.stage === 'bound' && owesAudio(response);
    if (isAtRisk) bindAnew(draft, response, response.rendering.barren);
  }
  goOn(draft);
}

/** Somebody listens again: what stood still has its whole time anew. */
export function goOn(draft: Draft): void {
  const deadlineMs = draft.nowMs + draft.policy.voiceTimeoutMs;
  for (const response of draft.responses) {
    const { stage } = response.voice;
    if (stage === 'held') bindAnew(draft, response, response.rendering.barren);
    else if (stage === 'opening') draft.patch(response, { voice: { stage, deadlineMs } });
  }
  watchVoices(draft);
  watchTails(draft);
  restIdle(draft);
}
