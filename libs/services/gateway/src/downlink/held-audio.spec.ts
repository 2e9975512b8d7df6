import { announceOf, endOf, interruptedOf, textOf, type TestConnection } from '../gateway-stage.fixture';
import type { Downlink } from './downlink';
import { CLOSING, DownlinkStage, OPENING } from './downlink-stage.fixture';

let stage: DownlinkStage;
let connection: TestConnection;
let downlink: Downlink;

beforeEach(() => {
  stage = new DownlinkStage();
  ({ connection, downlink } = stage);
});

describe('audio before the owner’s word on its segment', () => {
  it('is held, and written right after the segment’s text in its order', () => {
    stage.audio({ ordinal: 2, samples: 10 });
    stage.audio({ ordinal: 2, firstSample: 10, samples: 10, last: true });
    expect(connection.frames).toEqual([]);
    stage.output(announceOf(2));
    expect(connection.types).toEqual(['response.created']);
    stage.output(textOf(2, 'Hello.'));
    expect(connection.types.slice(1)).toEqual([
      ...OPENING,
      'response.output_audio_transcript.delta',
      'response.output_audio.delta',
      'response.output_audio.delta',
    ]);
    stage.output(endOf(2));
    expect(connection.types.slice(7)).toEqual(CLOSING);
  });

  it('of a later segment waits for the text of that segment', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    stage.audio({ samples: 10, last: true });
    stage.audio({ segment: 1, samples: 10 });
    stage.audio({ segment: 2, samples: 10 });
    expect(connection.of('response.output_audio.delta')).toHaveLength(1);
    stage.output(textOf(1, 'You.', 1));
    expect(connection.of('response.output_audio.delta')).toHaveLength(2);
  });

  it('is let go with its response when that is interrupted', () => {
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    stage.audio({ samples: 10, last: true });
    stage.audio({ segment: 1, samples: 10 });
    downlink.fence({ responseId: undefined, live: true, tails: true }, 2);
    stage.output(textOf(1, 'You.', 1), interruptedOf(1));
    expect(connection.of('response.output_audio.delta')).toHaveLength(1);
    expect(stage.dropped('fence')).toBe(1);
  });

  it('of a later response stays held at the announcement of an earlier one, that of an earlier one is let go', () => {
    stage.audio({ ordinal: 1 });
    stage.audio({ ordinal: 3 });
    stage.output(announceOf(2), textOf(2, 'Hello.'));
    expect(connection.of('response.output_audio.delta')).toEqual([]);
    stage.output(announceOf(3), textOf(3, 'Hello.'));
    expect(connection.types.at(-1)).toBe('response.output_audio.delta');
    stage.audio({ ordinal: 1 });
    expect(stage.dropped('fence')).toBe(1);
  });

  it('is bounded: beyond 1 MB it is dropped', () => {
    for (let n = 0; n < 30; n++) stage.audio({ ordinal: 1, firstSample: n * 24_000, samples: 24_000 });
    expect(stage.dropped('fence')).toBe(30 - 22);
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    expect(connection.of('response.output_audio.delta')).toHaveLength(22);
  });

  it('of an older owner is let go when a new one takes over', () => {
    stage.audio({ ordinal: 1 });
    downlink.ownerChanged(({ epoch }) => epoch > 1);
    stage.output(announceOf(1), textOf(1, 'Hello.'));
    expect(connection.of('response.output_audio.delta')).toEqual([]);
    stage.audio({ ordinal: 1, epoch: 2 });
    expect(connection.types.at(-1)).toBe('response.output_audio.delta');
  });
});
