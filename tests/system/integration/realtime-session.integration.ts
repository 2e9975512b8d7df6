import { INSTRUCTIONS } from '../support/faked-cluster';
import { fieldsOf } from '../support/fields';
import { orderFaults } from '../support/response-order';
import { errorOf } from '../support/spoken-turn';
import type { WireEvent } from '../support/test-client';
import { ProtocolStage, runTurn, userItem } from './protocol-stage.fixture';

jest.setTimeout(60_000);

describe('the client protocol, from outside', () => {
  let stage: ProtocolStage;

  beforeAll(async () => {
    stage = await ProtocolStage.started();
  });
  afterAll(() => stage?.stop());
  afterEach(() => stage.disconnect());

  describe('an unmodified Realtime client', () => {
    it('[G4] truncates an answer that is still heard, and later lowers what was heard, never raises it', async () => {
      const client = await stage.connectRealtime();
      stage.faked.voice.nextSpeech({ kind: 'voice', samplesPerCharacter: 1_440 });
      stage.faked.llm.nextChat({ kind: 'answer', text: 'One two three four five six seven.' });
      const turn = await runTurn(client, 'Count to seven.');
      expect(turn).toMatchObject({ status: 'completed', samples: 34 * 1_440 });
      const itemId = String(fieldsOf((await client.waitForType('response.output_item.added'))['item'])['id']);
      const truncate = async (audioEndMs: number): Promise<void> => {
        const from = client.arrivals.length;
        client.send({
          type: 'conversation.item.truncate',
          item_id: itemId,
          content_index: 0,
          audio_end_ms: audioEndMs,
        });
        await client.waitFor(
          'truncated',
          (event) => event.type === 'conversation.item.truncated' && event['audio_end_ms'] === audioEndMs,
          5_000,
          from,
        );
      };
      const heardBy = async (question: string): Promise<string | undefined> => {
        await runTurn(client, question);
        return (await stage.askedFor(question)).find(({ role }) => role === 'assistant')?.content;
      };
      // 60 ms a character: "One two three" ends at 780 ms.
      await truncate(800);
      expect(await heardBy('How far did you get?')).toBe('One two three [interrupted by the user]');
      await truncate(450);
      expect(await heardBy('And now?')).toBe('One two [interrupted by the user]');
      await truncate(1_500);
      expect(await heardBy('And in the end?')).toBe('One two [interrupted by the user]');
      expect(client.events().filter((event) => event.type === 'error')).toEqual([]);
      // The answer had ended: there is no second terminal event.
      expect(orderFaults(client.arrivals)).toEqual([]);
    });

    it.each([
      ["a user's item", 'ask_1', 'unsupported_content_type'],
      ['an unknown item', 'nobody', 'item_truncate_invalid_item_id'],
    ])('truncating %s is refused', async (_what, itemId, code) => {
      const client = await stage.connectRealtime();
      client.send({ type: 'conversation.item.create', item: userItem('Hello.', 'ask_1') });
      client.send({
        type: 'conversation.item.truncate',
        event_id: 'cut',
        item_id: itemId,
        content_index: 0,
        audio_end_ms: 100,
      });
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({ code, param: 'item_id', event_id: 'cut' });
    });

    it('session.update changes what the model is told from the next response on; null puts the default back', async () => {
      const client = await stage.connectRealtime();
      const systemOf = async (question: string): Promise<unknown> => {
        await runTurn(client, question);
        return (await stage.askedFor(question))[0];
      };
      const update = async (session: Record<string, unknown>): Promise<WireEvent> => {
        const from = client.arrivals.length;
        client.send({ type: 'session.update', session: { type: 'realtime', ...session } });
        return client.waitForType('session.updated', 5_000, from);
      };
      const updated = await update({ instructions: 'Answer like a pirate.', audio: { output: { voice: 'sailor' } } });
      expect(updated['session']).toMatchObject({ type: 'realtime', instructions: 'Answer like a pirate.' });
      expect(await systemOf('Who is it?')).toEqual({ role: 'system', content: 'Answer like a pirate.' });
      // Of a partial update the rest stays.
      await update({ audio: { output: { speed: 1.2 } } });
      expect(await systemOf('Who is it now?')).toEqual({ role: 'system', content: 'Answer like a pirate.' });
      expect(stage.faked.voice.requests.at(-1)?.body).toMatchObject({ voice: 'sailor', speed: 1.2 });
      await update({ instructions: null });
      expect(await systemOf('And who now?')).toEqual({ role: 'system', content: INSTRUCTIONS });
    });

    it('session.update with a field this server does not know is refused by its path and changes nothing', async () => {
      const client = await stage.connectRealtime();
      client.send({
        type: 'session.update',
        event_id: 'up_1',
        session: { type: 'realtime', instructions: 'Whisper.', audio: { output: { volume: 3 } } },
      });
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({
        code: 'unknown_parameter',
        param: 'session.audio.output.volume',
        event_id: 'up_1',
      });
      await runTurn(client, 'Do you whisper?');
      expect((await stage.askedFor('Do you whisper?'))[0]).toEqual({ role: 'system', content: INSTRUCTIONS });
    });

    it('session.update with another model than the session was opened with is refused; with another name of it it is taken', async () => {
      const client = await stage.connect({ subprotocols: ['realtime'], binary: false, query: 'model=gpt-realtime' });
      const names = (model: string): void =>
        client.send({ type: 'session.update', event_id: model, session: { type: 'realtime', model } });
      names('gpt-realtime-mini');
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({ code: 'invalid_value', param: 'session.model', event_id: 'gpt-realtime-mini' });
      names('gpt-realtime-of-next-year');
      await client.waitForType('session.updated');
      expect(client.events().filter(({ type }) => type === 'error')).toHaveLength(1);
    });

    it('metadata comes back with response.created and response.done; instructions hold for that response only', async () => {
      const client = await stage.connectRealtime();
      const metadata = { client_event_id: 'abc', topic: 'garden' };
      client.send({ type: 'conversation.item.create', item: userItem('First, please.') });
      client.send({ type: 'response.create', response: { metadata, instructions: 'Be brief.' } });
      expect((await client.waitForType('response.created'))['response']).toMatchObject({ metadata });
      expect((await client.waitForType('response.done'))['response']).toMatchObject({ metadata });
      await runTurn(client, 'Second, please.');
      expect((await stage.askedFor('First, please.'))[0]).toEqual({ role: 'system', content: 'Be brief.' });
      expect((await stage.askedFor('Second, please.'))[0]).toEqual({ role: 'system', content: INSTRUCTIONS });
    });

    it('chooses item ids and places: at the end, after another item, at the front', async () => {
      const client = await stage.connectRealtime();
      const create = (id: string, text: string, previous?: string | null): void =>
        client.send({
          type: 'conversation.item.create',
          ...(previous === undefined ? {} : { previous_item_id: previous }),
          item: userItem(text, id),
        });
      create('b', 'Second.');
      create('d', 'Fourth.', null);
      create('c', 'Third.', 'b');
      create('a', 'First.', 'root');
      create('e', 'Fifth.');
      client.send({
        type: 'conversation.item.create',
        item: { type: 'message', id: 'f', role: 'assistant', content: [{ type: 'output_text', text: 'Sixth.' }] },
      });
      create('g', 'Seventh.');
      client.send({ type: 'response.create' });
      await client.waitForType('response.done');
      const added = client
        .events()
        .filter((event) => event.type === 'conversation.item.added')
        .slice(0, 7)
        .map((event) => [fieldsOf(event['item'])['id'], event['previous_item_id']]);
      expect(added).toEqual([
        ['b', null],
        ['d', 'b'],
        ['c', 'b'],
        ['a', null],
        ['e', 'd'],
        ['f', 'e'],
        ['g', 'f'],
      ]);
      expect((await stage.askedFor('Seventh.')).map(({ role, content }) => `${role}: ${content}`)).toEqual([
        `system: ${INSTRUCTIONS}`,
        ...['First.', 'Second.', 'Third.', 'Fourth.', 'Fifth.'].map((text) => `user: ${text}`),
        'assistant: Sixth.',
        'user: Seventh.',
      ]);
    });

    it.each([
      ['after an unknown item', { previous_item_id: 'nobody' }, 'item_not_found', 'previous_item_id'],
      ['with an id that is taken', { item: userItem('Again.', 'ask_1') }, 'item_id_in_use', 'item.id'],
    ])('an item %s is refused', async (_what, change, code, param) => {
      const client = await stage.connectRealtime();
      client.send({ type: 'conversation.item.create', item: userItem('Hello.', 'ask_1') });
      client.send({ type: 'conversation.item.create', event_id: 'again', item: userItem('Hello again.'), ...change });
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({ code, param, event_id: 'again' });
    });
  });
});
