import { INSTRUCTIONS } from '../support/faked-cluster';
import { fieldsOf } from '../support/fields';
import { isAudioOf } from '../support/indexed-audio';
import { orderFaults } from '../support/response-order';
import { errorOf, textsOf } from '../support/spoken-turn';
import type { TestClient } from '../support/test-client';
import { until } from '../support/until';
import { createdId, ProtocolStage, runTurn, SAMPLES_PER_CHARACTER, userItem } from './protocol-stage.fixture';

jest.setTimeout(60_000);

describe('the client protocol, from outside', () => {
  let stage: ProtocolStage;

  beforeAll(async () => {
    stage = await ProtocolStage.started();
  });
  afterAll(() => stage?.stop());
  afterEach(() => stage.disconnect());

  describe('an unmodified Realtime client', () => {
    const typesOf = (client: TestClient, from = 0): string[] =>
      client.arrivals
        .slice(from)
        .map((arrival) => (arrival.kind === 'audio' ? 'response.output_audio.delta' : arrival.event.type));
    const collapsed = (types: readonly string[]): string[] => types.filter((type, at) => type !== types[at - 1]);

    it('gets the events of a turn in the exact order of the API, audio as base64 JSON, and nothing of Parley', async () => {
      const client = await stage.connectRealtime();
      // Pipelined: neither waits for an answer to the one before.
      client.send({ type: 'conversation.item.create', item: userItem('What grows in the garden?') });
      client.send({ type: 'response.create' });
      const done = await client.waitForType('response.done');
      const types = typesOf(client);
      expect(types.slice(0, 8)).toEqual([
        'session.created',
        'conversation.item.added',
        'conversation.item.done',
        'response.created',
        'response.output_item.added',
        'conversation.item.added',
        'response.content_part.added',
        'response.output_audio_transcript.delta',
      ]);
      expect(new Set(types.slice(7, -6))).toEqual(
        new Set(['response.output_audio_transcript.delta', 'response.output_audio.delta']),
      );
      expect(types.slice(-6)).toEqual([
        'response.output_audio.done',
        'response.output_audio_transcript.done',
        'response.content_part.done',
        'conversation.item.done',
        'response.output_item.done',
        'response.done',
      ]);
      expect(orderFaults(client.arrivals)).toEqual([]);
      const response = fieldsOf(done['response']);
      const texts = textsOf(client, String(response['id']));
      expect(isAudioOf(client, String(response['id']), texts, SAMPLES_PER_CHARACTER)).toBe(true);
      expect(response).toMatchObject({
        object: 'realtime.response',
        status: 'completed',
        status_details: null,
        output: [{ role: 'assistant', content: [{ type: 'output_audio', transcript: texts.join('') }] }],
        usage: { total_tokens: expect.any(Number), input_token_details: expect.anything() },
      });
      // A tail may still be heard: nothing comes of it either.
      await runTurn(client, 'And in the pond?');
      expect(typesOf(client).filter((type) => type.startsWith('parley.'))).toEqual([]);
    });

    it('that offers no subprotocol at all is served the same', async () => {
      const client = await stage.connect({ subprotocols: [], binary: true });
      expect(client.socket.protocol).toBe('');
      expect(await runTurn(client, 'What grows in the garden?')).toMatchObject({ status: 'completed' });
      expect(collapsed(typesOf(client)).slice(0, 2)).toEqual(['session.created', 'conversation.item.added']);
      expect(orderFaults(client.arrivals)).toEqual([]);
    });

    it("is told unknown_event for an event of Parley's", async () => {
      const client = await stage.connectRealtime();
      client.send({ type: 'parley.ping', event_id: 'ping_1' });
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({ code: 'unknown_event', event_id: 'ping_1' });
    });

    describe('while a long answer runs', () => {
      const story = Array.from({ length: 40 }, (_, index) => `This is sentence number ${index} of a story.`).join(' ');
      let client: TestClient;
      let responseId: string;

      beforeEach(async () => {
        client = await stage.connectRealtime();
        stage.faked.llm.nextChat({ kind: 'answer', text: story, tokenDelayMs: 25 });
        client.send({ type: 'conversation.item.create', item: userItem('Tell me a story.', 'ask_1') });
        client.send({ type: 'response.create', response: { metadata: { purpose: 'story' } } });
        responseId = await createdId(client);
        await client.waitUntil('audio', () => client.receivedSamples(responseId) > 0);
      });

      it('response.create is refused and the answer goes on', async () => {
        client.send({ type: 'response.create', event_id: 'too_early' });
        const error = errorOf(await client.waitForType('error'));
        expect(error).toMatchObject({ code: 'conversation_already_has_active_response', event_id: 'too_early' });
        const before = client.receivedSamples(responseId);
        await client.waitUntil('more audio', () => client.receivedSamples(responseId) > before);
        client.send({ type: 'response.cancel' });
        await client.waitForType('response.done');
        expect(orderFaults(client.arrivals)).toEqual([]);
      });

      it('[G1] response.cancel ends it as cancelled, and no delta of it comes after', async () => {
        client.send({ type: 'response.cancel', response_id: responseId });
        const done = await client.waitForType('response.done');
        expect(done['response']).toMatchObject({
          id: responseId,
          status: 'cancelled',
          status_details: { type: 'cancelled', reason: 'client_cancelled' },
          metadata: { purpose: 'story' },
          output: [{ status: 'incomplete' }],
          usage: { total_tokens: expect.any(Number) },
        });
        const [request] = stage.faked.llm.requests.slice(-1);
        await until('the model was stopped', () => request?.outcome === 'aborted');
        // A whole turn later: whatever was in flight has arrived or was dropped.
        expect(await runTurn(client, 'What else?')).toMatchObject({ status: 'completed' });
        expect(orderFaults(client.arrivals)).toEqual([]);
        expect((await stage.askedFor('What else?')).slice(0, 2)).toEqual([
          { role: 'system', content: INSTRUCTIONS },
          { role: 'user', content: 'Tell me a story.' },
        ]);
      });

      it('response.cancel of another response is refused and the answer goes on', async () => {
        client.send({ type: 'response.cancel', response_id: 'resp_other', event_id: 'wrong_one' });
        const error = errorOf(await client.waitForType('error'));
        expect(error).toMatchObject({ code: 'response_cancel_not_active', event_id: 'wrong_one' });
        const before = client.receivedSamples(responseId);
        await client.waitUntil('more audio', () => client.receivedSamples(responseId) > before);
      });

      it('[G4] conversation.item.truncate is an interruption at that point', async () => {
        const [first = ''] = textsOf(client, responseId);
        const heardMs = Math.ceil((first.trim().length * SAMPLES_PER_CHARACTER) / 24);
        await client.waitUntil('a sentence of audio', () => client.receivedSamples(responseId) > heardMs * 24);
        const added = await client.waitForType('response.output_item.added');
        const itemId = String(fieldsOf(added['item'])['id']);
        client.send({ type: 'conversation.item.truncate', item_id: itemId, content_index: 0, audio_end_ms: heardMs });
        expect(await client.waitForType('conversation.item.truncated')).toMatchObject({
          item_id: itemId,
          content_index: 0,
          audio_end_ms: heardMs,
        });
        expect(await client.waitForType('response.done')).toMatchObject({ response: { status: 'cancelled' } });
        await runTurn(client, 'Where were we?');
        expect((await stage.askedFor('Where were we?')).slice(2)).toEqual([
          { role: 'assistant', content: `${first.trim()} [interrupted by the user]` },
          { role: 'user', content: 'Where were we?' },
        ]);
        expect(orderFaults(client.arrivals)).toEqual([]);
      });
    });

    it('response.cancel with nothing running is refused with the code that clients look for', async () => {
      const client = await stage.connectRealtime();
      client.send({ type: 'response.cancel', event_id: 'nothing' });
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({ code: 'response_cancel_not_active', event_id: 'nothing' });
      expect(error['message']).toMatch(/^Cancellation failed/);
    });
  });
});
