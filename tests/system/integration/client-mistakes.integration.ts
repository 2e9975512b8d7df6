import { closeCodeOn } from '../support/handshake';
import { errorOf, speakTurn } from '../support/spoken-turn';
import { bearer, ProtocolStage } from './protocol-stage.fixture';

jest.setTimeout(60_000);

describe('the client protocol, from outside', () => {
  let stage: ProtocolStage;

  beforeAll(async () => {
    stage = await ProtocolStage.started();
  });
  afterAll(() => stage?.stop());
  afterEach(() => stage.disconnect());

  describe('what a client gets wrong', () => {
    const item = (content: unknown): Record<string, unknown> => ({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'user', content },
    });
    const text = (value: string): Record<string, unknown> => item([{ type: 'input_text', text: value }]);

    it.each<[string, Record<string, unknown>, string, string]>([
      ['an unknown event', { type: 'response.vanish' }, 'unknown_event', 'type'],
      ['an event without a type', {}, 'missing_required_parameter', 'type'],
      ['an unknown field', { type: 'response.create', volume: 11 }, 'unknown_parameter', 'volume'],
      [
        'an unknown field deep inside',
        { type: 'response.create', response: { audio: { output: { volume: 11 } } } },
        'unknown_parameter',
        'response.audio.output.volume',
      ],
      ['a missing field', item([{ type: 'input_text' }]), 'missing_required_parameter', 'item.content[0].text'],
      [
        'a field of the wrong type',
        { type: 'conversation.item.truncate', item_id: 'item_1', content_index: 0, audio_end_ms: 'soon' },
        'invalid_value',
        'audio_end_ms',
      ],
      ['a text that is too long', text('x'.repeat(32_769)), 'string_above_max_length', 'item.content[0].text'],
      [
        'an id that is too long',
        { type: 'parley.transcript.final', turn_id: 'x'.repeat(65), text: 'Hi' },
        'string_above_max_length',
        'turn_id',
      ],
      [
        'an image',
        item([{ type: 'input_image', image_url: 'data:' }]),
        'unsupported_content_type',
        'item.content[0].type',
      ],
      ['an empty turn', { type: 'parley.transcript.final', text: '  ' }, 'invalid_value', 'text'],
    ])('%s is answered with an error that names it; the next turn works', async (_what, event, code, param) => {
      const client = await stage.connect();
      client.send({ ...event, event_id: 'mine_1' });
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({ type: 'invalid_request_error', code, param, event_id: 'mine_1' });
      expect(error['message']).toEqual(expect.stringMatching(/\w/));
      expect(await speakTurn(client, 'Are we still talking?')).toMatchObject({ status: 'completed', errors: [] });
    });

    it.each(['{"type":', '[]', '"hello"', 'null', ''])(
      '%j is answered with invalid_json; the next turn works',
      async (raw) => {
        const client = await stage.connect();
        client.socket.send(raw);
        const error = errorOf(await client.waitForType('error'));
        expect(error).toMatchObject({ code: 'invalid_json', param: null, event_id: null });
        expect(await speakTurn(client, 'Are we still talking?')).toMatchObject({ status: 'completed' });
      },
    );

    it('a binary message closes the connection with 1003', async () => {
      const client = await stage.connect();
      client.socket.send(Buffer.from('{"type":"parley.ping"}'));
      expect((await client.waitClosed()).code).toBe(1003);
    });

    it('a message above 1 MiB closes the connection with 1009; one of 1 MiB does not', async () => {
      const message = (bytes: number): string => `{"type":"parley.ping"${' '.repeat(bytes - 22)}}`;
      const client = await stage.connect();
      client.socket.send(message(2 ** 20));
      await client.waitForType('parley.pong');
      client.socket.send(message(2 ** 20 + 1));
      expect((await client.waitClosed()).code).toBe(1009);
    });

    it.each([
      ['reserved bits', Buffer.from([0xc1, 0x80, 0, 0, 0, 0])],
      ['a frame without a mask', Buffer.from([0x81, 0x02, 0x7b, 0x7d])],
      ['a reserved opcode', Buffer.from([0x83, 0x80, 0, 0, 0, 0])],
      ['a fragmented ping', Buffer.from([0x09, 0x80, 0, 0, 0, 0])],
    ])('malformed framing (%s) closes the connection with 1002', async (_what, frame) => {
      const { socket } = await stage.shake({ headers: bearer });
      if (!socket) throw new Error('the handshake was refused');
      socket.write(frame);
      expect(await closeCodeOn(socket)).toBe(1002);
    });

    it('text that is no UTF-8 closes the connection with 1007', async () => {
      const { socket } = await stage.shake({ headers: bearer });
      if (!socket) throw new Error('the handshake was refused');
      socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]));
      expect(await closeCodeOn(socket)).toBe(1007);
    });
  });
});
