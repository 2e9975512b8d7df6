import { announceOf, endOf, interruptedOf, textOf, type TestConnection } from '../gateway-stage.fixture';
import type { Downlink, DownlinkOptions } from './downlink';
import { CLOSING, DownlinkStage, OPENING, visemesOf } from './downlink-stage.fixture';
import { Resumption } from './resumption';

let stage: DownlinkStage;
let connection: TestConnection;
let downlink: Downlink;

function connect(options?: Partial<DownlinkOptions>): void {
  stage = new DownlinkStage(options);
  ({ connection, downlink } = stage);
}
beforeEach(() => connect());

describe('one response', () => {
  it('is written in the order of the Realtime API, and closed after its last sample', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    stage.audio({ samples: 100 });
    stage.output(endOf(1));
    expect(stage.statuses).toEqual([]);
    stage.audio({ firstSample: 100, samples: 50, last: true });
    expect(connection.types).toEqual([
      'response.created',
      ...OPENING,
      'response.output_audio_transcript.delta',
      'response.output_audio.delta',
      'response.output_audio.delta',
      ...CLOSING,
    ]);
    expect(downlink.lastClosedOrdinal).toBe(1);
  });

  it('is closed at its end when that comes after the last sample', () => {
    stage.spoken();
    stage.output(endOf(1));
    expect(stage.statuses).toEqual(['completed']);
  });

  it('gives every event a number of its own: letters behind the owner’s, and the connection’s own', () => {
    stage.spoken();
    stage.output(endOf(1));
    const ids = connection.events.map((event) => event.event_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.slice(0, 6)).toEqual([
      'event_1_1',
      'event_1_2',
      'event_1_2_1',
      'event_1_2_2',
      'event_1_2_3',
      'event_1_2_a1n1',
    ]);
  });

  it('ends with an empty last chunk that writes nothing to a JSON client', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    stage.audio({ samples: 100 });
    stage.output(endOf(1));
    stage.audio({ firstSample: 100, samples: 0, last: true });
    expect(connection.of('response.output_audio.delta')).toHaveLength(1);
    expect(stage.statuses).toEqual(['completed']);
  });

  it('is forgotten when it was closed and played, and not before', async () => {
    stage.spoken(2400);
    downlink.prune();
    stage.output(endOf(1));
    await stage.system.advanceBy(99);
    downlink.prune();
    expect(downlink.isActive).toBe(true);
    await stage.system.advanceBy(1);
    expect(downlink.deliveries()).toMatchObject([{ ordinal: 1, playedSamples: 2400, closed: true }]);
    downlink.prune();
    expect(downlink.isActive).toBe(false);
    expect(downlink.deliveries()).toEqual([]);
  });
});

describe('an end ordered by the owner', () => {
  it('that failed closes at once and drops what was not written; what was written plays on', () => {
    const error = { type: 'server_error', code: 'tts_unavailable', message: 'Gone.', param: null } as const;
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    stage.audio({ samples: 100 });
    connection.bufferedBytes = 64 * 1024;
    stage.audio({ firstSample: 100, samples: 100 });
    stage.output(endOf(1, { status: 'failed', spokenSegments: 0, error }));
    connection.bufferedBytes = 0;
    downlink.onWritable();
    expect(connection.of('response.output_audio.delta')).toHaveLength(1);
    expect(stage.statuses).toEqual(['failed']);
    expect(downlink.deliveries()).toMatchObject([{ closed: true, segments: [{ samples: 100, last: false }] }]);
    expect(downlink.isActive).toBe(true);
  });

  it('without a voice closes without waiting for audio', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'), endOf(1, { segments: 3, spokenSegments: 0 }));
    expect(stage.statuses).toEqual(['completed']);
  });

  it('by force closes with the announced end, or as incomplete when there is none', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'), endOf(1), { kind: 'close', lane: 0, ordinal: 1 });
    stage.output(announceOf(2), { kind: 'close', lane: 0, ordinal: 2 });
    expect(stage.statuses).toEqual(['completed', 'incomplete']);
  });

  it('by force closes one that was fenced: a fence must not swallow an end', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'), endOf(1));
    downlink.fence({ responseId: undefined, live: true, tails: true }, 2);
    stage.output({ kind: 'close', lane: 0, ordinal: 1 });
    expect(stage.statuses).toEqual(['completed']);
  });

  it('closes once, however often and by whatever it is told', () => {
    stage.spoken();
    stage.output(endOf(1), { kind: 'close', lane: 0, ordinal: 1 }, endOf(1), endOf(1, { status: 'failed' }));
    expect(stage.statuses).toEqual(['completed']);
  });
});

describe('a client without parley.v1', () => {
  beforeEach(() => connect({ parley: false }));

  it('never gets an event of Parley’s own, and everything else', () => {
    stage.output(
      { kind: 'event', event: { type: 'parley.state', state: 'thinking' } },
      { kind: 'event', event: { type: 'session.created', session: {} } },
    );
    stage.spoken();
    downlink.visemes(visemesOf(1));
    downlink.pong();
    stage.output(interruptedOf(1));
    expect(connection.types.filter((type) => type.startsWith('parley.'))).toEqual([]);
    expect(connection.types[0]).toBe('session.created');
    expect(stage.statuses).toEqual(['cancelled']);
  });
});

describe('errors', () => {
  it('echo the event that caused them, or say that there is none', () => {
    const error = {
      type: 'invalid_request_error',
      code: 'turn_duplicate',
      message: 'Again.',
      param: 'turn_id',
    } as const;
    stage.output({ kind: 'error', error, clientEventId: 'mine' }, { kind: 'error', error });
    expect(connection.events).toEqual([
      { type: 'error', event_id: 'event_1_1', error: { ...error, event_id: 'mine' } },
      { type: 'error', event_id: 'event_1_2', error: { ...error, event_id: null } },
    ]);
  });

  it('leave the disconnecting to the session', () => {
    stage.output({ kind: 'disconnect', closeCode: 1000, reason: 'session idle' });
    expect(stage.told).toEqual(['disconnect 1000 session idle']);
  });

  it('of a client that reads too slowly are told once', () => {
    connection.bufferedBytes = 64 * 1024;
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    for (let n = 0; n < 60; n++) stage.audio({ firstSample: n * 24_000, samples: 24_000 });
    expect(stage.told).toEqual(['overflow']);
  });
});

describe('visemes', () => {
  it('come with the end of the segment before theirs', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    downlink.visemes(visemesOf(1, 1));
    expect(connection.of('parley.visemes')).toEqual([]);
    stage.audio({ samples: 2400, last: true });
    expect(connection.of('parley.visemes')).toMatchObject([
      { response_id: 'resp_1', item_id: 'item_1', visemes: [{ viseme: 'aa', start_ms: 101, duration_ms: 2 }] },
    ]);
  });

  it('of a response nobody announced are nobody’s', () => {
    downlink.visemes(visemesOf(7));
    expect(connection.frames).toEqual([]);
  });
});

describe('a connection that continues another one', () => {
  it('[G5] is told who had the floor after it was greeted, and not before: that was another time', () => {
    const opening = { greeting: [], afterOutSeq: 0, throughOutSeq: 3, responses: [] };
    stage = new DownlinkStage({}, new Resumption({ lastEventId: 'event_1_1', received: [] }, opening));
    const states = ['thinking', 'speaking', 'listening', 'thinking'];
    for (const state of states) stage.output({ kind: 'event', event: { type: 'parley.state', state } });
    stage.output({ kind: 'event', event: { type: 'parley.policy.updated' } });
    expect(stage.connection.events.map(({ event_id: id, type, state }) => [id, type, state])).toEqual([
      ['event_1_4', 'parley.state', 'thinking'],
      ['event_1_5', 'parley.policy.updated', undefined],
    ]);
  });

  it.each([
    ['of which it has a part', 'event_1_4_5', 1],
    ['no more, when it has the last of it', 'event_1_4_a1n9', 0],
  ])('[G1] is told of an interruption %s', (_, lastEventId, times) => {
    const opening = { greeting: [], afterOutSeq: 3, throughOutSeq: 4, responses: [] };
    stage = new DownlinkStage({}, new Resumption({ lastEventId, received: [] }, opening));
    stage.downlink.output(interruptedOf(1), { epoch: 1, outSeq: 4 });
    expect(stage.connection.events).toHaveLength(times);
  });
});
