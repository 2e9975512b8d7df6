import type { ResponseId, ResponseStatus, TurnId } from '@parley/model';

/** How an answer ended; `running` until its generation has ended. */
export type Outcome =
  | { kind: 'running' }
  | { kind: 'completed' }
  | { kind: 'interrupted'; heardText: string }
  | { kind: 'stopped'; reason: string };

export interface Answer {
  responseId: ResponseId;
  text: string;
  outcome: Outcome;
  /** From Send to the first sample that sounds. */
  firstAudioMs: number | undefined;
}

export interface Turn {
  kind: 'turn';
  turnId: TurnId;
  /** Undefined: it was said before this page was loaded. */
  text: string | undefined;
  answer: Answer | undefined;
  /** Why there will be no answer. */
  refusal: string | undefined;
}

/** What is on the page, oldest first. */
export type Entry = Turn | { kind: 'new-session' | 'earlier-session'; id: number };
export type Conversation = readonly Entry[];

export const withTurn = (conversation: Conversation, turnId: TurnId, text: string): Conversation => [
  ...conversation,
  { kind: 'turn', turnId, text, answer: undefined, refusal: undefined },
];

/** A new session remembers nothing of what stands above; before the first turn there is nothing to divide. */
export const withNewSession = (conversation: Conversation): Conversation =>
  conversation.length === 0 ? conversation : [...conversation, { kind: 'new-session', id: conversation.length }];

/** The page was loaded anew: the agent knows what was said before, and the page does not. */
export const withEarlierSession = (conversation: Conversation): Conversation => [
  ...conversation,
  { kind: 'earlier-session', id: conversation.length },
];

export const withAccepted = (conversation: Conversation, turnId: TurnId, responseId: ResponseId): Conversation =>
  mapTurns(conversation, (turn) => (turn.turnId === turnId ? { ...turn, answer: begun(responseId, '') } : turn));

export const withRefused = (conversation: Conversation, turnId: TurnId, refusal: string): Conversation =>
  mapTurns(conversation, (turn) => (turn.turnId === turnId ? { ...turn, refusal } : turn));

/** The text of an answer whose turn this page has not seen stands alone. */
export function withText(conversation: Conversation, responseId: ResponseId, delta: string): Conversation {
  const isKnown = conversation.some((entry) => entry.kind === 'turn' && entry.answer?.responseId === responseId);
  if (isKnown) return mapAnswer(conversation, responseId, (answer) => ({ ...answer, text: answer.text + delta }));
  return [
    ...conversation,
    { kind: 'turn', turnId: responseId, text: undefined, answer: begun(responseId, delta), refusal: undefined },
  ];
}

export const withFirstAudio = (conversation: Conversation, responseId: ResponseId, ms: number): Conversation =>
  mapAnswer(conversation, responseId, (answer) => ({ ...answer, firstAudioMs: ms }));

export function withDone(
  conversation: Conversation,
  responseId: ResponseId,
  status: ResponseStatus,
  detail: string | null,
): Conversation {
  // What was heard of a cancelled answer comes with its last event.
  if (status === 'cancelled') return conversation;
  const outcome: Outcome =
    status === 'completed' ? { kind: 'completed' } : { kind: 'stopped', reason: detail ?? `The answer ${status}.` };
  return mapAnswer(conversation, responseId, (answer) => ({ ...answer, outcome }));
}

export const withInterrupted = (conversation: Conversation, responseId: ResponseId, heardText: string): Conversation =>
  mapAnswer(conversation, responseId, (answer) => ({ ...answer, outcome: { kind: 'interrupted', heardText } }));

/** No (more) answer comes to these turns. */
export const withLost = (conversation: Conversation, turnIds: readonly TurnId[]): Conversation =>
  mapTurns(conversation, (turn) => (turnIds.includes(turn.turnId) ? lost(turn) : turn));

/** Nothing that is under way will be answered any more. */
export const withAllLost = (conversation: Conversation): Conversation => mapTurns(conversation, lost);

function lost(turn: Turn): Turn {
  const reason = 'The connection was lost.';
  if (turn.answer === undefined) return { ...turn, refusal: turn.refusal ?? reason };
  if (turn.answer.outcome.kind !== 'running') return turn;
  return { ...turn, answer: { ...turn.answer, outcome: { kind: 'stopped', reason } } };
}

/**
 * An interrupted answer as heard part and rest. The server's text may differ from the streamed one in white space;
 * where it differs otherwise, the heard text stands alone.
 */
export function splitHeard(text: string, heardText: string): { heard: string; unheard: string } {
  let at = 0;
  for (const character of heardText.replace(/\s+/g, '')) {
    while (/\s/.test(text.charAt(at))) at++;
    if (!text.startsWith(character, at)) return { heard: heardText, unheard: '' };
    at += character.length;
  }
  while (/\s/.test(text.charAt(at))) at++;
  return { heard: text.slice(0, at), unheard: text.slice(at) };
}

const begun = (responseId: ResponseId, text: string): Answer => ({
  responseId,
  text,
  outcome: { kind: 'running' },
  firstAudioMs: undefined,
});

function mapTurns(conversation: Conversation, change: (turn: Turn) => Turn): Conversation {
  return conversation.map((entry) => (entry.kind === 'turn' ? change(entry) : entry));
}

function mapAnswer(
  conversation: Conversation,
  responseId: ResponseId,
  change: (answer: Answer) => Answer,
): Conversation {
  return mapTurns(conversation, (turn) =>
    turn.answer?.responseId === responseId ? { ...turn, answer: change(turn.answer) } : turn,
  );
}
