import type { InputNumber, ItemId, ResponseId, ResponseOptions, TurnId } from '@parley/model';
import { offerToAvatar } from './avatar';
import type { Draft, OfResponse } from './draft';
import { boundHistory, insertItem, lastItemId } from './history';
import { maxOutputTokensOf, NO_WISHES, orderGeneration } from './request';
import { isOfConversation, type LiveResponse, type SpeculativeRun, type Wishes } from './state';

/** How a response begins. */

export interface NewResponse {
  responseId: ResponseId;
  itemId: ItemId;
  turnId: TurnId;
  cause: InputNumber;
  /** Another one than the conversation's: out of band. */
  lane?: number;
  wishes?: Wishes;
  /** How it is asked for and given. */
  options?: Pick<ResponseOptions, 'instructions' | 'modality' | 'format' | 'voice' | 'metadata'>;
  /** The speculative run that is its answer; without one the model is asked. */
  run?: SpeculativeRun;
  /** The agent's words are given: the model is not asked. */
  dictated?: { interruptible: boolean };
}

/** More than end while a client is away. */
const REMEMBERED_RESPONSES = 16;

export function beginResponse(draft: Draft, begun: NewResponse): void {
  const { state } = draft;
  const { run, dictated } = begun;
  const response = newResponse(draft, begun, run ?? draft.nextKey(begun.lane));
  announce(draft, begun, response);
  const { lane, ordinal, responseId } = response;
  const name = { ordinal, responseId };
  draft.set({ recentResponses: [...state.recentResponses, name].slice(-REMEMBERED_RESPONSES) });
  if (isOfConversation(response)) enterConversation(draft, response);
  else draft.set({ asides: [...draft.state.asides, response] });
  if (!run && !dictated) orderGeneration(draft, response, state.history, null);
  if (response.voice.stage === 'absent') return;
  draft.do({ kind: 'open-voice', lane, ordinal, attempt: 1, responseId, ...voiceOf(response), segments: 0 });
  if (isOfConversation(response)) offerToAvatar(draft, { lane, ordinal, responseId });
}

const voiceOf = ({ rendering: { voice, speed } }: LiveResponse) => ({ voice, speed });

function newResponse(draft: Draft, begun: NewResponse, { lane, ordinal }: OfResponse): LiveResponse {
  const { nowMs, policy, state } = draft;
  const { responseId, itemId, turnId, cause, dictated, wishes = NO_WISHES, options = {} } = begun;
  const { instructions = null, voice = state.session.voice } = options;
  const { modality = state.session.settings.output_modalities[0] } = options;
  const { speed } = state.session.settings.audio.output;
  return {
    ...{ lane, ordinal, responseId, itemId, turnId, cause, modality, instructions, wishes },
    generation: { stage: 'running', text: '', tokens: false, deadlineMs: nowMs + policy.firstTokenTimeoutMs },
    voice:
      modality === 'text'
        ? { stage: 'absent', deadlineMs: null }
        : { stage: 'opening', deadlineMs: nowMs + policy.voiceTimeoutMs },
    rendering: { attempt: 1, voice, speed, fromSamples: 0, barren: 0 },
    segments: [],
    calls: [],
    delivery: { segments: [], playedSamples: 0 },
    interruptible: dictated?.interruptible ?? draft.chosen('interruptible'),
    beganAtMs: nowMs,
    marks: { firstTokenMs: null, firstSegmentMs: null, firstAudioMs: null, generatedMs: null },
    wasClosed: false,
  };
}

function announce(draft: Draft, { options = {} }: NewResponse, response: LiveResponse): void {
  const { state } = draft;
  const { lane, ordinal, responseId, itemId, turnId, cause, modality, rendering, wishes } = response;
  draft.emit({
    ...{ kind: 'announce', lane, ordinal, responseId, itemId },
    previousItemId: isOfConversation(response) ? lastItemId(state) : null,
    ...{ turnId, cause },
    format: options.format ?? state.session.settings.audio.output.format,
    voice: rendering.voice,
    modality,
    maxOutputTokens: maxOutputTokensOf(state.session, wishes),
    metadata: options.metadata ?? null,
  });
}

function enterConversation(draft: Draft, response: LiveResponse): void {
  const { itemId: id, modality } = response;
  const history = boundHistory(draft.state.history, draft.policy.maxContextChars);
  const item = { id, role: 'assistant', text: '', interrupted: false, modality, spoken: null } as const;
  draft.set({ history: insertItem(history, item, undefined) });
  draft.enter({ name: 'thinking', response });
}
