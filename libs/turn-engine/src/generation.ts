import {
  SEGMENT_START,
  type CutReason,
  type ItemId,
  type ProviderFailure,
  type ToolCall,
  type Usage,
} from '@parley/model';
import { takeSegments } from '@parley/speech-text';
import type { Draft, OfResponse } from './draft';
import { historyBefore, replaceItem, textOf } from './history';
import { orderGeneration } from './request';
import { assistantItem, fail, NO_USAGE, sinceBegun, watchVoice } from './response';
import type { LiveResponse, Voice } from './state';
import { callTool } from './tools';

/** What the model writes for a live response, whichever lane it is on. */

/** The model's word on the end, as clients are told of it. */
const CUT_BY: Record<'stop' | 'length' | 'content_filter', CutReason | null> = {
  stop: null,
  length: 'max_output_tokens',
  content_filter: 'content_filter',
};

/** More of the answer's text: complete segments leave at once, the rest waits. */
export function growAnswer(draft: Draft, result: OfResponse & { text: string }): void {
  const response = draft.response(result);
  if (response?.generation.stage !== 'running') return;
  markToken(draft, response);
  const { segments, rest } = takeSegments(response.generation.text + result.text, response.segments.length === 0);
  speak(draft, waitForToken(draft, response, rest), segments);
}

/** The model calls a function. Text that waits for the end of its segment goes on waiting. */
export function growCalls(draft: Draft, result: OfResponse & { itemId: ItemId; call: ToolCall }): void {
  const response = draft.response(result);
  if (response?.generation.stage !== 'running') return;
  markToken(draft, response);
  callTool(draft, waitForToken(draft, response, response.generation.text), result);
}

/**
 * The model goes on with what an owner that is gone had dispatched of the answer: nothing of that is said again. One that
 * had called functions has come to its end: asked again, it would call them again.
 */
export function continueGeneration(draft: Draft, response: LiveResponse): void {
  const { state, nowMs, policy } = draft;
  const { calls, generation, itemId, segments } = response;
  if (generation.stage !== 'running') return;
  if (calls.length > 0) return endGeneration(draft, response, generation.text, { usage: NO_USAGE, cutBy: null });
  const continues = segments.length === 0 ? null : textOf(segments);
  orderGeneration(draft, response, historyBefore(state.history, itemId), continues);
  const deadlineMs = nowMs + policy.firstTokenTimeoutMs;
  draft.patch(response, { generation: { stage: 'running', text: '', tokens: false, deadlineMs } });
}

function markToken(draft: Draft, response: LiveResponse): void {
  const { marks } = response;
  if (marks.firstTokenMs !== null) return;
  const ms = sinceBegun(draft, response);
  if (ms === null) return;
  draft.patch(response, { marks: { ...marks, firstTokenMs: ms } });
  draft.do({ kind: 'observe', observation: { name: 'first-token', ms } });
}

function waitForToken(draft: Draft, response: LiveResponse, text: string): LiveResponse {
  const deadlineMs = draft.nowMs + draft.policy.tokenTimeoutMs;
  return draft.patch(response, { generation: { stage: 'running', text, tokens: true, deadlineMs } });
}

export function finishGeneration(
  draft: Draft,
  result: OfResponse & { reason: 'stop' | 'length' | 'content_filter'; usage: Usage },
): void {
  const response = draft.response(result);
  if (response?.generation.stage !== 'running') return;
  const { calls, generation, segments } = response;
  if (segments.length === 0 && calls.length === 0 && generation.text.trim() === '') {
    fail(draft, response, 'llm', { kind: 'empty_answer', message: 'The language model gave an empty answer.' });
    return;
  }
  endGeneration(draft, response, generation.text, { usage: result.usage, cutBy: CUT_BY[result.reason] });
}

/** The whole text of the conversation's response is given: no model is asked, and from here on it is one like any other. */
export function dictate(draft: Draft, text: string): void {
  const { live } = draft;
  if (!live) return;
  const { segments, rest } = takeSegments(text, true);
  endGeneration(draft, speak(draft, live, segments), rest, { usage: NO_USAGE, cutBy: null });
}

function endGeneration(
  draft: Draft,
  response: LiveResponse,
  rest: string,
  ended: { usage: Usage; cutBy: CutReason | null },
): void {
  // White space alone is nothing to say, and nothing a transcript would miss.
  const spoken = silenceWithoutText(draft, rest.trim() === '' ? response : speak(draft, response, [rest]));
  const marks = { ...spoken.marks, generatedMs: sinceBegun(draft, spoken) };
  const over = draft.patch(spoken, {
    generation: { stage: 'ended', status: ended.cutBy ? 'incomplete' : 'completed', ...ended },
    marks,
  });
  emitEnd(draft, over);
  watchVoice(draft, over);
}

/** An answer of calls alone has nothing to speak. */
function silenceWithoutText(draft: Draft, response: LiveResponse): LiveResponse {
  if (response.segments.length > 0 || response.voice.stage === 'absent') return response;
  draft.do({ kind: 'cancel-voice', lane: response.lane, ordinal: response.ordinal });
  return draft.patch(response, { voice: { stage: 'absent', deadlineMs: null } });
}

/** A worker is there, or asked for. */
const isOrdered = ({ stage }: Voice): boolean => stage === 'opening' || stage === 'bound';

/** Tells voice and gateway how many segments there are. */
export function emitEnd(draft: Draft, response: LiveResponse): void {
  const { generation, lane, ordinal, segments, voice } = response;
  if (generation.stage !== 'ended') return;
  const { cutBy, status, usage } = generation;
  const spokenSegments = voice.stage === 'absent' ? 0 : segments.length;
  draft.emit({
    ...{ kind: 'end', lane, ordinal },
    ...{ segments: segments.length, spokenSegments },
    ...{ status, cutBy, error: null, usage },
  });
  if (isOrdered(voice)) draft.do({ kind: 'end-voice', lane, ordinal, segments: spokenSegments });
}

export function failGeneration(draft: Draft, result: OfResponse & { failure: ProviderFailure }): void {
  const response = draft.response(result);
  if (response?.generation.stage === 'running') fail(draft, response, 'llm', result.failure);
}

/** Text leaves with the segment that holds it: to the client as transcript, to the voice as an order. */
function speak(draft: Draft, response: LiveResponse, texts: readonly string[]): LiveResponse {
  return texts.reduce((spoken, text) => speakSegment(draft, spoken, text), response);
}

function speakSegment(draft: Draft, response: LiveResponse, text: string): LiveResponse {
  const { itemId, lane, marks, ordinal } = response;
  const segment = response.segments.length;
  const segments = [...response.segments, { text, words: [] }];
  const firstSegmentMs = marks.firstSegmentMs ?? sinceBegun(draft, response);
  const spoken = draft.patch(response, { segments, marks: { ...marks, firstSegmentMs } });
  const item = assistantItem(draft, itemId);
  if (item) draft.set({ history: replaceItem(draft.state.history, { ...item, text: textOf(segments) }) });
  draft.emit({ kind: 'text', lane, ordinal, segment, text });
  if (isOrdered(spoken.voice)) {
    draft.do({ kind: 'speak-segment', lane, ordinal, segment, text, from: SEGMENT_START });
  }
  return spoken.voice.deadlineMs === null ? watchVoice(draft, spoken) : spoken;
}
