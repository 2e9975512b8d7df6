import { INTERRUPTION_MARK, type ItemId } from '@parley/model';
import { heardText, type SpokenSegment } from '@parley/speech-text';
import type { ContextMessage } from './effects';
import type { AssistantItem, Delivery, EngineState, HistoryItem, Segment } from './state';

export const lastItemId = (state: EngineState): ItemId | null => state.history.at(-1)?.id ?? null;

export const findItem = (state: EngineState, id: ItemId): HistoryItem | undefined =>
  state.history.find((item) => item.id === id);

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
  const at = previousItemId === null ? 0 : history.findIndex((each) => each.id === previousItemId) + 1;
  return [...history.slice(0, at), item, ...history.slice(at)];
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

/**
 * What the model gets: instructions, then the newest items that fit into `maxContextChars`. The newest one is always
 * among them.
 */
export function contextOf(state: EngineState, instructions: string, maxContextChars: number): ContextMessage[] {
  const messages: ContextMessage[] = [];
  let budget = maxContextChars;
  for (const item of [...state.history].reverse()) {
    // An answer of which nothing was heard is no message.
    if (item.text === '') continue;
    const content = item.role === 'assistant' && item.interrupted ? item.text + INTERRUPTION_MARK : item.text;
    budget -= content.length + ITEM_CHARS;
    if (budget < 0 && messages.length > 0) break;
    messages.push({ role: item.role, content });
  }
  if (instructions) messages.push({ role: 'system', content: instructions });
  return messages.reverse();
}

/** So many answers back a client may still lower the heard position. */
const TRUNCATABLE_ANSWERS = 4;

/**
 * Keeps the stored state bounded: items older than any context will reach are dropped, and what was spoken is
 * remembered for the newest answers only.
 */
export function boundHistory(history: readonly HistoryItem[], maxContextChars: number): HistoryItem[] {
  let budget = maxContextChars;
  let answers = 0;
  const kept: HistoryItem[] = [];
  for (const item of [...history].reverse()) {
    budget -= item.text.length + ITEM_CHARS;
    if (budget < 0 && kept.length > 0) break;
    const forget = item.role === 'assistant' && item.spoken !== null && ++answers > TRUNCATABLE_ANSWERS;
    kept.push(forget ? { ...item, spoken: null } : item);
  }
  return kept.reverse();
}
