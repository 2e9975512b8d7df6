import { unreachable, type SessionInput } from '@parley/model';
import { loseConnection, reconnect } from './connection';
import type { Draft } from './draft';
import { refusals } from './errors';
import { findItem } from './history';
import { addItem } from './items';
import type { EngineInput } from './inputs';
import { cancel, interrupt, truncate } from './interruption';
import { applyReport } from './playout';
import { welcomeBack } from './presence';
import { finishLive, restIdle } from './response';
import { closeSession, updatePolicy, updateSession } from './session';
import { discardSpeculation, resumeSpeech, speculate } from './speculation';
import { changeMute, hearWords, startSpeech, stopSpeech } from './speech';
import { answerCall } from './tools';
import { respond, say, startTurn } from './turns';

type ClientInput = Extract<EngineInput, { kind: 'client' }>;
type Of<Kind extends SessionInput['kind']> = Extract<SessionInput, { kind: Kind }>;

/** The application's, not the user's doing. */
const SETTINGS: readonly SessionInput['kind'][] = [
  'session-updated',
  'policy-updated',
  'call-answered',
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
  if (live && live.ordinal <= envelope.closedOrdinal) finishLive(draft);
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
      return createItem(draft, input, clientEventId);
    case 'call-answered':
      return answerCall(draft, { ...input, ...id });
    case 'interrupted':
      return interrupt(draft, { ...input, ...id, responseId: input.responseId, number: envelope.number });
    case 'response-cancelled':
      return cancel(draft, { ...input, ...id, responseId: input.responseId, number: envelope.number });
    case 'item-truncated':
      return truncate(draft, { ...input, ...id });
    case 'session-updated':
      discardSpeculation(draft, 'mismatch');
      return updateSession(draft, input.patch);
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

function createItem(draft: Draft, input: Of<'item-created'>, clientEventId: string | undefined): void {
  const { itemId, item, previousItemId } = input;
  if (findItem(draft.state, itemId)) return draft.reject(refusals.itemIdInUse(), clientEventId);
  if (typeof previousItemId === 'string' && !findItem(draft.state, previousItemId)) {
    return draft.reject(refusals.itemNotFound('previous_item_id'), clientEventId);
  }
  // What is being answered would not know of it.
  discardSpeculation(draft, 'mismatch');
  const { role, text } = item;
  addItem(
    draft,
    role === 'assistant' ? { id: itemId, role, text, interrupted: false, spoken: null } : { id: itemId, role, text },
    previousItemId,
  );
}
