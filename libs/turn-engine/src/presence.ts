import type { InputNumber, ItemId, ResponseId, TurnId } from '@parley/model';
import type { Draft } from './draft';
import { accept } from './turns';
import { beginResponse } from './beginning';
import type { EngineState } from './state';

/** Drawn by the owner for a response that no input of the client begins. */
export interface DrawnIds {
  turnId: TurnId;
  responseId: ResponseId;
  answerId: ItemId;
  /** The last input that was applied: a later interrupt hits the response. */
  cause: InputNumber;
}

/** Nobody speaks and nothing is heard: the time in which a user may count as away. */
export const isQuiet = (state: EngineState): boolean =>
  state.phase.name === 'listening' &&
  state.connection.stage === 'connected' &&
  state.tails.length === 0 &&
  state.speech.stage === 'silent' &&
  state.speculation.run === null;

/** The user did something; one who was away is back. */
export function welcomeBack(draft: Draft): void {
  if (draft.state.presence.stage !== 'away') return;
  draft.set({ presence: { stage: 'present', deadlineMs: null } });
  draft.emit({ kind: 'event', event: { type: 'parley.user', state: 'present' } });
}

/** Once per silence: the client is told, and the model may be asked for a word to the user. */
export function passPresence(draft: Draft, drawn: DrawnIds): void {
  const { state, nowMs } = draft;
  const { presence } = state;
  if (presence.stage === 'away' || presence.deadlineMs === null || presence.deadlineMs > nowMs) return;
  if (!isQuiet(state)) return;
  draft.set({ presence: { stage: 'away' } });
  draft.emit({ kind: 'event', event: { type: 'parley.user', state: 'away' } });
  const awayPrompt = draft.chosen('awayPrompt');
  if (awayPrompt === null || awayPrompt.trim() === '') return;
  accept(draft, drawn);
  const { answerId, ...ids } = drawn;
  const instructions = [state.session.instructions, awayPrompt].filter((text) => text !== '').join('\n\n');
  beginResponse(draft, { ...ids, itemId: answerId, options: { instructions } });
}
