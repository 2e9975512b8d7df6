import { INTERRUPTION_MARK, type ItemId, type ToolCall } from '@parley/model';
import { heardText, type SpokenSegment } from '@parley/speech-text';
import type { ContextMessage } from './effects';
import {
  liveResponse,
  type AssistantItem,
  type Delivery,
  type EngineState,
  type HistoryItem,
  type Segment,
} from './state';

/**
 * The newest item as a client knows it: behind a call that has its result stands the result, and an answer is told with its
 * first text.
 */
export function lastItemId(state: EngineState): ItemId | null {
  const live = liveResponse(state);
  const untold = live?.segments.length === 0 ? live.itemId : undefined;
  const last = state.history.filter(({ id }) => id !== untold).at(-1);
  return last?.role === 'call' && last.outcome.stage === 'answered' ? last.outcome.itemId : (last?.id ?? null);
}

export const findItem = (history: readonly HistoryItem[], id: ItemId): HistoryItem | undefined =>
  history.find((item) => isNamed(item, id));

/** A call that has its result is found by the result's id too: the two stand together. */
const isNamed = (item: HistoryItem, id: ItemId): boolean =>
  item.id === id || (item.role === 'call' && item.outcome.stage === 'answered' && item.outcome.itemId === id);

/** The call was deleted: its result bears an id of its own, which stays known until it is deleted too. */
export const isResultAlone = (item: HistoryItem): boolean =>
  item.role === 'call' && item.outcome.stage === 'answered' && item.outcome.itemId === item.id;

export const textOf = (segments: readonly Segment[]): string => segments.map((segment) => segment.text).join('');

/** Segments with what was delivered of each, for the rule of heard text. */
export function spoken(segments: readonly Segment[], delivery: Delivery): SpokenSegment[] {
  return segments.map((segment, index) => {
    const delivered = delivery.segments[index];
    return {
      text: segment.text,
      words: segment.words,
      samples: delivered?.samples ?? 0,
      last: delivered?.last ?? false,
    };
  });
}

/** What was heard of `segments` at the playhead of `delivery`. */
export const heardOf = (state: EngineState, segments: readonly Segment[], delivery: Delivery): string =>
  heardText(spoken(segments, delivery), delivery.playedSamples, state.voiceRate);

/** Puts `item` at the end, or after `previousItemId` (`null`: at the front). */
export function insertItem(
  history: readonly HistoryItem[],
  item: HistoryItem,
  previousItemId: ItemId | null | undefined,
): HistoryItem[] {
  if (previousItemId === undefined) return [...history, item];
  const at = previousItemId === null ? 0 : history.findIndex((each) => isNamed(each, previousItemId)) + 1;
  return [...history.slice(0, at), item, ...history.slice(at)];
}

/** What stood before an item; all of it when the client has deleted that item. */
export function historyBefore(history: readonly HistoryItem[], id: ItemId): HistoryItem[] {
  const at = history.findIndex((item) => item.id === id);
  return at < 0 ? [...history] : history.slice(0, at);
}

export const replaceItem = (history: readonly HistoryItem[], item: HistoryItem): HistoryItem[] =>
  history.map((each) => (each.id === item.id ? item : each));

export const removeItem = (history: readonly HistoryItem[], id: ItemId): HistoryItem[] =>
  history.filter((each) => each.id !== id);

/**
 * Cuts an assistant item to what was heard (G4). With fewer than `minPartialChars` heard nothing of it is left for the
 * model, which must not believe that it said something nobody heard; the client has seen the item, so its id stays.
 * `complete`: its text is the whole answer, so that hearing all of it is no interruption.
 */
export function cutToHeard(
  history: readonly HistoryItem[],
  item: AssistantItem,
  heard: string,
  { complete, minPartialChars }: { complete: boolean; minPartialChars: number },
): HistoryItem[] {
  if (heard.length < minPartialChars) return replaceItem(history, { ...item, text: '', interrupted: true });
  const whole = complete && heard === item.text.trimEnd();
  return replaceItem(history, { ...item, text: heard, interrupted: item.interrupted || !whole });
}

/** What a message costs a model beside its text: about 4 tokens for its role and frame. */
const ITEM_CHARS = 16;

/** What a function without a result is to the model, which must have one for each of its calls. */
const NO_RESULT = {
  pending: 'No result yet.',
  interrupted: 'No result: the user interrupted.',
  timeout: 'No result: the function did not answer in time.',
};

/** The text of an item as the model gets it. */
function contentOf(item: HistoryItem): string {
  if (item.role === 'call') {
    const { outcome } = item;
    if (outcome.stage === 'answered') return outcome.output;
    return NO_RESULT[outcome.stage === 'pending' ? 'pending' : outcome.why];
  }
  return item.role === 'assistant' && item.interrupted ? item.text + INTERRUPTION_MARK : item.text;
}

const charsOf = (item: HistoryItem): number =>
  contentOf(item).length + (item.role === 'call' ? item.call.name.length + item.call.arguments.length : 0) + ITEM_CHARS;

/**
 * What the model gets: instructions, then the newest items that fit into `maxContextChars`. The newest one is always
 * among them.
 */
export function contextOf(
  history: readonly HistoryItem[],
  instructions: string,
  maxContextChars: number,
): ContextMessage[] {
  const given: HistoryItem[] = [];
  let budget = maxContextChars;
  for (const item of [...history].reverse()) {
    // An answer of which nothing was heard is no message, nor is a result of what was never called.
    if (item.role === 'call' ? isResultAlone(item) : item.text === '') continue;
    budget -= charsOf(item);
    if (budget < 0 && given.length > 0) break;
    given.push(item);
  }
  const messages = messagesOf(given.reverse());
  return instructions ? [{ role: 'system', content: instructions }, ...messages] : messages;
}

/** Calls stand with the message of their response, if it said anything, and their results behind all of them. */
function messagesOf(items: readonly HistoryItem[]): ContextMessage[] {
  const messages: ContextMessage[] = [];
  let answer: { id: ItemId; message: { role: 'assistant'; content: string; toolCalls?: ToolCall[] } } | undefined;
  let results: ContextMessage[] = [];
  const beginAnswer = (id: ItemId, content: string): void => {
    messages.push(...results);
    results = [];
    answer = { id, message: { role: 'assistant', content } };
    messages.push(answer.message);
  };
  for (const item of items) {
    const content = contentOf(item);
    if (item.role === 'call') {
      if (answer?.id !== item.answerId) beginAnswer(item.answerId, '');
      if (answer) answer.message.toolCalls = [...(answer.message.toolCalls ?? []), item.call];
      results.push({ role: 'tool', callId: item.call.callId, content });
    } else if (item.role === 'assistant') beginAnswer(item.id, content);
    else {
      messages.push(...results, { role: item.role, content });
      results = [];
      answer = undefined;
    }
  }
  return [...messages, ...results];
}

/** So many answers back a client may still lower the heard position. */
const TRUNCATABLE_ANSWERS = 4;

/** Clients read and name older items than the model is given: an hour of talk is some 60,000 characters. */
const STORED_CONTEXTS = 4;

/**
 * Keeps the stored state bounded: the oldest items beyond some contexts are dropped, and what was spoken is remembered for
 * the newest answers only.
 */
export function boundHistory(history: readonly HistoryItem[], maxContextChars: number): HistoryItem[] {
  let budget = STORED_CONTEXTS * maxContextChars;
  let answers = 0;
  const kept: HistoryItem[] = [];
  for (const item of [...history].reverse()) {
    budget -= charsOf(item);
    if (budget < 0 && kept.length > 0) break;
    const forget = item.role === 'assistant' && item.spoken !== null && ++answers > TRUNCATABLE_ANSWERS;
    kept.push(forget ? { ...item, spoken: null } : item);
  }
  return kept.reverse();
}
