import { announceOf, endOf, interruptedOf, textOf, type TestConnection } from '../gateway-stage.fixture';
import type { Downlink } from './downlink';
import { CLOSING, DownlinkStage, OPENING, visemesOf } from './downlink-stage.fixture';

let stage: DownlinkStage;
let connection: TestConnection;
let downlink: Downlink;

beforeEach(() => {
  stage = new DownlinkStage();
  ({ connection, downlink } = stage);
});

describe('the fence of an explicit interrupt', () => {
  const everything = { responseId: undefined, live: true, tails: true };

  it('drops what waits for the socket and what is still under way, text and visemes too', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    connection.bufferedBytes = 64 * 1024;
    stage.audio({ samples: 100 });
    downlink.fence(everything, 2);
    connection.bufferedBytes = 0;
    downlink.onWritable();
    stage.audio({ firstSample: 100, samples: 100 });
    stage.output(textOf(1, 'More.'));
    downlink.visemes(visemesOf(1));
    expect(connection.types).toEqual(['response.created', ...OPENING, 'response.output_audio_transcript.delta']);
    expect([stage.dropped('fence'), stage.dropped('stale')]).toEqual([1, 1]);
  });

  it('holds for a response that an earlier input began, though it is announced only afterwards', () => {
    stage.audio({ ordinal: 1 });
    downlink.fence(everything, 2);
    stage.output(announceOf(1, { cause: { attachment: 1, seq: 1 } }), textOf(1, 'Hello.'));
    stage.audio({ ordinal: 1 });
    expect(connection.types).toEqual(['response.created', ...OPENING]);
  });

  it('lets the item be told that an unheard text leaves in the conversation, once and without a word', () => {
    stage.output(announceOf(1));
    downlink.fence(everything, 2);
    stage.output(textOf(1, 'Hello.'), textOf(1, 'More.'), interruptedOf(1));
    expect(connection.types).toEqual(['response.created', ...OPENING, ...CLOSING, 'parley.response.interrupted']);
    expect(connection.events.find(({ type }) => type === 'response.output_audio_transcript.done')).toMatchObject({
      transcript: '',
    });
  });

  it.each([
    ['the interrupt’s own number', { attachment: 1, seq: 2 }],
    ['a later input', { attachment: 1, seq: 3 }],
    ['an input of another connection', { attachment: 2, seq: 1 }],
  ])('does not hold for a response begun by %s', (_by, cause) => {
    downlink.fence(everything, 2);
    stage.output(announceOf(1, { cause }), textOf(1, 'Hello.'));
    stage.audio({ ordinal: 1 });
    expect(connection.types.at(-1)).toBe('response.output_audio.delta');
  });

  it('of one response holds for no other, announced or not', () => {
    stage.output(announceOf(1), textOf(1, 'One.'), announceOf(2), textOf(2, 'Two.'));
    downlink.fence({ responseId: 'resp_2', live: true, tails: true }, 9);
    stage.audio({ ordinal: 1 });
    stage.audio({ ordinal: 2 });
    stage.output(announceOf(3), textOf(3, 'Three.'));
    stage.audio({ ordinal: 3 });
    expect(connection.of('response.output_audio.delta').map((event) => event['response_id'])).toEqual([
      'resp_1',
      'resp_3',
    ]);
  });

  it('spares the tail of a closed response when only the live one is cancelled', () => {
    stage.spoken();
    stage.output(endOf(1), announceOf(2), textOf(2, 'Hello.'));
    downlink.fence({ responseId: undefined, live: true, tails: false }, 9);
    downlink.visemes(visemesOf(1));
    downlink.visemes(visemesOf(2));
    expect(connection.of('parley.visemes').map((event) => event['response_id'])).toEqual(['resp_1']);
  });

  it('holds back a function call too', () => {
    stage.output(announceOf(1));
    downlink.fence(everything, 2);
    stage.output({
      ...{ kind: 'call', lane: 0, ordinal: 1, itemId: 'fn_1' },
      call: { callId: 'call_1', name: 'f', arguments: '{}' },
    });
    expect(connection.of('response.function_call_arguments.done')).toEqual([]);
  });

  it('never holds the closing events: they say cancelled, and then that it was interrupted', () => {
    stage.spoken();
    downlink.fence(everything, 2);
    stage.output(endOf(1));
    expect(stage.statuses).toEqual([]);
    stage.output(interruptedOf(1));
    expect(connection.types.slice(-7)).toEqual([...CLOSING, 'parley.response.interrupted']);
    expect(stage.statuses).toEqual(['cancelled']);
    expect(connection.of('parley.response.interrupted')).toEqual([
      {
        type: 'parley.response.interrupted',
        event_id: 'event_1_4_a1n2',
        response_id: 'resp_1',
        turn_id: 'turn_1',
        heard_ms: 100,
        heard_text: 'Heard',
      },
    ]);
  });
});

describe('interrupted', () => {
  it('after response.done is one event more and no second end', () => {
    stage.spoken();
    stage.output(endOf(1), interruptedOf(1));
    expect(stage.statuses).toEqual(['completed']);
    expect(connection.types.at(-1)).toBe('parley.response.interrupted');
    expect(downlink.isActive).toBe(false);
  });

  it('is the last of its response, whatever comes after it', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'), interruptedOf(1));
    const count = connection.frames.length;
    stage.audio({ samples: 100 });
    stage.output(textOf(1, 'More.'), endOf(1), { kind: 'close', lane: 0, ordinal: 1 });
    downlink.visemes(visemesOf(1));
    expect(connection.frames).toHaveLength(count);
    expect(stage.dropped('fence')).toBe(1);
  });

  it('fences by itself, where the owner decided alone: what waits for the socket is dropped', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    connection.bufferedBytes = 64 * 1024;
    stage.audio({ samples: 100 });
    stage.output(interruptedOf(1));
    connection.bufferedBytes = 0;
    downlink.onWritable();
    expect(connection.types.slice(-7)).toEqual([...CLOSING, 'parley.response.interrupted']);
    expect(connection.of('response.output_audio.delta')).toEqual([]);
  });

  it('of a response this connection never saw is told without closing events', () => {
    stage.output(interruptedOf(4));
    expect(connection.types).toEqual(['parley.response.interrupted']);
    expect(downlink.lastClosedOrdinal).toBe(4);
  });
});
