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
  text: string;
  answer: Answer | undefined;
  /** Why there will be no answer. */
  refusal: string | undefined;
}

/** What is on the page, oldest first. */
export type Entry = Turn | { kind: 'new-session'; id: number };
export type Conversation = readonly Entry[];

export const withTurn = (conversation: Conversation, turnId: TurnId, text: string): Conversation => [
  ...conversation,
  { kind: 'turn', turnId, text, answer: undefined, refusal: undefined },
];

/** A new session remembers nothing of what stands above; before the first turn there is nothing to divide. */
export const withNewSession = (conversation: Conversation): Conversation =>
  conversation.length === 0 ? conversation : [...conversation, { kind: 'new-session', id: conversation.length }];

export const withAccepted = (conversation: Conversation, turnId: TurnId, responseId: ResponseId): Conversation =>
  mapTurns(conversation, (turn) =>
    turn.turnId === turnId
      ? { ...turn, answer: { responseId, text: '', outcome: { kind: 'running' }, firstAudioMs: undefined } }
      : turn,
  );

export const withRefused = (conversation: Conversation, turnId: TurnId, refusal: string): Conversation =>
  mapTurns(conversation, (turn) => (turn.turnId === turnId ? { ...turn, refusal } : turn));

export const withText = (conversation: Conversation, responseId: ResponseId, delta: string): Conversation =>
  mapAnswer(conversation, responseId, (answer) => ({ ...answer, text: answer.text + delta }));

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

/** Nothing that is under way will be answered any more. */
export const withLost = (conversation: Conversation): Conversation =>
  mapTurns(conversation, (turn) => {
    if (turn.answer === undefined) return { ...turn, refusal: turn.refusal ?? 'The connection was lost.' };
    if (turn.answer.outcome.kind !== 'running') return turn;
    return { ...turn, answer: { ...turn.answer, outcome: { kind: 'stopped', reason: 'The connection was lost.' } } };
  });

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
