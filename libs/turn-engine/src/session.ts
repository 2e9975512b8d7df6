import {
  CLOSE_CODES,
  DEFAULT_VOICE,
  jsonBytes,
  largestField,
  mergeSettings,
  PIECE_MAX_BYTES,
  wirePolicy,
  type ClientEventBody,
  type SessionInput,
  type SessionPatch,
  type SessionPolicy,
} from '@parley/model';
import { releaseAvatar } from './avatar';
import type { Draft } from './draft';
import { refusals } from './errors';
import { floorOf } from './floor';
import { restIdle, stopProviders } from './response';
import { discardSpeculation } from './speculation';
import { NEVER_MS, type EngineState, type SessionConfig } from './state';

/** The session object of the Realtime API: what the client set of it, and what this server does. */
export function sessionObject(session: SessionConfig): Record<string, unknown> {
  const { audio, ...settings } = session.settings;
  return {
    type: 'realtime',
    object: 'realtime.session',
    id: session.sessionId,
    model: session.model,
    ...(session.expiresAtS === null ? {} : { expires_at: session.expiresAtS }),
    instructions: session.instructions,
    tools: session.tools.map((tool) => ({ type: 'function', ...tool })),
    tool_choice:
      typeof session.toolChoice === 'string' ? session.toolChoice : { type: 'function', ...session.toolChoice },
    ...settings,
    audio: { ...audio, output: { ...audio.output, voice: session.voice ?? DEFAULT_VOICE } },
  };
}

/** What is told of the session that the engine does not decide. */
export interface Welcome {
  resumeToken: string;
  resumed: boolean;
  lastClientEventId: string | null;
}

/** The first events of a connection: of the session, and who has the floor. */
export function greetingOf(
  state: EngineState,
  { resumeToken, resumed, lastClientEventId }: Welcome,
): ClientEventBody[] {
  const { session } = state;
  const floor = floorOf(state);
  return [
    { type: 'session.created', session: sessionObject(session) },
    {
      type: 'parley.session',
      session_id: session.sessionId,
      resume_token: resumeToken,
      resumed,
      last_client_event_id: lastClientEventId,
      capabilities: session.capabilities,
    },
    {
      type: 'parley.state',
      state: floor.state,
      ...(floor.responseId === undefined ? {} : { response_id: floor.responseId }),
    },
  ];
}

export function attach(draft: Draft): void {
  if (draft.state.phase.name !== 'idle') return;
  draft.enter({ name: 'listening' });
  draft.set({ lifetimeDeadlineMs: draft.nowMs + draft.policy.sessionMaxMs });
  restIdle(draft);
}

/** For a new owner, whose clock is another: what was left of it at the last step of the old one. */
export function keepLifetime(draft: Draft): void {
  const { lifetimeDeadlineMs, steppedAtMs } = draft.state;
  if (lifetimeDeadlineMs === NEVER_MS) return;
  draft.set({ lifetimeDeadlineMs: draft.nowMs + lifetimeDeadlineMs - steppedAtMs });
}

/** The session with what the patch names; neither is changed. */
export function patchedSession(session: SessionConfig, patch: SessionPatch): SessionConfig {
  const { instructions: named = session.instructions } = patch;
  return {
    ...session,
    // An empty text is how the Realtime API puts the server's back; null says it as well.
    instructions: named === null || named === '' ? session.defaultInstructions : named,
    voice: patch.voice ?? session.voice,
    tools: patch.tools ?? session.tools,
    toolChoice: patch.toolChoice ?? session.toolChoice,
    settings: mergeSettings(session.settings, patch.settings ?? {}),
  };
}

/** One model answers the whole conversation, and one voice speaks it. */
export function updateSession(
  draft: Draft,
  { patch, model, clientEventId }: Extract<SessionInput, { kind: 'session-updated' }> & { clientEventId?: string },
): void {
  const { hasSpoken, session } = draft.state;
  if (model !== undefined && session.otherModels.includes(model)) {
    return draft.reject(refusals.modelStays(session.model), clientEventId);
  }
  const voice = session.voice ?? DEFAULT_VOICE;
  if (hasSpoken && (patch.voice ?? voice) !== voice) return draft.reject(refusals.voiceIsHeard(), clientEventId);
  const updated = patchedSession(session, patch);
  const told = sessionObject(updated);
  // Every connection is greeted with all of it.
  if (jsonBytes(told) > PIECE_MAX_BYTES)
    return draft.reject(refusals.sessionTooLarge(largestField(told), PIECE_MAX_BYTES), clientEventId);
  discardSpeculation(draft, 'mismatch');
  draft.set({ session: updated });
  draft.emit({ kind: 'event', event: { type: 'session.updated', session: told } });
}

/** The session's choice holds from the next input on; what runs keeps running. */
export function updatePolicy(draft: Draft, patch: Partial<SessionPolicy>): void {
  draft.set({ policy: { ...draft.state.policy, ...patch } });
  restIdle(draft);
  draft.emit({
    kind: 'event',
    event: { type: 'parley.policy.updated', policy: wirePolicy({ ...draft.policy, ...draft.state.policy }) },
  });
}

/** The session has lasted as long as one may, whatever goes on: its client knows the moment from the beginning (`expires_at`). */
export function passLifetime(draft: Draft): void {
  if (draft.state.phase.name === 'closed' || draft.state.lifetimeDeadlineMs > draft.nowMs) return;
  const error = refusals.expired(draft.policy.sessionMaxMs);
  draft.emit({ kind: 'error', error });
  draft.emit({ kind: 'disconnect', closeCode: CLOSE_CODES.goingAway, reason: error.message });
  closeSession(draft, 'expired');
}

/** SP11: everything is stopped and released once; nothing starts any more. */
export function closeSession(draft: Draft, reason: string): void {
  discardSpeculation(draft, 'interrupted');
  for (const response of draft.responses) stopProviders(draft, response);
  releaseAvatar(draft);
  draft.set({ asides: [], tails: [], queue: [], calls: [], speech: { stage: 'silent' }, pause: null });
  draft.set({ finished: null, finishedAsides: [], connection: { stage: 'connected' } });
  draft.enter({ name: 'closed', reason });
  draft.do({ kind: 'close-session', reason });
}
