import { ConnectionJudge } from './connection-judge';
import { loadEventSchemas, type EventSchemas } from './event-schemas';
import type { RealtimeEvent } from './realtime-event';
import { sampleConversation, sampleEvent, spoiled } from './sample-events';

const SENT: readonly RealtimeEvent[] = [
  { type: 'response.create', event_id: 'mine_1', response: { metadata: { topic: 'weather' } } },
  { type: 'response.create', event_id: 'mine_2', response: { metadata: { purpose: 'title' } } },
  { type: 'response.cancel', event_id: 'mine_3' },
];
const STATE = { type: 'parley.state', event_id: 'state', state: 'listening' };

describe('a connection', () => {
  let schemas: EventSchemas;

  beforeAll(async () => {
    schemas = await loadEventSchemas();
  }, 120_000);

  const judge = (protocol: string, events: readonly RealtimeEvent[]): string[] => {
    const connection = new ConnectionJudge(schemas, protocol);
    for (const event of SENT) connection.send(event);
    return events.flatMap((event) => connection.receive(event));
  };

  it('of a Realtime client is judged by declarations, clients and order at once', () => {
    expect(judge('realtime', sampleConversation())).toEqual([]);
    const [created] = sampleConversation();
    const unplaced = spoiled('conversation.item.added', 'previous_item_id', undefined);
    const faults = judge('realtime', [
      ...(created ? [created] : []),
      spoiled('response.done', 'response.usage', 4),
      unplaced,
    ]);
    expect(faults).toEqual([
      expect.stringMatching(/^response\.done: \/response\/usage must be/),
      'response.done breaks the rule usage',
      'response.done resp_1 comes without response.created',
      'conversation.item.added breaks the rule previous-item',
    ]);
  });

  it.each(['', 'realtime'])('without parley.v1 (%j) gets nothing of parley.*', (protocol) => {
    const [created] = sampleConversation();
    expect(judge(protocol, [...(created ? [created] : []), STATE])).toContain('"parley.state" is no server event');
    const placed = { ...sampleEvent('response.output_audio.delta'), segment: 0, first_sample: 0 };
    expect(judge(protocol, [placed])[0]).toMatch(/additional/);
  });

  it('of parley.v1 is judged without what is Parley’s own', () => {
    const events = sampleConversation().flatMap((event) => [
      event.type === 'response.output_audio.delta' ? { ...event, segment: 0, first_sample: 0 } : event,
      STATE,
    ]);
    expect(judge('parley.v1', events)).toEqual([]);
  });

  it('that ends is refused for what it left half told, unless it goes on from another one', () => {
    const events = sampleConversation();
    const half = events.slice(0, events.findIndex(({ type }) => type === 'conversation.item.added') + 1);
    const ended = (told: readonly RealtimeEvent[]): string[] => {
      const connection = new ConnectionJudge(schemas, 'parley.v1');
      for (const event of told) connection.receive(event);
      return connection.end();
    };
    expect(ended(half)).toEqual(['the end leaves open conversation.item.added item_u']);
    expect(ended(events)).toEqual([]);
    const [created, ...rest] = half;
    const resumed = { type: 'parley.session', event_id: 'session', resumed: true };
    expect(ended([...(created ? [created] : []), resumed, ...rest])).toEqual([]);
  });

  it('that resumes a session may begin in the midst of a response, and with errors of events that others sent', () => {
    const [created, ...rest] = sampleConversation();
    const resumed = { type: 'parley.session', event_id: 'session', resumed: true };
    const error = spoiled('error', 'error.event_id', 'sent_before');
    const events = [...(created ? [created] : []), resumed, ...rest.slice(10), error];
    expect(judge('parley.v1', events)).toEqual([]);
    expect(
      judge(
        'parley.v1',
        events.filter((event) => event !== resumed),
      ),
    ).not.toEqual([]);
  });
});
