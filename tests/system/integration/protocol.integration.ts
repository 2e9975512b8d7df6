import { once } from 'node:events';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { scrape, type ClusterMember } from '../support/cluster-process';
import { INSTRUCTIONS, startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { fieldsOf } from '../support/fields';
import { closeCodeOn, handshake, type Handshake, type HandshakeOptions } from '../support/handshake';
import { isAudioOf } from '../support/indexed-audio';
import { orderFaults } from '../support/response-order';
import { errorOf, finishTurn, speakTurn, textsOf } from '../support/spoken-turn';
import { TestClient, type WireEvent } from '../support/test-client';
import { until } from '../support/until';

const SAMPLES_PER_CHARACTER = 120;
const KEY_ENTRY = 'openai-insecure-api-key.';
/** PING_PERIOD three times, and what a busy machine adds. */
const HALF_OPEN_MS = 50_000;

jest.setTimeout(60_000);

describe('the client protocol, from outside', () => {
  let faked: FakedCluster;
  let halfOpen: WebSocket;
  let halfOpenSinceMs: number;
  const clients: TestClient[] = [];
  const sockets: Socket[] = [];

  const url = (): string => faked.cluster.url;
  const only = (role: ClusterMember['role']): ClusterMember => {
    const [member] = faked.cluster.running(role);
    if (!member) throw new Error(`no ${role} is running`);
    return member;
  };
  const connect = async (options: Partial<Parameters<typeof TestClient.connect>[0]> = {}): Promise<TestClient> => {
    const client = await TestClient.connect({ url: url(), ...options });
    clients.push(client);
    return client;
  };
  /** As an unmodified Realtime client connects: JSON audio, none of Parley's events. */
  const connectRealtime = (): Promise<TestClient> => connect({ subprotocols: ['realtime'], binary: false });
  const shake = async (options: HandshakeOptions = {}): Promise<Handshake> => {
    const answer = await handshake(url(), options);
    if (answer.socket) sockets.push(answer.socket);
    return answer;
  };
  const bearer = { authorization: 'Bearer dev' };

  /** The messages of the chat request that a text of a user began. */
  const askedFor = async (text: string): Promise<{ role: string; content: string }[]> => {
    const asked = await faked.llm.waitForRequest((request) => request.kind === 'chat' && request.text === text, 5_000);
    const messages = asked.kind === 'chat' ? (asked.body.messages ?? []) : [];
    return messages.map(({ role, content }) => ({ role, content: String(content) }));
  };

  beforeAll(async () => {
    faked = await startFakedCluster([], { PARLEY_MODEL_MAP: 'gpt-realtime=large,gpt-realtime-mini=small' });
    // Answers no ping: to the gateway it looks like a client whose network is gone. Found while the other tests run.
    halfOpen = new WebSocket(`${url().replace('http', 'ws')}/v1/realtime`, { headers: bearer, autoPong: false });
    halfOpenSinceMs = performance.now();
    await once(halfOpen, 'open');
  });

  afterAll(() => faked?.stop());

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await Promise.all(clients.splice(0).map((client) => client.close()));
  });

  describe('handshake', () => {
    it.each([
      ['nothing', undefined, undefined],
      ['realtime', 'realtime', 'realtime'],
      ['parley.v1', 'parley.v1', 'parley.v1'],
      ['both', 'realtime, parley.v1', 'parley.v1'],
      ['an unknown one', 'chat.v2', undefined],
    ])('of the subprotocols offered (%s) it selects what it speaks', async (_what, offered, selected) => {
      const answer = await shake({ headers: { ...bearer, 'sec-websocket-protocol': offered } });
      expect([answer.status, answer.headers['sec-websocket-protocol']]).toEqual([101, selected]);
    });

    it.each([
      ['realtime', 'realtime'],
      ['parley.v1', 'parley.v1'],
    ])("a browser's key among the subprotocols opens and is never echoed (%s)", async (offered, selected) => {
      const answer = await shake({ headers: { 'sec-websocket-protocol': `${offered}, ${KEY_ENTRY}dev` } });
      expect([answer.status, answer.headers['sec-websocket-protocol']]).toEqual([101, selected]);
      expect(JSON.stringify(answer.headers)).not.toContain(KEY_ENTRY);
    });

    it.each<[string, HandshakeOptions]>([
      ['no key', {}],
      ['a key nobody knows', { headers: { authorization: 'Bearer devil' } }],
      ['a known key in another scheme', { headers: { authorization: 'Basic dev' } }],
      ['an unknown key among the subprotocols', { headers: { 'sec-websocket-protocol': `realtime, ${KEY_ENTRY}no` } }],
      ['a known key in the query', { path: '/v1/realtime?key=dev&api_key=dev&authorization=Bearer%20dev' }],
    ])('%s is answered 401 with WWW-Authenticate', async (_what, options) => {
      const answer = await shake(options);
      expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' }, socket: undefined });
      expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'invalid_api_key' } });
    });

    it.each([
      ['a foreign page', 403, () => ({ origin: 'https://evil.example' })],
      ['a page without an origin of its own', 403, () => ({ origin: 'null' })],
      // DNS rebinding: the page's name leads here, so its Host and its Origin agree.
      [
        'a foreign page whose name leads to loopback',
        403,
        () => ({ origin: 'http://evil.example', host: 'evil.example' }),
      ],
      ['its own page', 101, () => ({ origin: url() })],
      ['a client that is no page', 101, () => ({})],
    ])('with the key dev, %s gets %i', async (_what, status, headers) => {
      const answer = await shake({ headers: { ...bearer, ...headers() } });
      expect(answer.status).toBe(status);
    });

    it.each([
      ['another path', 404, { path: '/v1/other', headers: bearer }],
      ['no path', 404, { path: '/', headers: bearer }],
      [
        'an unknown form of audio',
        400,
        { path: '/v1/realtime?audio=mp3', headers: { ...bearer, 'sec-websocket-protocol': 'parley.v1' } },
      ],
      ['a handshake without its key', 400, { headers: { ...bearer, 'sec-websocket-key': undefined } }],
    ])('%s is answered %i', async (_what, status, options) => {
      expect((await shake(options)).status).toBe(status);
    });

    it('a plain GET is answered 400: it is no WebSocket handshake', async () => {
      expect((await fetch(`${url()}/v1/realtime`, { headers: bearer })).status).toBe(400);
    });

    it('unknown query parameters are ignored, and audio=… is one for a client without parley.v1', async () => {
      const path = '/v1/realtime?model=gpt-realtime&temperature=0.8&audio=mp3';
      const answer = await shake({ path, headers: { ...bearer, 'sec-websocket-protocol': 'realtime' } });
      expect(answer.status).toBe(101);
    });

    it('when no orchestrator takes the session the answer is 503 with Retry-After, and later it is 101', async () => {
      const { pid, metricsUrl } = only('orchestrator');
      const refusedBefore = await scrape(only('gateway').metricsUrl, 'parley_connections_refused_total');
      process.kill(pid, 'SIGSTOP');
      try {
        const answer = await shake({ headers: bearer });
        expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': expect.stringMatching(/^\d+$/) } });
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      expect(await scrape(only('gateway').metricsUrl, 'parley_connections_refused_total')).toBe(refusedBefore + 1);
      const client = await connect();
      expect(await speakTurn(client, 'Is somebody there again?')).toMatchObject({ status: 'completed' });
      expect(metricsUrl).toBe(only('orchestrator').metricsUrl);
    });
  });

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
      const client = await connect();
      client.send({ ...event, event_id: 'mine_1' });
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({ type: 'invalid_request_error', code, param, event_id: 'mine_1' });
      expect(error['message']).toEqual(expect.stringMatching(/\w/));
      expect(await speakTurn(client, 'Are we still talking?')).toMatchObject({ status: 'completed', errors: [] });
    });

    it.each(['{"type":', '[]', '"hello"', 'null', ''])(
      '%j is answered with invalid_json; the next turn works',
      async (raw) => {
        const client = await connect();
        client.socket.send(raw);
        const error = errorOf(await client.waitForType('error'));
        expect(error).toMatchObject({ code: 'invalid_json', param: null, event_id: null });
        expect(await speakTurn(client, 'Are we still talking?')).toMatchObject({ status: 'completed' });
      },
    );

    it('a binary message closes the connection with 1003', async () => {
      const client = await connect();
      client.socket.send(Buffer.from('{"type":"parley.ping"}'));
      expect((await client.waitClosed()).code).toBe(1003);
    });

    it('a message above 1 MiB closes the connection with 1009; one of 1 MiB does not', async () => {
      const message = (bytes: number): string => `{"type":"parley.ping"${' '.repeat(bytes - 22)}}`;
      const client = await connect();
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
      const { socket } = await shake({ headers: bearer });
      if (!socket) throw new Error('the handshake was refused');
      socket.write(frame);
      expect(await closeCodeOn(socket)).toBe(1002);
    });

    it('text that is no UTF-8 closes the connection with 1007', async () => {
      const { socket } = await shake({ headers: bearer });
      if (!socket) throw new Error('the handshake was refused');
      socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]));
      expect(await closeCodeOn(socket)).toBe(1007);
    });
  });

  describe('an unmodified Realtime client', () => {
    const userItem = (text: string, id?: string): Record<string, unknown> => ({
      type: 'message',
      ...(id === undefined ? {} : { id }),
      role: 'user',
      content: [{ type: 'input_text', text }],
    });
    const typesOf = (client: TestClient, from = 0): string[] =>
      client.arrivals
        .slice(from)
        .map((arrival) => (arrival.kind === 'audio' ? 'response.output_audio.delta' : arrival.event.type));
    const collapsed = (types: readonly string[]): string[] => types.filter((type, at) => type !== types[at - 1]);
    const createdId = async (client: TestClient, from = 0): Promise<string> =>
      String(fieldsOf((await client.waitForType('response.created', 5_000, from))['response'])['id']);
    /** One pipelined turn to its end. */
    const runTurn = async (client: TestClient, text: string) => {
      const from = client.arrivals.length;
      client.send({ type: 'conversation.item.create', item: userItem(text) });
      client.send({ type: 'response.create' });
      return finishTurn(client, await createdId(client, from), { from, startedMs: performance.now() });
    };

    it('gets the events of a turn in the exact order of the API, audio as base64 JSON, and nothing of Parley', async () => {
      const client = await connectRealtime();
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
      const client = await connect({ subprotocols: [], binary: true });
      expect(client.socket.protocol).toBe('');
      expect(await runTurn(client, 'What grows in the garden?')).toMatchObject({ status: 'completed' });
      expect(collapsed(typesOf(client)).slice(0, 2)).toEqual(['session.created', 'conversation.item.added']);
      expect(orderFaults(client.arrivals)).toEqual([]);
    });

    it("is told unknown_event for an event of Parley's", async () => {
      const client = await connectRealtime();
      client.send({ type: 'parley.ping', event_id: 'ping_1' });
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({ code: 'unknown_event', event_id: 'ping_1' });
    });

    describe('while a long answer runs', () => {
      const story = Array.from({ length: 40 }, (_, index) => `This is sentence number ${index} of a story.`).join(' ');
      let client: TestClient;
      let responseId: string;

      beforeEach(async () => {
        client = await connectRealtime();
        faked.llm.nextChat({ kind: 'answer', text: story, tokenDelayMs: 25 });
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
        const [request] = faked.llm.requests.slice(-1);
        await until('the model was stopped', () => request?.outcome === 'aborted');
        // A whole turn later: whatever was in flight has arrived or was dropped.
        expect(await runTurn(client, 'What else?')).toMatchObject({ status: 'completed' });
        expect(orderFaults(client.arrivals)).toEqual([]);
        expect((await askedFor('What else?')).slice(0, 2)).toEqual([
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
        expect((await askedFor('Where were we?')).slice(2)).toEqual([
          { role: 'assistant', content: `${first.trim()} [interrupted by the user]` },
          { role: 'user', content: 'Where were we?' },
        ]);
        expect(orderFaults(client.arrivals)).toEqual([]);
      });
    });

    it('response.cancel with nothing running is refused with the code that clients look for', async () => {
      const client = await connectRealtime();
      client.send({ type: 'response.cancel', event_id: 'nothing' });
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({ code: 'response_cancel_not_active', event_id: 'nothing' });
      expect(error['message']).toMatch(/^Cancellation failed/);
    });

    it('[G4] truncates an answer that is still heard, and later lowers what was heard, never raises it', async () => {
      const client = await connectRealtime();
      faked.voice.nextSpeech({ kind: 'voice', samplesPerCharacter: 1_440 });
      faked.llm.nextChat({ kind: 'answer', text: 'One two three four five six seven.' });
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
        return (await askedFor(question)).find(({ role }) => role === 'assistant')?.content;
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
      const client = await connectRealtime();
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
      const client = await connectRealtime();
      const systemOf = async (question: string): Promise<unknown> => {
        await runTurn(client, question);
        return (await askedFor(question))[0];
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
      expect(faked.voice.requests.at(-1)?.body).toMatchObject({ voice: 'sailor', speed: 1.2 });
      await update({ instructions: null });
      expect(await systemOf('And who now?')).toEqual({ role: 'system', content: INSTRUCTIONS });
    });

    it('session.update with a field this server does not know is refused by its path and changes nothing', async () => {
      const client = await connectRealtime();
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
      expect((await askedFor('Do you whisper?'))[0]).toEqual({ role: 'system', content: INSTRUCTIONS });
    });

    it('session.update with another model than the session was opened with is refused; with another name of it it is taken', async () => {
      const client = await connect({ subprotocols: ['realtime'], binary: false, query: 'model=gpt-realtime' });
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
      const client = await connectRealtime();
      const metadata = { client_event_id: 'abc', topic: 'garden' };
      client.send({ type: 'conversation.item.create', item: userItem('First, please.') });
      client.send({ type: 'response.create', response: { metadata, instructions: 'Be brief.' } });
      expect((await client.waitForType('response.created'))['response']).toMatchObject({ metadata });
      expect((await client.waitForType('response.done'))['response']).toMatchObject({ metadata });
      await runTurn(client, 'Second, please.');
      expect((await askedFor('First, please.'))[0]).toEqual({ role: 'system', content: 'Be brief.' });
      expect((await askedFor('Second, please.'))[0]).toEqual({ role: 'system', content: INSTRUCTIONS });
    });

    it('chooses item ids and places: at the end, after another item, at the front', async () => {
      const client = await connectRealtime();
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
      expect((await askedFor('Seventh.')).map(({ role, content }) => `${role}: ${content}`)).toEqual([
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
      const client = await connectRealtime();
      client.send({ type: 'conversation.item.create', item: userItem('Hello.', 'ask_1') });
      client.send({ type: 'conversation.item.create', event_id: 'again', item: userItem('Hello again.'), ...change });
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({ code, param, event_id: 'again' });
    });
  });

  describe('a client of parley.v1', () => {
    it('gets session.created before anything else, even when it speaks first', async () => {
      const client = await connect();
      client.send({ type: 'parley.ping' });
      await client.waitForType('parley.pong');
      await client.waitForType('session.created');
      expect(client.events()[0]?.type).toBe('session.created');
    });

    it('is greeted with its session and the floor, and a ping is answered', async () => {
      const client = await connect();
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
      const client = await connect();
      faked.llm.nextChat({ kind: 'stall', afterTokens: 5, text: 'Let me think. Well then.' });
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
      expect(faked.llm.requests.filter(({ text }) => text === 'The second question.')).toHaveLength(1);
    });

    it('an interrupt of nothing is refused', async () => {
      const client = await connect();
      client.send({ type: 'parley.interrupt', event_id: 'calm' });
      const error = errorOf(await client.waitForType('error'));
      expect(error).toMatchObject({ code: 'nothing_to_interrupt', event_id: 'calm' });
    });

    it('[G4] truncating an answer that is still heard is told as its interruption', async () => {
      const client = await connect();
      faked.voice.nextSpeech({ kind: 'voice', samplesPerCharacter: 1_440 });
      faked.llm.nextChat({ kind: 'answer', text: 'One two three four five six seven.' });
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

  it('a half-open client is cut by WebSocket pings, and its owner forgets it', async () => {
    const { metricsUrl } = only('orchestrator');
    // Clients of parley.v1 that were torn off may still come back to theirs.
    const before = await scrape(metricsUrl, 'parley_sessions_active');
    await until('it was cut', () => halfOpen.readyState === WebSocket.CLOSED, HALF_OPEN_MS);
    expect(performance.now() - halfOpenSinceMs).toBeLessThan(HALF_OPEN_MS);
    await until('one session less', async () => (await scrape(metricsUrl, 'parley_sessions_active')) < before);
  });

  it('SIGTERM of the gateway closes its sockets with 1012, and its owner keeps the session that can be resumed', async () => {
    const { metricsUrl } = only('orchestrator');
    const before = await scrape(metricsUrl, 'parley_sessions_active');
    const client = await connect();
    const other = await connectRealtime();
    await speakTurn(client, 'Will you stay?');
    expect(await scrape(metricsUrl, 'parley_sessions_active')).toBe(before + 2);
    process.kill(only('gateway').pid, 'SIGTERM');
    expect([(await client.waitClosed()).code, (await other.waitClosed()).code]).toEqual([1012, 1012]);
    await until('one session less', async () => (await scrape(metricsUrl, 'parley_sessions_active')) === before + 1);
  });
});
