import { CAPABILITIES, DEFAULT_SETTINGS, SCHEMA_VERSION, type ConnectionProfile, type SessionId } from '@parley/model';
import { initialState, patchedSession, type SessionConfig } from '@parley/turn-engine';
import type { OrchestratorConfig } from './config';
import type { Connection, SessionRecord } from './session/session-record';

/** What a session begins with: the server's settings, and over them what its connection asks for. `wallMs`: since 1970. */
export function newSession(
  sessionId: SessionId,
  { model: named, parley, defaults = {} }: ConnectionProfile,
  { instructions, lipSync, model, modelMap, policy, voice }: OrchestratorConfig,
  wallMs: number,
): SessionConfig {
  // The name is a client's: it must not find what every object has.
  const mapped = named !== null && Object.hasOwn(modelMap, named) ? modelMap[named] : undefined;
  const otherModels = mapped === undefined ? [] : Object.keys(modelMap).filter((name) => modelMap[name] !== mapped);
  const session: SessionConfig = {
    sessionId,
    model: mapped ?? model,
    otherModels,
    voice,
    instructions,
    defaultInstructions: instructions,
    tools: [],
    toolChoice: 'auto',
    settings: DEFAULT_SETTINGS,
    avatar: null,
    capabilities: CAPABILITIES.filter((each) => each !== 'visemes' || lipSync),
    resumable: parley,
    expiresAtS: Math.ceil((wallMs + policy.sessionMaxMs) / 1000),
  };
  return patchedSession(session, defaults);
}

/** As its first write stores it. `token`: null where no connection may take another one's place. */
export const newRecord = (session: SessionConfig, connection: Connection, token: string | null): SessionRecord => ({
  v: SCHEMA_VERSION,
  engine: initialState(session),
  connection,
  resume: token === null ? null : { token, previous: null },
  lastClientEventId: null,
  outSeq: 0,
  acknowledgedOutSeq: 0,
  outbox: [],
  voice: null,
});
