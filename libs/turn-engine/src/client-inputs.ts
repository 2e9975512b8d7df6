import { unreachable, type SessionInput } from '@parley/model';
import { loseConnection, reconnect } from './connection';
import type { Draft } from './draft';
import type { EngineInput } from './inputs';
import { cancel, interrupt, truncate } from './interruption';
import { createItem, deleteItem, retrieveItem } from './items';
import { applyReport } from './playout';
import { welcomeBack } from './presence';
import { finish, restIdle } from './response';
import { closeSession, updatePolicy, updateSession } from './session';
import { resumeSpeech, speculate } from './speculation';
import { changeMute, hearWords, startSpeech, stopSpeech } from './speech';
import { answerCall } from './tools';
import { respond, say, startTurn } from './turns';

type ClientInput = Extract<EngineInput, { kind: 'client' }>;

/** The application's, not the user's doing. */
const SETTINGS: readonly SessionInput['kind'][] = [
  'session-updated',
  'policy-updated',
  'call-answered',
  'item-retrieved',
  'item-deleted',
  'response-requested',
  'mute-changed',
  'said',
  'message-refused',
  'disconnected',
];

export function applyClientInput(draft: Draft, envelope: ClientInput): void {
  if (draft.state.phase.name === 'idle') return;
  const { input, clientEventId } = envelope;
  if (input.kind !== 'disconnected') reconnect(draft);
  if (!SETTINGS.includes(input.kind)) welcomeBack(draft);
  restIdle(draft);
  // What the gateway knew when the client spoke is a report of that moment; an interruption is judged by it.
  if ('delivery' in input) applyReport(draft, 'writtenOrdinal' in input ? input.writtenOrdinal : 0, input.delivery);
  // The client may answer `response.done` before the gateway's report of it arrives here.
  const live = draft.live;
  if (live && live.ordinal <= envelope.closedOrdinal) finish(draft, live);
  const id = clientEventId === undefined ? {} : { clientEventId };
  switch (input.kind) {
    case 'final-transcript':
      return startTurn(draft, { ...input, ...id, cause: envelope.number });
    case 'speculative-transcript':
      return speculate(draft, input);
    case 'speech-resumed':
      return resumeSpeech(draft, input.turnId);
    case 'response-requested':
      return respond(draft, { ...input, ...id, cause: envelope.number });
    case 'partial-transcript':
      return hearWords(draft, input);
    case 'speech-started':
      return startSpeech(draft);
    case 'speech-stopped':
      return stopSpeech(draft);
    case 'mute-changed':
      return changeMute(draft, input.muted);
    case 'said':
      return say(draft, { ...input, ...id, cause: envelope.number });
    case 'item-created':
      return createItem(draft, { ...input, ...id });
    case 'item-retrieved':
      return retrieveItem(draft, { ...input, ...id });
    case 'item-deleted':
      return deleteItem(draft, { ...input, ...id });
    case 'call-answered':
      return answerCall(draft, { ...input, ...id });
    case 'interrupted':
      return interrupt(draft, { ...input, ...id, responseId: input.responseId, number: envelope.number });
    case 'response-cancelled':
      return cancel(draft, { ...input, ...id, responseId: input.responseId, number: envelope.number });
    case 'item-truncated':
      return truncate(draft, { ...input, ...id });
    case 'session-updated':
      return updateSession(draft, { ...input, ...id });
    case 'policy-updated':
      return updatePolicy(draft, input.patch);
    case 'message-refused':
      return draft.reject(input.error, clientEventId);
    case 'disconnected':
      // The one end that the client wants.
      return input.reason === 'client' ? closeSession(draft, input.reason) : loseConnection(draft, input.reason);
    default:
      return unreachable(input);
  }
}
