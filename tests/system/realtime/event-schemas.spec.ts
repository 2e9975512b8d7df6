import { declaredSchemas } from './declared-schema';
import { deviate, DEVIATIONS } from './deviations';
import { EventSchemas } from './event-schemas';
import type { RealtimeEvent } from './realtime-event';
import { sampleConversation, sampleEvent, spoiled } from './sample-events';

/** The compiler reads the package. */
jest.setTimeout(60_000);

const TEXT_PART = { type: 'output_audio', transcript: '' };
const TWO_FORMATS = { type: 'audio/pcmu', rate: 8_000 };

/** What it must be refused for, and the event. */
const SPOILED: readonly (readonly [what: string, event: RealtimeEvent | Record<string, unknown>])[] = [
  ['no type', { event_id: 'x' }],
  ['a type that nobody knows', { type: 'ping', event_id: 'x' }],
  ['a name of the older dialect', { ...sampleEvent('response.output_audio.delta'), type: 'response.audio.delta' }],
  ["one of Parley's own", { type: 'parley.state', event_id: 'x', state: 'listening' }],
  ['no event_id', spoiled('response.output_audio.delta', 'event_id', undefined)],
  ['an event_id that is null', spoiled('error', 'event_id', null)],
  ['no output_index', spoiled('response.output_audio.delta', 'output_index', undefined)],
  ['no response_id', spoiled('response.output_item.added', 'response_id', undefined)],
  ['a field that nobody knows', spoiled('response.output_audio.delta', 'segment', 0)],
  ['an unknown field deep inside', spoiled('response.done', 'response.usage.input_token_details.video_tokens', 0)],
  ['an unknown field of the session', spoiled('session.created', 'session.temperature', 0.8)],
  ["a session field of the older dialect's name", spoiled('session.updated', 'session.modalities', ['audio', 'text'])],
  ["a part with an item's type", spoiled('response.content_part.added', 'part', TEXT_PART)],
  ['details of the status as a string', spoiled('response.done', 'response.status_details', 'completed')],
  ['a status that there is not', spoiled('response.done', 'response.status', 'done')],
  ['a place that is a string', spoiled('response.output_item.done', 'output_index', '0')],
  ['G.711 with a rate', spoiled('session.created', 'session.audio.output.format', TWO_FORMATS)],
  ['PCM of another rate', spoiled('response.created', 'response.audio.output.format.rate', 16_000)],
  ['a limit of another name', spoiled('rate_limits.updated', 'rate_limits', [{ name: 'sessions', limit: 1 }])],
  ['an error without a message', spoiled('error', 'error.message', undefined)],
  ['a call without its name', spoiled('response.function_call_arguments.done', 'name', undefined)],
  ['an item of a role that there is not', spoiled('conversation.item.added', 'item.role', 'tool')],
  ['a transcript that is a number', spoiled('response.output_audio_transcript.done', 'transcript', 4)],
  ['metadata that are no strings', spoiled('response.created', 'response.metadata', { topic: 1 })],
];

describe('the declarations of openai as schemas', () => {
  const declared = declaredSchemas();
  const schemas = new EventSchemas(declared);

  it('know every server event of the API', () => {
    // openai-realtime.md §3: 46 members.
    expect(schemas.types).toHaveLength(46);
    expect(schemas.types).toEqual(expect.arrayContaining(['session.created', 'response.done', 'error']));
  });

  it('accept a conversation as the real server tells it', () => {
    expect(sampleConversation().flatMap((event) => schemas.faults(event))).toEqual([]);
  });

  it.each(SPOILED)('refuse %s', (_what, event) => {
    expect(schemas.faults(event)).toHaveLength(1);
  });

  it.each(DEVIATIONS.map((deviation) => [`${deviation.definition}.${deviation.field}`, deviation] as const))(
    'would refuse that conversation but for the deviation %s',
    (_name, deviation) => {
      const stricter = new EventSchemas(
        declared,
        DEVIATIONS.filter((each) => each !== deviation),
      );
      expect(sampleConversation().flatMap((event) => stricter.faults(event))).not.toEqual([]);
    },
  );

  it.each([
    ['that the declarations know', { definition: 'RealtimeResponse', field: 'metadata' }, 'is declared by now'],
    ['of a type that there is not', { definition: 'Nobody', field: 'usage' }, 'there is no Nobody'],
  ])('refuse a deviation %s', (_what, where, message) => {
    expect(() => deviate(declared.definitions, { ...where, may: { type: 'null' }, section: '§3' })).toThrow(message);
  });
});
