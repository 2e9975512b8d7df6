import { TestConnection } from '../gateway-stage.fixture';
import { OrderedWriter, type AudioFrame, type Frame } from './ordered-writer';

const LIMIT_BYTES = 64 * 1024;

let connection: TestConnection;
let overflows: number;
let writer: OrderedWriter;
beforeEach(() => {
  connection = new TestConnection();
  overflows = 0;
  writer = new OrderedWriter(connection, () => {
    overflows++;
  });
});

const text = (type: string): Frame => ({ kind: 'text', text: JSON.stringify({ type }) });
const audio = (ordinal: number, bytes = 100): AudioFrame => ({
  kind: 'audio',
  ordinal,
  bytes,
  send: (to) => to.sendText(JSON.stringify({ type: `audio ${ordinal}` })),
});

describe('frames to one client', () => {
  it('go out at once while less than 64 kB lies in the socket', () => {
    connection.bufferedBytes = LIMIT_BYTES - 1;
    writer.write(text('a'));
    expect(connection.types).toEqual(['a']);
  });

  it('wait from 64 kB on, and keep their order when there is room again', () => {
    connection.bufferedBytes = LIMIT_BYTES;
    writer.write(text('a'));
    writer.write(audio(1));
    expect(connection.types).toEqual([]);
    connection.bufferedBytes = 0;
    // Nothing overtakes what waits, though the socket would take it.
    writer.write(text('b'));
    expect(connection.types).toEqual([]);
    writer.flush();
    expect(connection.types).toEqual(['a', 'audio 1', 'b']);
    writer.write(text('c'));
    expect(connection.types).toEqual(['a', 'audio 1', 'b', 'c']);
  });

  it('go out only as far as there is room', () => {
    connection.bufferedBytes = LIMIT_BYTES;
    for (const name of ['a', 'b', 'c']) writer.write(text(name));
    connection.bufferedBytes = LIMIT_BYTES - 1;
    const send = connection.sendText.bind(connection);
    connection.sendText = (frame) => {
      send(frame);
      connection.bufferedBytes += frame.length;
    };
    writer.flush();
    expect(connection.types).toEqual(['a']);
  });

  it('that a frame writes while it goes out come after what waits', () => {
    connection.bufferedBytes = LIMIT_BYTES;
    writer.write({
      ...audio(1),
      send: (to) => {
        to.sendText(JSON.stringify({ type: 'last audio' }));
        writer.write(text('closing'));
      },
    });
    writer.write(text('other'));
    connection.bufferedBytes = 0;
    writer.flush();
    expect(connection.types).toEqual(['last audio', 'other', 'closing']);
  });
});

describe('the fence', () => {
  it('drops what waits of one response’s audio, and neither its text nor another response’s audio', () => {
    connection.bufferedBytes = LIMIT_BYTES;
    for (const frame of [audio(1), text('of 1'), audio(2), audio(1), text('of 2')]) writer.write(frame);
    expect(writer.dropAudio(1)).toBe(2);
    expect(writer.dropAudio(1)).toBe(0);
    connection.bufferedBytes = 0;
    writer.flush();
    expect(connection.types).toEqual(['of 1', 'audio 2', 'of 2']);
  });

  it('makes room: what was dropped does not count towards the bound', () => {
    connection.bufferedBytes = LIMIT_BYTES;
    writer.write(audio(1, 2 * 1024 * 1024));
    writer.dropAudio(1);
    writer.write(audio(2, 2 * 1024 * 1024));
    expect(overflows).toBe(0);
  });
});

describe('a client that is too far behind', () => {
  it('is given up once, above 2 MB, and nothing is kept for it or sent to it any more', () => {
    connection.bufferedBytes = LIMIT_BYTES;
    writer.write(audio(1, 2 * 1024 * 1024));
    expect(overflows).toBe(0);
    writer.write(audio(1, 1));
    writer.write(audio(1, 1));
    writer.write(text('a'));
    expect(overflows).toBe(1);
    connection.bufferedBytes = 0;
    writer.flush();
    writer.write(text('b'));
    expect(connection.types).toEqual([]);
  });

  it('that catches up in between starts from nothing again', () => {
    for (let round = 0; round < 5; round++) {
      connection.bufferedBytes = LIMIT_BYTES;
      writer.write(audio(1, 1024 * 1024));
      connection.bufferedBytes = 0;
      writer.flush();
    }
    expect(overflows).toBe(0);
  });
});
