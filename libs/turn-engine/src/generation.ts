import { SEGMENT_START, type ItemId, type ProviderFailure, type ToolCall, type Usage } from '@parley/model';
import { takeSegments } from '@parley/speech-text';
import type { Draft } from './draft';
import { contextOf, historyBefore, replaceItem, textOf } from './history';
import { assistantItem, failLive, modelOf, NO_USAGE, sinceBegun, watchVoice } from './response';
import type { LiveResponse, Voice } from './state';
import { callTool } from './tools';

interface OfResponse {
  lane: number;
  ordinal: number;
}

/** The live response an asynchronous result belongs to; a late result of another one is nobody's. */
export function liveOf(draft: Draft, result: OfResponse): LiveResponse | undefined {
  const live = draft.live;
  return live?.ordinal === result.ordinal && live.lane === result.lane ? live : undefined;
}

/** More of the answer's text: complete segments leave at once, the rest waits. */
export function growAnswer(draft: Draft, result: OfResponse & { text: string }): void {
  const live = liveOf(draft, result);
  if (live?.generation.stage !== 'running') return;
  markToken(draft, live);
  const { segments, rest } = takeSegments(live.generation.text + result.text, live.segments.length === 0);
  waitForToken(draft, rest);
  speak(draft, segments);
}

/** The model calls a function. Text that waits for the end of its segment goes on waiting. */
export function growCalls(draft: Draft, result: OfResponse & { itemId: ItemId; call: ToolCall }): void {
  const live = liveOf(draft, result);
  if (live?.generation.stage !== 'running') return;
  markToken(draft, live);
  waitForToken(draft, live.generation.text);
  callTool(draft, live, result);
}

/**
 * The model goes on with what an owner that is gone had dispatched of the answer: nothing of that is said again. One that
 * had called functions has come to its end: asked again, it would call them again.
 */
export function continueGeneration(draft: Draft, live: LiveResponse): void {
  const { state, nowMs, policy } = draft;
  if (live.generation.stage !== 'running') return;
  if (live.calls.length > 0) {
    endGeneration(draft, live.generation.text, { usage: NO_USAGE, status: 'completed' });
    return;
  }
  const { lane, ordinal, segments } = live;
  const messages = contextOf(
    { ...state, history: historyBefore(state.history, live.itemId) },
    live.instructions ?? state.session.instructions,
    policy.maxContextChars,
  );
  const continues = segments.length === 0 ? null : textOf(segments);
  draft.do({ kind: 'start-generation', lane, ordinal, ...modelOf(state.session), messages, continues });
  const deadlineMs = nowMs + policy.firstTokenTimeoutMs;
  draft.patchLive({ generation: { stage: 'running', text: '', tokens: false, deadlineMs } });
}

function markToken(draft: Draft, live: LiveResponse): void {
  if (live.marks.firstTokenMs !== null) return;
  const ms = sinceBegun(draft, live);
  if (ms === null) return;
  draft.patchLive({ marks: { ...live.marks, firstTokenMs: ms } });
  draft.do({ kind: 'observe', observation: { name: 'first-token', ms } });
}

function waitForToken(draft: Draft, text: string): void {
  const deadlineMs = draft.nowMs + draft.policy.tokenTimeoutMs;
  draft.patchLive({ generation: { stage: 'running', text, tokens: true, deadlineMs } });
}

export function finishGeneration(
  draft: Draft,
  result: OfResponse & { reason: 'stop' | 'length' | 'content_filter'; usage: Usage },
): void {
  const live = liveOf(draft, result);
  if (live?.generation.stage !== 'running') return;
  const rest = live.generation.text;
  if (live.segments.length === 0 && live.calls.length === 0 && rest.trim() === '') {
    failLive(draft, 'llm', { kind: 'empty_answer', message: 'The language model gave an empty answer.' });
    return;
  }
  endGeneration(draft, rest, { usage: result.usage, status: result.reason === 'stop' ? 'completed' : 'incomplete' });
}

/** The whole text of a response is given: no model is asked, and from here on it is a response like any other. */
export function dictate(draft: Draft, text: string): void {
  const { segments, rest } = takeSegments(text, true);
  speak(draft, segments);
  endGeneration(draft, rest, { usage: NO_USAGE, status: 'completed' });
}

function endGeneration(draft: Draft, rest: string, ended: { usage: Usage; status: 'completed' | 'incomplete' }): void {
  // White space alone is nothing to say, and nothing a transcript would miss.
  if (rest.trim() !== '') speak(draft, [rest]);
  silenceWithoutText(draft);
  const live = draft.live;
  if (!live) return;
  const marks = { ...live.marks, generatedMs: sinceBegun(draft, live) };
  draft.patchLive({ generation: { stage: 'ended', ...ended }, marks });
  emitEnd(draft);
  watchVoice(draft);
}

/** An answer of calls alone has nothing to speak. */
function silenceWithoutText(draft: Draft): void {
  const live = draft.live;
  if (!live || live.segments.length > 0 || live.voice.stage === 'absent') return;
  draft.do({ kind: 'cancel-voice', lane: live.lane, ordinal: live.ordinal });
  draft.patchLive({ voice: { stage: 'absent', deadlineMs: null } });
}

/** A worker is there, or asked for. */
const isOrdered = ({ stage }: Voice): boolean => stage === 'opening' || stage === 'bound';

/** Tells voice and gateway how many segments there are. */
export function emitEnd(draft: Draft): void {
  const live = draft.live;
  if (live?.generation.stage !== 'ended') return;
  const { lane, ordinal, segments } = live;
  const spokenSegments = live.voice.stage === 'absent' ? 0 : segments.length;
  draft.emit({
    kind: 'end',
    lane,
    ordinal,
    segments: segments.length,
    spokenSegments,
    status: live.generation.status,
    error: null,
    usage: live.generation.usage,
  });
  if (isOrdered(live.voice)) draft.do({ kind: 'end-voice', lane, ordinal, segments: spokenSegments });
}

export function failGeneration(draft: Draft, result: OfResponse & { failure: ProviderFailure }): void {
  if (liveOf(draft, result)?.generation.stage === 'running') failLive(draft, 'llm', result.failure);
}

/** Text leaves with the segment that holds it: to the client as transcript, to the voice as an order. */
function speak(draft: Draft, texts: readonly string[]): void {
  for (const text of texts) {
    const live = draft.live;
    if (!live) return;
    const { lane, ordinal } = live;
    const segment = live.segments.length;
    const segments = [...live.segments, { text, words: [] }];
    const firstSegmentMs = live.marks.firstSegmentMs ?? sinceBegun(draft, live);
    draft.patchLive({ segments, marks: { ...live.marks, firstSegmentMs } });
    const item = assistantItem(draft, live.itemId);
    if (item) draft.set({ history: replaceItem(draft.state.history, { ...item, text: textOf(segments) }) });
    draft.emit({ kind: 'text', lane, ordinal, segment, text });
    if (isOrdered(live.voice)) {
      draft.do({ kind: 'speak-segment', lane, ordinal, segment, text, from: SEGMENT_START });
    }
    if (live.voice.deadlineMs === null) watchVoice(draft);
  }
}
