import { CLOSINGS, EventOrder, ONCE, ORDERS, type Order } from './event-order';
import { fieldsOf } from '../support/fields';
import { itemIdOf, responseIdOf, type RealtimeEvent } from './realtime-event';
import { sampleConversation } from './sample-events';

const faultsOf = (events: readonly RealtimeEvent[]): string[] => {
  const order = new EventOrder();
  return events.flatMap((event) => order.faults(event));
};

const typeIn = (pattern: string): string => pattern.replace(/:.*$/, '');
const isOf =
  (pattern: string) =>
  ({ type }: RealtimeEvent): boolean =>
    pattern.endsWith('*')
      ? type.startsWith(pattern.slice(0, -1)) && type !== 'session.created'
      : type === typeIn(pattern);
const ids = (event: RealtimeEvent): unknown[] => [itemIdOf(event), responseIdOf(event), event['previous_item_id']];
/** With an id of its own. */
const again = (event: RealtimeEvent): RealtimeEvent => ({ ...event, event_id: 'again' });

/** Two events of the sample between which the order stands; response.* is one of its deltas. */
function pairOf({ before, after }: Order, events: readonly RealtimeEvent[]): [RealtimeEvent, RealtimeEvent] {
  const narrow = /:(.+)$/.exec(after)?.[1];
  for (const second of events.filter(isOf(after))) {
    const kind = fieldsOf(second['part'])['type'] ?? fieldsOf(second['item'])['type'];
    if (narrow !== undefined && narrow !== kind) continue;
    const first = events
      .slice(0, events.indexOf(second))
      .find((event) => isOf(before)(event) && isLinked(event, second, before));
    if (first) return [first, second];
  }
  throw new Error(`the sample has no ${before} before ${after}`);
}

const isLinked = (first: RealtimeEvent, second: RealtimeEvent, before: string): boolean =>
  ['session.created', 'response.done'].includes(before) ||
  ids(first)
    .slice(0, 2)
    .some((id) => id !== undefined && ids(second).includes(id));

describe('the order of events', () => {
  const sample = sampleConversation();

  it('accepts a conversation as the real server tells it', () => {
    expect(faultsOf(sample)).toEqual([]);
  });

  const needed = ORDERS.filter(({ kind }) => kind !== 'order').map(({ before, after }) => [after, before]);
  it.each(needed)('refuses %s without %s', (after, before) => {
    const [first] = sample.filter(({ type }) => type === before);
    const without = sample.filter((event) => (before === after ? event !== first : event.type !== before));
    expect(faultsOf(without).filter((fault) => fault.endsWith(`comes without ${before}`))).toContainEqual(
      expect.stringMatching(after.endsWith('*') ? /./ : new RegExp(`^${typeIn(after)} `)),
    );
  });

  const fixed = ORDERS.filter(({ kind }) => kind !== 'cause').map(
    (order) => [order.before, order.after, order] as const,
  );
  it.each(fixed)('refuses %s behind %s', (_before, after, order) => {
    const [first, second] = pairOf(order, sample);
    const late = sample.flatMap((event) => (event === first ? [] : event === second ? [event, first] : [event]));
    expect(faultsOf(late)).toContainEqual(
      expect.stringMatching(new RegExp(`^${first.type} .*comes behind ${typeIn(after)}`)),
    );
  });

  it.each(CLOSINGS.map(({ opened, closed }) => [opened, closed]))('refuses %s that no %s closes', (opened, closed) => {
    const open = sample.filter((event) => event.type !== closed);
    expect(faultsOf(open)).toContainEqual(expect.stringContaining(`leaves open ${opened}`));
  });

  it('refuses an item of the client that is added and not done when the next is told, or a response begins', () => {
    const isDone = (id: string) => (event: RealtimeEvent) =>
      event.type === 'conversation.item.done' && itemIdOf(event) === id;
    const without = (id: string): RealtimeEvent[] => sample.filter((event) => !isDone(id)(event));
    expect(faultsOf(without('item_u'))).toEqual(['response.created resp_1 leaves open conversation.item.added item_u']);
    // A result, in the midst of the response that asked for it.
    expect(faultsOf(without('item_o'))).toEqual(['response.created resp_3 leaves open conversation.item.added item_o']);
    const next = sample.filter(
      (event) => !isDone('item_o')(event) && !['resp_3', 'resp_4'].includes(String(responseIdOf(event))),
    );
    expect(faultsOf(next)).toContain('conversation.item.added item_b leaves open conversation.item.added item_o');
  });

  it.each(ONCE.map(({ type }) => [type]))('refuses a second %s', (type) => {
    const twice = sample.flatMap((event) => (event.type === type ? [event, again(event)] : [event]));
    expect(faultsOf(twice)).toContainEqual(expect.stringMatching(/comes twice$/));
  });

  it('refuses an event id that another event had', () => {
    const [created] = sample;
    const same = sample.map((event) =>
      event.type === 'response.done' ? { ...event, event_id: created?.['event_id'] } : event,
    );
    expect(faultsOf(same)).toContainEqual('response.done resp_1 has the event id event_0 of another one');
  });

  it('refuses a second response of the conversation before the first has ended', () => {
    const second = sample.find((event) => event.type === 'response.created' && responseIdOf(event) === 'resp_2');
    const inside = sample.flatMap((event) =>
      event === second ? [] : event.type === 'response.content_part.added' && second ? [event, again(second)] : [event],
    );
    expect(faultsOf(inside)).toContain('response.created resp_2 begins while resp_1 runs');
  });

  it('refuses an item of a response out of band as one of the conversation', () => {
    const added = sample.find(
      (event) => event.type === 'response.output_item.added' && responseIdOf(event) === 'resp_3',
    );
    const told = { type: 'conversation.item.added', event_id: 'told', previous_item_id: null, item: added?.['item'] };
    const events = sample.flatMap((event) => (event === added ? [event, told] : [event]));
    expect(faultsOf(events)).toEqual(['conversation.item.added item_t is none of the conversation']);
  });

  it('accepts a response out of band inside another one', () => {
    const isBeside = (event: RealtimeEvent): boolean => responseIdOf(event) === 'resp_3';
    const beside = sample.filter(isBeside);
    const events = sample
      .filter((event) => !isBeside(event))
      .flatMap((event) => (event.type === 'response.output_audio.done' ? [...beside.splice(0), event] : [event]));
    expect(faultsOf(events)).toEqual([]);
  });

  it('accepts the transcript of what was said anywhere behind its cause', () => {
    const isTranscript = (event: RealtimeEvent): boolean =>
      event.type.includes('input_audio_transcription') && itemIdOf(event) === 'item_u';
    const transcripts = sample.filter(isTranscript);
    const rest = sample.filter((event) => !isTranscript(event));
    const cause = rest.findIndex(({ type }) => type === 'input_audio_buffer.committed');
    for (let at = cause + 1; at <= rest.length; at++) {
      expect(faultsOf([...rest.slice(0, at), ...transcripts, ...rest.slice(at)])).toEqual([]);
    }
  });

  it('of a connection that ended, refuses an item that was told by half, and a response of which only the end is missing', () => {
    const endedBehind = (isLast: (event: RealtimeEvent) => boolean): string[] => {
      const order = new EventOrder();
      for (const event of sample.slice(0, sample.findIndex(isLast) + 1)) order.faults(event);
      return order.faultsAtEnd();
    };
    const isOf = (type: string, id: string) => (event: RealtimeEvent) =>
      event.type === type && [itemIdOf(event), responseIdOf(event)].includes(id);
    expect(endedBehind(isOf('conversation.item.added', 'item_u'))).toEqual([
      'the end leaves open conversation.item.added item_u',
    ]);
    expect(endedBehind(isOf('response.output_item.done', 'resp_1'))).toEqual(['resp_1 never ended']);
    // Nobody knows what was still to come.
    expect(endedBehind(isOf('response.created', 'resp_1'))).toEqual([]);
    expect(endedBehind(isOf('response.output_audio.delta', 'resp_1'))).toEqual([]);
    expect(endedBehind(isOf('response.output_item.done', 'resp_2'))).toEqual([]);
    expect(endedBehind(isOf('response.done', 'resp_1'))).toEqual([]);
  });

  it('names the responses that have not ended', () => {
    const order = new EventOrder();
    for (const event of sample.filter(({ type }) => type !== 'response.done')) order.faults(event);
    expect(order.unfinished()).toEqual(['resp_1', 'resp_2', 'resp_3', 'resp_4', 'resp_5']);
  });
});
