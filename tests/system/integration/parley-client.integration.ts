import { fieldsOf } from '../support/fields';
import { orderFaults } from '../support/response-order';
import { errorOf, speakTurn } from '../support/spoken-turn';
import { ProtocolStage } from './protocol-stage.fixture';

jest.setTimeout(60_000);

describe('the client protocol, from outside', () => {
  let stage: ProtocolStage;

  beforeAll(async () => {
    stage = await ProtocolStage.started();
  });
  afterAll(() => stage?.stop());
  afterEach(() => stage.disconnect());

  describe('a client of parley.v1', () => {
    it('gets session.created before anything else, even when it speaks first', async () => {
      const client = await stage.connect();
      client.send({ type: 'parley.ping' });
      await client.waitForType('parley.pong');
      await client.waitForType('session.created');
      expect(client.events()[0]?.type).toBe('session.created');
    });

    it('is greeted with its session and the floor, and a ping is answered', async () => {
      const client = await stage.connect();
      await client.waitForType('parley.state');
      client.send({ type: 'parley.ping' });
      await client.waitForType('parley.pong');
      const [created, session, floor, pong] = client.events();
      expect(created).toMatchObject({ type: 'session.created', session: { object: 'realtime.session' } });
      expect(session).toMatchObject({ type: 'parley.session', resumed: false });
      expect(session?.['session_id']).toBe(fieldsOf(created?.['session'])['id']);
      expect(session?.['resume_token']).toMatch(/^sess_\w+\.\w{32}$/);
      expect(session).toMatchObject({ last_client_event_id: null });
      expect(floor).toMatchObject({ type: 'parley.state', state: 'listening' });
      expect(pong?.type).toBe('parley.pong');
    });

    it('[SP6][SP7] a turn while an answer runs is refused and may be sent again later; an accepted one may not', async () => {
      const client = await stage.connect();
      stage.faked.llm.nextChat({ kind: 'stall', afterTokens: 5, text: 'Let me think. Well then.' });
      client.send({ type: 'parley.transcript.final', turn_id: 'one', text: 'The first question.' });
      await client.waitForType('response.output_audio_transcript.delta');
      client.send({
        type: 'parley.transcript.final',
        event_id: 'second',
        turn_id: 'two',
        text: 'The second question.',
      });
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({ code: 'turn_in_progress', event_id: 'second' });
      client.send({ type: 'parley.interrupt' });
      await client.waitForType('parley.response.interrupted');
      client.send({ type: 'parley.transcript.final', turn_id: 'two', text: 'The second question.' });
      const from = client.arrivals.length;
      await client.waitForType('response.done', 5_000, from);
      client.send({ type: 'parley.transcript.final', event_id: 'third', turn_id: 'two', text: 'The second question.' });
      const repeated = await client.waitFor('an error', (event) => errorOf(event)['event_id'] === 'third');
      expect(errorOf(repeated)).toMatchObject({ code: 'turn_duplicate', param: 'turn_id' });
      expect(orderFaults(client.arrivals)).toEqual([]);
      expect(stage.faked.llm.requests.filter(({ text }) => text === 'The second question.')).toHaveLength(1);
    });

    it('an interrupt of nothing is refused', async () => {
      const client = await stage.connect();
      client.send({ type: 'parley.interrupt', event_id: 'calm' });
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({ code: 'nothing_to_interrupt', event_id: 'calm' });
    });

    it('[G4] truncating an answer that is still heard is told as its interruption', async () => {
      const client = await stage.connect();
      stage.faked.voice.nextSpeech({ kind: 'voice', samplesPerCharacter: 1_440 });
      stage.faked.llm.nextChat({ kind: 'answer', text: 'One two three four five six seven.' });
      const turn = await speakTurn(client, 'Count again.');
      const itemId = String(fieldsOf((await client.waitForType('response.output_item.added'))['item'])['id']);
      client.send({ type: 'conversation.item.truncate', item_id: itemId, content_index: 0, audio_end_ms: 800 });
      expect(await client.waitForType('parley.response.interrupted')).toMatchObject({
        response_id: turn.responseId,
        heard_ms: 800,
        heard_text: 'One two three',
      });
      await client.waitForType('conversation.item.truncated');
      await client.waitUntil('listening', () => client.events().at(-1)?.['state'] === 'listening');
      expect(orderFaults(client.arrivals)).toEqual([]);
    });
  });
});
