import { lastUserText } from '@parley/fakes';
import { startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { fieldsOf } from '../support/fields';
import { indexedAudio } from '../support/indexed-audio';
import { audioIn, deltasOf, RawClient, responseIn, type RawOptions } from '../support/raw-client';
import { errorOf } from '../support/spoken-turn';
import type { WireEvent } from '../support/test-client';

const CLIENTS = 8;
const TURNS = 3;
const SAMPLES_PER_CHARACTER = 120;
const KEY = 'quokka-0815-only-in-the-query';
const bearer = { authorization: `Bearer ${KEY}` };

/** How clients ask for the older dialect. */
const AZURE = `/openai/realtime?api-version=2024-10-01-preview&deployment=mine&api-key=${KEY}`;
const OLDER: RawOptions[] = [
  { headers: { ...bearer, 'openai-beta': 'realtime=v1' } },
  { subprotocols: ['realtime', `openai-insecure-api-key.${KEY}`, 'openai-beta.realtime-v1'] },
  { path: AZURE },
];
const GA: RawOptions[] = [
  { headers: bearer },
  { subprotocols: ['realtime', `openai-insecure-api-key.${KEY}`] },
  { path: '/v1/realtime?model=m', headers: { 'api-key': KEY } },
];

/** openai-realtime.md §5.5: what either has and the other has not, as it stands in a frame. */
const OLDER_ALONE =
  /"type":"(response\.(audio|audio_transcript|text)\.|conversation\.item\.created|pong)|"(modalities|(in|out)put_audio_format|input_audio_transcription|temperature|max_response_output_tokens)":|"object":"realtime\.item"/;
const GA_ALONE =
  /"type":"(response\.output_(audio|audio_transcript|text)\.|conversation\.item\.(added|done)|output_(audio|text)"|realtime")|"(output_modalities|tracing|truncation|prompt|include|image_tokens|idle_timeout_ms)":|"audio":\{/;
const PARLEY_ALONE = /parley\./;

/** One letter for each event of a response in the older dialect. */
const STEPS: Readonly<Record<string, string>> = {
  'response.created': 'c',
  'response.output_item.added': 'o',
  'conversation.item.created': 'i',
  'response.content_part.added': 'p',
  'response.audio_transcript.delta': 't',
  'response.audio.delta': 'a',
  'response.audio.done': 'A',
  'response.audio_transcript.done': 'T',
  'response.content_part.done': 'P',
  'response.output_item.done': 'O',
  'response.done': 'd',
};

jest.setTimeout(120_000);

describe('two dialects on one gateway, under load', () => {
  let faked: FakedCluster;
  const older: RawClient[] = [];
  const ga: RawClient[] = [];
  const turns = new Map<RawClient, WireEvent[][]>();
  const asides = new Map<RawClient, WireEvent[]>();

  beforeAll(async () => {
    // How late a busy machine is, is not judged here.
    faked = await startFakedCluster([], { PARLEY_API_KEYS: KEY, PARLEY_MAX_LAG_MS: '1000' });
    faked.voice.setDefaultSpeech({ kind: 'voice', samplesPerCharacter: SAMPLES_PER_CHARACTER, content: 'indexed' });
    faked.llm.setDefaultChat({
      kind: 'answer',
      text: (messages) => `You asked this: ${lastUserText(messages)} Now I have to think about my answer to that.`,
      tokenDelayMs: 3,
    });
    const connect = async (ways: readonly RawOptions[], list: RawClient[]): Promise<void> => {
      for (let n = 0; n < CLIENTS; n++)
        list.push(await RawClient.connect(faked.cluster.url, ways[n % ways.length] ?? {}));
    };
    await Promise.all([connect(OLDER, older), connect(GA, ga)]);
    await Promise.all([...older, ...ga].map((client, n) => converse(client, n)));
  });
  afterAll(async () => {
    for (const client of [...older, ...ga]) client.close();
    await faked?.stop();
  });

  async function converse(client: RawClient, n: number): Promise<void> {
    const spoken: WireEvent[][] = [];
    for (let turn = 0; turn < TURNS; turn++) spoken.push(await client.ask(questionOf(n, turn), 60_000));
    turns.set(client, spoken);
    asides.set(client, await askBeside(client, n));
  }

  /** Text alone, beside the conversation, with few tokens; then an item is looked at and deleted. */
  async function askBeside(client: RawClient, n: number): Promise<WireEvent[]> {
    const isOlder = n < CLIENTS;
    const from = client.events.length;
    const text = [{ type: 'input_text', text: besideOf(n) }];
    client.send({
      type: 'response.create',
      response: {
        ...{ conversation: 'none', metadata: { n: String(n) } },
        input: [{ type: 'message', role: 'user', content: text }],
        ...(isOlder ? { modalities: ['text'], max_response_output_tokens: 77 } : {}),
        ...(isOlder ? {} : { output_modalities: ['text'], max_output_tokens: 77 }),
      },
    });
    await client.waitFor('response.done', from, 60_000);
    const [created] = client.events.filter(({ type }) => type.startsWith('conversation.item.'));
    const itemId = fieldsOf(created?.['item'])['id'];
    client.send({ type: 'conversation.item.retrieve', item_id: itemId });
    client.send({ type: 'conversation.item.delete', item_id: itemId });
    await client.waitFor('conversation.item.deleted', from, 60_000);
    return client.events.slice(from);
  }
  const besideOf = (n: number): string => `A title for client ${n}?`;
  const questionOf = (n: number, turn: number): string => `Question ${turn} of client ${n}?`;

  it('no event, field or content of the one reaches a client of the other, and nothing of Parley’s own either', () => {
    for (const [clients, alone, foreign] of [
      [older, OLDER_ALONE, GA_ALONE],
      [ga, GA_ALONE, OLDER_ALONE],
    ] as const) {
      const frames = clients.flatMap((client) => client.frames);
      expect(frames.filter((frame) => foreign.test(frame) || PARLEY_ALONE.test(frame))).toEqual([]);
      // Or the patterns would find nothing anywhere.
      for (const client of clients) expect(client.frames.some((frame) => alone.test(frame))).toBe(true);
      expect(clients.map((client) => client.binaries)).toEqual(clients.map(() => 0));
      expect(clients.flatMap((client) => client.events.filter(({ type }) => type === 'error'))).toEqual([]);
    }
  });

  it.each([
    ['the older dialect', older, 'response.audio.delta', 'response.audio_transcript.delta', 0],
    ['GA', ga, 'response.output_audio.delta', 'response.output_audio_transcript.delta', CLIENTS],
  ] as const)(
    'every client of %s hears its own answers whole, sample for sample',
    (_name, clients, audio, text, first) => {
      expect(clients).toHaveLength(CLIENTS);
      clients.forEach((client, n) => {
        turns.get(client)?.forEach((events, turn) => {
          const texts = deltasOf(events, text);
          expect(texts.join('')).toContain(questionOf(first + n, turn));
          const whole = Buffer.concat(texts.map((each) => indexedAudio(each.trim(), SAMPLES_PER_CHARACTER)));
          expect(audioIn(events, audio).equals(whole)).toBe(true);
          expect(responseIn(events, 'response.done')).toMatchObject({ status: 'completed' });
        });
        expect(turns.get(client)).toHaveLength(TURNS);
      });
    },
  );

  it.each([
    ['the older dialect', older, ['text'], 'response.text', 'text', 0],
    ['GA', ga, ['text'], 'response.output_text', 'output_text', CLIENTS],
  ] as const)('every client of %s gets its text beside the conversation by its own names', (...row) => {
    const [, clients, modalities, event, content, first] = row;
    clients.forEach((client, index) => {
      const n = first + index;
      const events = asides.get(client) ?? [];
      const text = deltasOf(events, `${event}.delta`).join('');
      expect(text).toContain(besideOf(n));
      const done = responseIn(events, 'response.done');
      expect(done).toMatchObject({
        ...{ status: 'completed', conversation_id: null, max_output_tokens: 77, metadata: { n: String(n) } },
        output: [{ content: [{ type: content, text }] }],
      });
      expect(done['modalities'] ?? done['output_modalities']).toEqual(modalities);
      expect(audioIn(events).length + audioIn(events, 'response.audio.delta').length).toBe(0);
      const [retrieved] = events.filter(({ type }) => type === 'conversation.item.retrieved');
      expect(retrieved?.['item']).toMatchObject({ role: 'user', content: [{ text: questionOf(n, 0) }] });
    });
    const limits = faked.llm.requests.flatMap((request) =>
      request.kind === 'chat' && request.text.startsWith('A title') ? [request.body['max_tokens']] : [],
    );
    expect(limits).toEqual(Array.from({ length: 2 * CLIENTS }, () => 77));
  });

  it('a response of the older dialect comes in that one’s order', () => {
    const orders = older.flatMap((client) =>
      (turns.get(client) ?? []).map((events) => {
        // The user's item comes first.
        const own = events.slice(events.findIndex(({ type }) => type === 'response.created'));
        return own.map(({ type }) => STEPS[type] ?? `<${type}>`).join('');
      }),
    );
    for (const order of orders) expect(order).toMatch(/^coip(t[ta]*)ATPOd/);
    expect(orders).toHaveLength(CLIENTS * TURNS);
  });

  it('the key of a query stands in no log, at the level that says most', () => {
    expect(faked.cluster.output()).toContain('debug');
    expect(faked.cluster.output()).not.toContain(KEY);
    expect(faked.cluster.output()).not.toContain('api-key=');
  });

  it('a key in the query opens nothing under the path of GA', async () => {
    await expect(RawClient.connect(faked.cluster.url, { path: `/v1/realtime?api-key=${KEY}` })).rejects.toThrow('401');
  });

  describe('a client of the older dialect', () => {
    let client: RawClient;
    beforeEach(async () => {
      client = await RawClient.connect(faked.cluster.url, { path: AZURE });
      await client.waitFor('session.created');
    });
    afterEach(() => client.close());

    const update = (session: Record<string, unknown>): void =>
      client.send({ type: 'session.update', event_id: 'up', session });

    it('has its session in its own fields, and gets back what it set', async () => {
      expect(fieldsOf(client.events[0]?.['session'])).toMatchObject({
        object: 'realtime.session',
        modalities: ['audio', 'text'],
        input_audio_format: 'pcm16',
        output_audio_format: 'pcm16',
        temperature: 0.8,
        max_response_output_tokens: 'inf',
      });
      const set = {
        ...{ modalities: ['audio', 'text'], instructions: 'Be a pirate.', voice: 'sailor', temperature: 0.7 },
        ...{ input_audio_format: 'g711_ulaw', output_audio_format: 'g711_ulaw' },
        ...{ input_audio_transcription: { model: 'whisper-1' }, input_audio_noise_reduction: { type: 'near_field' } },
        ...{ turn_detection: null, tool_choice: 'auto', max_response_output_tokens: 'inf' },
        tools: [{ type: 'function', name: 'weather', parameters: { type: 'object' } }],
      };
      update(set);
      expect(fieldsOf((await client.waitFor('session.updated'))['session'])).toMatchObject(set);
      const events = await client.ask('Who is there?');
      const asked = faked.llm.requests.findLast((request) => request.kind === 'chat');
      expect(asked?.kind === 'chat' && asked.body.messages?.[0]).toMatchObject({ content: 'Be a pirate.' });
      expect(responseIn(events, 'response.done')).toMatchObject({
        ...{ modalities: ['audio', 'text'], voice: 'sailor', output_audio_format: 'g711_ulaw' },
        output: [{ object: 'realtime.item', content: [{ type: 'audio' }] }],
      });
      const samples = deltasOf(events, 'response.audio_transcript.delta').reduce(
        (sum, text) => sum + text.trim().length * SAMPLES_PER_CHARACTER,
        0,
      );
      expect(audioIn(events, 'response.audio.delta')).toHaveLength(Math.ceil(samples / 3));
    });

    it.each([
      ['a field of GA', { output_modalities: ['audio'] }, 'unknown_parameter', 'session.output_modalities'],
      ['a value it does not have', { output_audio_format: 'opus' }, 'invalid_value', 'session.output_audio_format'],
      [
        'a wrong field deep inside',
        { turn_detection: { type: 'deaf' } },
        'invalid_value',
        'session.turn_detection.type',
      ],
      ['a voice of another type', { voice: 3 }, 'invalid_value', 'session.voice'],
    ])('is told of %s by the name it sent', async (_what, session, code, param) => {
      update(session);
      const error = errorOf(await client.waitFor('error'));
      expect(error).toMatchObject({ code, param, event_id: 'up' });
      expect(String(error['message'])).not.toMatch(/audio\.(in|out)put/);
    });

    it('has its ping answered, which a client of GA has not', async () => {
      client.send({ type: 'ping' });
      await client.waitFor('pong');
      const other = await RawClient.connect(faked.cluster.url, { headers: bearer });
      other.send({ type: 'ping' });
      expect(errorOf(await other.waitFor('error'))).toMatchObject({ code: 'unknown_event' });
      other.close();
    });

    it('has no parley.v1, also where it offers that, and no binary audio', async () => {
      const subprotocols = ['parley.v1', 'realtime', 'openai-beta.realtime-v1'];
      const both = await RawClient.connect(faked.cluster.url, {
        ...{ path: '/v1/realtime?audio=binary', headers: bearer, subprotocols },
      });
      expect(both.socket.protocol).toBe('realtime');
      both.send({ type: 'parley.ping' });
      expect(errorOf(await both.waitFor('error'))).toMatchObject({ code: 'unknown_event' });
      expect(deltasOf(await both.ask('Hello?'), 'response.audio.delta').length).toBeGreaterThan(0);
      expect(both.binaries).toBe(0);
      expect(both.frames.filter((frame) => PARLEY_ALONE.test(frame) && !frame.includes('unknown_event'))).toEqual([]);
      both.close();
    });
  });
});
