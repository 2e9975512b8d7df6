import { fieldsOf } from '../support/fields';
import { itemIdOf, responseIdOf, type RealtimeEvent } from './realtime-event';

/** What two events must have in common for an order between them. `previous`: the item that stands before the other. */
type Common = 'connection' | 'response' | 'item' | 'part' | 'previous';

/**
 * `strict`: the second one needs the first, which does not come again behind it. `order`: the first never comes behind the
 * second. `cause`: the second needs the first and may fall anywhere behind it.
 */
type Kind = 'strict' | 'order' | 'cause';

export interface Order {
  /** Types; `…:audio` only with such a part, `…:message` only with such an item, `response.*` all of them. */
  readonly before: string;
  readonly after: string;
  readonly by: Common;
  readonly kind: Kind;
}

const row = (before: string, kind: Kind, after: string, by: Common): Order => ({ before, after, by, kind });

/** openai-realtime.md §5.1, from the recorded traffic of the real server, and §5.2. */
export const ORDERS: readonly Order[] = [
  row('session.created', 'cause', '*', 'connection'),
  // The user's audio. Without turn detection nobody sees speech start or stop.
  row('input_audio_buffer.speech_started', 'strict', 'input_audio_buffer.speech_stopped', 'item'),
  row('input_audio_buffer.speech_started', 'order', 'input_audio_buffer.committed', 'item'),
  row('input_audio_buffer.speech_stopped', 'order', 'input_audio_buffer.committed', 'item'),
  row('input_audio_buffer.committed', 'order', 'conversation.item.added', 'item'),
  row(
    'conversation.item.input_audio_transcription.delta',
    'order',
    'conversation.item.input_audio_transcription.completed',
    'item',
  ),
  row('input_audio_buffer.committed', 'cause', 'conversation.item.input_audio_transcription.completed', 'item'),
  row('input_audio_buffer.committed', 'cause', 'conversation.item.input_audio_transcription.failed', 'item'),
  // Items of the conversation.
  row('conversation.item.added', 'strict', 'conversation.item.done', 'item'),
  row('conversation.item.added', 'cause', 'conversation.item.added', 'previous'),
  row('conversation.item.added', 'cause', 'conversation.item.truncated', 'item'),
  row('conversation.item.added', 'cause', 'conversation.item.retrieved', 'item'),
  row('conversation.item.added', 'strict', 'conversation.item.deleted', 'item'),
  row('conversation.item.truncated', 'order', 'conversation.item.deleted', 'item'),
  row('conversation.item.retrieved', 'order', 'conversation.item.deleted', 'item'),
  // A response, from its beginning to its end.
  row('response.created', 'cause', 'response.*', 'response'),
  row('response.*', 'order', 'response.done', 'response'),
  row('response.done', 'cause', 'rate_limits.updated', 'connection'),
  // Its items. Out of band they are none of the conversation's.
  row('response.output_item.added', 'order', 'conversation.item.added', 'item'),
  row('response.output_item.added', 'strict', 'response.content_part.added', 'item'),
  row('conversation.item.added', 'strict', 'response.content_part.added', 'item'),
  row('response.content_part.done', 'order', 'conversation.item.done', 'item'),
  row('response.content_part.done', 'order', 'response.output_item.done', 'item'),
  row('conversation.item.done', 'strict', 'response.output_item.done', 'item'),
  // What is heard.
  row('response.content_part.added', 'strict', 'response.output_audio_transcript.delta', 'part'),
  row('response.content_part.added', 'strict', 'response.output_audio.delta', 'part'),
  row('response.content_part.added', 'strict', 'response.output_audio.done', 'part'),
  row('response.output_audio.delta', 'order', 'response.output_audio.done', 'part'),
  row('response.output_audio_transcript.delta', 'order', 'response.output_audio_transcript.done', 'part'),
  row('response.output_audio.done', 'strict', 'response.output_audio_transcript.done', 'part'),
  row('response.output_audio_transcript.done', 'strict', 'response.content_part.done:audio', 'part'),
  // What is read.
  row('response.content_part.added', 'strict', 'response.output_text.delta', 'part'),
  row('response.content_part.added', 'strict', 'response.output_text.done', 'part'),
  row('response.output_text.delta', 'order', 'response.output_text.done', 'part'),
  row('response.output_text.done', 'strict', 'response.content_part.done:text', 'part'),
  // What is called.
  row('response.output_item.added', 'strict', 'response.function_call_arguments.delta', 'item'),
  row('conversation.item.added', 'strict', 'response.function_call_arguments.delta', 'item'),
  row('response.function_call_arguments.delta', 'order', 'response.function_call_arguments.done', 'item'),
  row('response.function_call_arguments.done', 'order', 'conversation.item.done', 'item'),
  row('response.function_call_arguments.done', 'strict', 'response.output_item.done:function_call', 'item'),
];

/** What is opened is closed before one of these events comes. */
export interface Closing {
  readonly opened: string;
  readonly closed: string;
  readonly by: Common;
  readonly before: readonly string[];
  /** Not of what this has been told of. */
  readonly unless?: string;
}

export const CLOSINGS: readonly Closing[] = [
  // In a response, also when it is cut (§5.2).
  {
    ...{ opened: 'response.content_part.added', closed: 'response.content_part.done', by: 'part' },
    before: ['response.done'],
  },
  {
    ...{ opened: 'response.output_item.added', closed: 'response.output_item.done', by: 'item' },
    before: ['response.done'],
  },
  // An item that is no response's, and so the client's, is whole when it is told (§5.1).
  {
    ...{ opened: 'conversation.item.added', closed: 'conversation.item.done', by: 'item' },
    before: ['conversation.item.added', 'response.created'],
    unless: 'response.output_item.added',
  },
];

/** What comes once for what it names. */
export const ONCE: readonly { readonly type: string; readonly by: Common }[] = [
  { type: 'session.created', by: 'connection' },
  { type: 'input_audio_buffer.committed', by: 'item' },
  { type: 'conversation.item.added', by: 'item' },
  { type: 'conversation.item.done', by: 'item' },
  { type: 'conversation.item.deleted', by: 'item' },
  { type: 'response.created', by: 'response' },
  { type: 'response.output_item.added', by: 'item' },
  { type: 'response.content_part.added', by: 'part' },
  { type: 'response.output_audio.done', by: 'part' },
  { type: 'response.output_audio_transcript.done', by: 'part' },
  { type: 'response.output_text.done', by: 'part' },
  { type: 'response.function_call_arguments.done', by: 'item' },
  { type: 'response.content_part.done', by: 'part' },
  { type: 'response.output_item.done', by: 'item' },
  { type: 'response.done', by: 'response' },
];

/** Judges the order of the events of one connection, one after the other. Knows the tables above and nothing of Parley. */
export class EventOrder {
  private readonly seen = new Set<string>();
  private readonly ids = new Set<unknown>();
  /** Of the default conversation: it has one at a time. */
  private running: string | undefined;
  /** Responses and items that are none of the conversation. */
  private readonly outOfBand = new Set<string>();
  private readonly responses = new Set<string>();
  /** What was opened and not closed, and the response in which; none for an item of the client. */
  private readonly open = new Map<string, string | undefined>();

  /** What is wrong with this event coming now. */
  faults(event: RealtimeEvent): string[] {
    this.noteOutOfBand(event);
    const names = namesOf(event);
    const faults = [
      ...this.idFaults(event),
      ...ONCE.filter(({ type, by }) => type === event.type && this.has(type, by, event)).map(() => 'comes twice'),
      ...ordersOf(event.type).flatMap((order) => this.orderFaults(order, event, names)),
      ...this.responseFaults(event),
      ...this.closingFaults(event),
    ];
    for (const name of names) this.note(name, event);
    return faults.map((fault) => `${describe(event)} ${fault}`);
  }

  /** Responses that began and have not ended. */
  unfinished(): string[] {
    return [...this.responses].filter((id) => !this.seen.has(`response ${id} response.done`));
  }

  /**
   * What is wrong when the connection ends here. A client may leave in mid-answer, and nothing on the wire says whether its server had
   * forgotten the rest or not come to it. But the end of what was said is told in one breath, from the end of its part to
   * `response.done`, and so is an item of the client: whoever has the one is to have the other. (A response without an end behind
   * which the conversation's next one begins is refused there.)
   */
  faultsAtEnd(): string[] {
    const cut = this.unfinished().filter((id) => this.seen.has(`response ${id} response.content_part.done`));
    const halves = [...this.open].flatMap(([name, responseId]) => (responseId === undefined ? [name] : []));
    return [...cut.map((id) => `${id} never ended`), ...halves.map((name) => `the end leaves open ${name}`)];
  }

  private idFaults(event: RealtimeEvent): string[] {
    const id = event['event_id'];
    if (id === undefined) return [];
    const faults = this.ids.has(id) ? [`has the event id ${String(id)} of another one`] : [];
    this.ids.add(id);
    return faults;
  }

  private orderFaults({ before, after, by, kind }: Order, event: RealtimeEvent, names: readonly string[]): string[] {
    const faults: string[] = [];
    const isAfter = names.some((name) => matches(after, name)) && event.type !== before;
    const isLater = isAfter || (before === after && event.type === after);
    if (kind !== 'order' && isLater && !this.isExcused(before, event) && this.lacks(before, by, event)) {
      faults.push(`comes without ${before}`);
    }
    const isBefore = names.some((name) => matches(before, name)) && event.type !== after;
    if (kind !== 'cause' && isBefore && this.has(after, by, event)) faults.push(`comes behind ${after}`);
    return faults;
  }

  /** Nothing of a response out of band is told as an item of the conversation. */
  private isExcused(before: string, event: RealtimeEvent): boolean {
    return before.startsWith('conversation.item.') && this.isOutOfBand(event);
  }

  private responseFaults(event: RealtimeEvent): string[] {
    if (event.type.startsWith('conversation.item.') && this.isOutOfBand(event)) return ['is none of the conversation'];
    if (this.isOutOfBand(event)) return [];
    const { running } = this;
    const responseId = responseIdOf(event);
    if (event.type === 'response.done' && responseId === running) this.running = undefined;
    if (event.type !== 'response.created') return [];
    this.running = responseId;
    return running === undefined ? [] : [`begins while ${running} runs`];
  }

  private closingFaults(event: RealtimeEvent): string[] {
    const responseId = responseIdOf(event);
    if (responseId !== undefined) this.responses.add(responseId);
    return CLOSINGS.flatMap(({ opened, closed, by, before, unless }) => {
      const isLeft = ([name, within]: [string, string | undefined]): boolean =>
        name.startsWith(`${opened} `) && (within === undefined || within === responseId);
      const left = before.includes(event.type) ? [...this.open].filter(isLeft).map(([name]) => name) : [];
      for (const name of left) this.open.delete(name);
      const name = `${opened} ${keyOf(by, event)}`;
      const isTold = unless !== undefined && this.has(unless, by, event);
      if (event.type === opened && !isTold) this.open.set(name, responseId);
      if (event.type === closed) this.open.delete(name);
      return left.map((each) => `leaves open ${each}`);
    });
  }

  private noteOutOfBand(event: RealtimeEvent): void {
    const [responseId, itemId] = [responseIdOf(event), itemIdOf(event)];
    const isOfNone = fieldsOf(event['response'])['conversation_id'] === null;
    if (responseId !== undefined && isOfNone) this.outOfBand.add(responseId);
    if (responseId !== undefined && itemId !== undefined && this.outOfBand.has(responseId)) this.outOfBand.add(itemId);
  }

  private isOutOfBand(event: RealtimeEvent): boolean {
    return [responseIdOf(event), itemIdOf(event)].some((id) => id !== undefined && this.outOfBand.has(id));
  }

  private note(name: string, event: RealtimeEvent): void {
    for (const by of ['connection', 'response', 'item', 'part'] as const) {
      const key = keyOf(by, event);
      if (key !== undefined) this.seen.add(`${by} ${key} ${name}`);
    }
  }

  private has(name: string, by: Common, event: RealtimeEvent): boolean {
    const key = keyOf(by, event);
    return key !== undefined && this.seen.has(`${by === 'previous' ? 'item' : by} ${key} ${name}`);
  }

  /** An event that names nothing in common lacks nothing. */
  private lacks(name: string, by: Common, event: RealtimeEvent): boolean {
    return keyOf(by, event) !== undefined && !this.has(name, by, event);
  }
}

function keyOf(by: Common, event: RealtimeEvent): string | undefined {
  switch (by) {
    case 'connection':
      return 'whole';
    case 'response':
      return responseIdOf(event);
    case 'item':
      return itemIdOf(event);
    case 'part':
      return itemIdOf(event) && `${itemIdOf(event)}/${String(event['content_index'])}`;
    case 'previous': {
      const previous = event['previous_item_id'];
      return typeof previous === 'string' ? previous : undefined;
    }
  }
}

const ordersByType = new Map<string, readonly Order[]>();

/** The rows that an event of this type stands in: there are many events, and few rows for each. */
function ordersOf(type: string): readonly Order[] {
  const known = ordersByType.get(type);
  if (known) return known;
  const isIn = (pattern: string): boolean => matches(pattern.replace(/:.*$/, ''), type);
  const orders = ORDERS.filter(({ before, after }) => isIn(before) || isIn(after));
  ordersByType.set(type, orders);
  return orders;
}

function namesOf(event: RealtimeEvent): string[] {
  const narrower = fieldsOf(event['part'])['type'] ?? fieldsOf(event['item'])['type'];
  return typeof narrower === 'string' ? [event.type, `${event.type}:${narrower}`] : [event.type];
}

const matches = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;

const describe = (event: RealtimeEvent): string =>
  [event.type, responseIdOf(event), itemIdOf(event)].filter((word) => word !== undefined).join(' ');
