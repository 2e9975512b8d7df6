import { unreachable, type ClientError, type ResponseInput, type ResponseOptions } from '@parley/model';
import type { Draft } from './draft';
import { refusals } from './errors';
import { boundHistory, findItem, replaceItem } from './history';
import { itemOf } from './items';
import type { EngineState, HistoryItem, Wishes } from './state';

/** What `response.create` asks for its response alone beside its instructions, or what is wrong with it. */
export type ReadWishes = { ok: true; wishes: Wishes } | { ok: false; error: ClientError };

export function wishesOf({ state, policy }: Draft, options: ResponseOptions): ReadWishes {
  const { tools = null, toolChoice = null, maxOutputTokens = null } = options;
  const own = { tools, toolChoice, maxOutputTokens };
  if (!options.input) return { ok: true, wishes: { ...own, input: null } };
  const input = inputOf(state, options.input);
  if (!Array.isArray(input)) return { ok: false, error: input };
  return { ok: true, wishes: { ...own, input: boundHistory(input, policy.maxContextChars) } };
}

/** The items as the conversation would have them; a result is part of its call there. */
function inputOf(state: EngineState, input: readonly ResponseInput[]): HistoryItem[] | ClientError {
  let items: HistoryItem[] = [];
  for (const [index, each] of input.entries()) {
    const id = `input_${index}`;
    switch (each.role) {
      case 'reference': {
        const item = findItem(state.history, each.itemId);
        if (!item) return refusals.itemNotFound(`response.input[${index}].id`);
        if (!items.includes(item)) items.push(item);
        break;
      }
      case 'result': {
        const call = items.find((item) => item.role === 'call' && item.call.callId === each.callId);
        if (call?.role !== 'call') return refusals.unknownCall(each.callId, `response.input[${index}].call_id`);
        items = replaceItem(items, { ...call, outcome: { stage: 'answered', itemId: id, output: each.output } });
        break;
      }
      case 'user':
      case 'system':
      case 'assistant':
      case 'call':
        items.push(itemOf(id, each));
        break;
      default:
        return unreachable(each);
    }
  }
  return items;
}
