import type { Draft } from './draft';
import { owesAudio, restIdle, watchTails, watchVoice } from './response';
import { closeSession } from './session';
import { endSpeech } from './speech';
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
  holdVoice(draft);
}

/** The worker is free for others, and the answer speaks on when somebody listens. */
function holdVoice(draft: Draft): void {
  const { live } = draft;
  if (!live || live.voice.stage === 'absent') return;
  draft.do({ kind: 'cancel-voice', lane: live.lane, ordinal: live.ordinal });
  draft.patchLive({ voice: { stage: 'held', deadlineMs: null } });
}

/** A new owner has nobody who listens either: the client has its whole time again, and no worker is asked to speak. */
export function takeOverLost(draft: Draft): void {
  if (draft.state.connection.stage === 'connected') return;
  waitForClient(draft);
  const { live } = draft;
  if (live && live.voice.stage !== 'absent') draft.patchLive({ voice: { stage: 'held', deadlineMs: null } });
}

/** A word of the connection that was taken for lost: it is there after all. */
export function reconnect(draft: Draft): void {
  if (draft.state.connection.stage === 'connected') return;
  draft.set({ connection: { stage: 'connected' } });
  const { live } = draft;
  // What the worker sent meanwhile may have reached nobody.
  if (live?.voice.stage === 'bound' && owesAudio(live)) bindAnew(draft, live, live.rendering.barren);
  goOn(draft);
}

/** Somebody listens again: what stood still has its whole time anew. */
export function goOn(draft: Draft): void {
  const { live } = draft;
  if (live?.voice.stage === 'held') bindAnew(draft, live, live.rendering.barren);
  else if (live?.voice.stage === 'opening') {
    draft.patchLive({ voice: { stage: 'opening', deadlineMs: draft.nowMs + draft.policy.voiceTimeoutMs } });
  }
  watchVoice(draft);
  watchTails(draft);
  restIdle(draft);
}
