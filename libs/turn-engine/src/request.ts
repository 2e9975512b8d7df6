import type { TokenLimit } from '@parley/model';
import type { Draft, OfResponse } from './draft';
import type { Effect } from './effects';
import { contextOf } from './history';
import type { HistoryItem, LiveResponse, SessionConfig, Wishes } from './state';

/** What the model is asked for one response. */

export const NO_WISHES: Wishes = {
  tools: null,
  toolChoice: null,
  maxOutputTokens: null,
  input: null,
};

export const maxOutputTokensOf = ({ settings }: SessionConfig, { maxOutputTokens }: Wishes): TokenLimit =>
  maxOutputTokens ?? settings.max_output_tokens;

/** `conversation`: what was said so far. `continues`: as of the effect. */
export function orderGeneration(
  draft: Draft,
  { lane, ordinal, instructions, wishes }: OfResponse & Pick<LiveResponse, 'instructions' | 'wishes'>,
  conversation: readonly HistoryItem[],
  continues: string | null,
): void {
  const { session } = draft.state;
  const told = instructions ?? session.instructions;
  const messages = contextOf(wishes.input ?? conversation, told, draft.policy.maxContextChars);
  draft.do({ kind: 'start-generation', lane, ordinal, ...modelOf(session, wishes), messages, continues });
}

/** Whom to ask, what it may call, and how much it may write. */
const modelOf = (
  session: SessionConfig,
  wishes: Wishes,
): Pick<Extract<Effect, { kind: 'start-generation' }>, 'model' | 'tools' | 'toolChoice' | 'maxOutputTokens'> => ({
  model: session.model,
  tools: wishes.tools ?? session.tools,
  toolChoice: wishes.toolChoice ?? session.toolChoice,
  maxOutputTokens: maxOutputTokensOf(session, wishes),
});
