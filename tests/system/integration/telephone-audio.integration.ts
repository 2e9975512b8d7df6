import { startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { fieldsOf } from '../support/fields';
import { fromALaw, fromMuLaw, likenessDb } from '../support/g711-decoder';
import { audioIn, deltasOf, RawClient, responseIn } from '../support/raw-client';
import type { WireEvent } from '../support/test-client';
import { until } from '../support/until';

const headers = { authorization: 'Bearer dev' };
const SAMPLES_PER_CHARACTER = 1_001;
const ANSWER = 'The garden is quiet tonight. Nobody has come to water the roses yet. The moon is late. So are we.';
const DELTA = 'response.output_audio.delta';

jest.setTimeout(60_000);

describe('the voice as G.711', () => {
  let faked: FakedCluster;
  const clients: RawClient[] = [];

  beforeAll(async () => {
    faked = await startFakedCluster();
    faked.llm.setDefaultChat({ kind: 'answer', text: ANSWER });
    // 4 s of it in one: time enough to do something meanwhile.
    faked.voice.setDefaultSpeech({ kind: 'voice', samplesPerCharacter: SAMPLES_PER_CHARACTER, pace: 4 });
  });
  afterAll(() => faked?.stop());
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });

  async function connect(format?: string, subprotocols: string[] = [], query = ''): Promise<RawClient> {
    const client = await RawClient.connect(faked.cluster.url, { path: `/v1/realtime${query}`, headers, subprotocols });
    clients.push(client);
    if (format !== undefined) await choose(client, format);
    return client;
  }
  async function choose(client: RawClient, type: string): Promise<void> {
    const from = client.events.length;
    const format = type === 'audio/pcm' ? { type, rate: 24_000 } : { type };
    client.send({ type: 'session.update', session: { type: 'realtime', audio: { output: { format } } } });
    const updated = fieldsOf((await client.waitFor('session.updated', from))['session']);
    expect(updated).toMatchObject({ audio: { output: { format } } });
  }

  it.each([
    ['µ-law', 'audio/pcmu', fromMuLaw],
    ['A-law', 'audio/pcma', fromALaw],
  ])('in %s is what another client hears as PCM, a byte for every third sample', async (_law, format, decode) => {
    const [plain, telephone] = await Promise.all([connect(), connect(format)]);
    const [pcmEvents, events] = await Promise.all([
      plain.ask('How is the garden?'),
      telephone.ask('How is the garden?'),
    ]);
    const pcm = audioIn(pcmEvents);
    const coded = audioIn(events);
    expect(deltasOf(events, 'response.output_audio_transcript.delta').join('')).toBe(ANSWER);
    expect(pcm.length / 2).toBeGreaterThan(90 * SAMPLES_PER_CHARACTER);
    expect(coded).toHaveLength(Math.ceil(pcm.length / 2 / 3));
    expect(likenessDb(Array.from(coded, decode), pcm)).toBeGreaterThan(30);
    for (const type of ['response.created', 'response.done']) {
      expect(responseIn(events, type)).toMatchObject({ audio: { output: { format: { type: format } } } });
    }
  });

  it('keeps its format to the end of a response, whatever the session chooses meanwhile', async () => {
    const client = await connect('audio/pcmu');
    const turn = client.ask('How is the garden?');
    await client.waitFor(DELTA);
    await choose(client, 'audio/pcm');
    const first = await turn;
    const second = await client.ask('And now?');
    expect(responseIn(first, 'response.done')).toMatchObject({ audio: { output: { format: { type: 'audio/pcmu' } } } });
    expect(responseIn(second, 'response.done')).toMatchObject({ audio: { output: { format: { type: 'audio/pcm' } } } });
    expect(audioIn(first)).toHaveLength(Math.ceil(audioIn(second).length / 2 / 3));
    expect(first.findIndex(({ type }) => type === 'session.updated')).toBeLessThan(
      first.findLastIndex(({ type }) => type === DELTA),
    );
  });

  it('[G6] goes on after a lost connection of parley.v1 at the byte behind the last one received', async () => {
    const reference = await connect(undefined, ['parley.v1']);
    const whole = segmentsOf(await reference.ask('How is the garden?'), 0.5);
    const lost = await connect('audio/pcmu', ['parley.v1']);
    // In the middle of its second segment.
    lost.onEvent = (event) => {
      if (event.type === DELTA && event['segment'] === 1 && Number(event['first_sample']) > 0) lost.socket.terminate();
    };
    lost.say('How is the garden?');
    await until('the loss of the connection', () => lost.socket.readyState === lost.socket.CLOSED);
    const had = segmentsOf(lost.events);
    const asked = faked.voice.requests.length;
    const received = [
      {
        response_id: responseIn(lost.events, 'response.created')['id'],
        samples: had.map(({ length }) => 3 * length),
        played_ms: 0,
        done: false,
      },
    ];
    const query = new URLSearchParams({
      resume: String(lost.events.find(({ type }) => type === 'parley.session')?.['resume_token']),
      last_event_id: String(lost.events.at(-1)?.event_id),
      received: JSON.stringify(received),
    });
    const back = await connect(undefined, ['parley.v1'], `?${query}`);
    await back.waitFor('response.done');
    const first = back.events.find(({ type }) => type === DELTA);
    expect(had).toHaveLength(2);
    expect([first?.['segment'], first?.['first_sample']]).toEqual([1, 3 * (had[1]?.length ?? 0)]);

    const heard = segmentsOf([...lost.events, ...back.events]);
    // The voice was asked for the rest of the segment, from a word on.
    const rest = String(faked.voice.requests[asked]?.body['input']).trim().length * SAMPLES_PER_CHARACTER;
    const samples = whole.map((pcm, segment) => (segment === 1 ? 3 * (had[1]?.length ?? 0) + rest : pcm.length / 2));
    expect(heard.map(({ length }) => length)).toEqual(samples.map((each) => Math.ceil(each / 3)));
    for (const [segment, coded] of [had[0], had[1], heard[2]].entries()) {
      expect(likenessDb(Array.from(coded ?? [], fromMuLaw), whole[segment] ?? Buffer.alloc(0))).toBeGreaterThan(25);
    }
  });

  /** Audio by segment, each piece where the one before it ended. */
  function segmentsOf(events: readonly WireEvent[], samplesPerByte = 3): Buffer[] {
    const segments: Buffer[] = [];
    for (const event of events.filter(({ type }) => type === DELTA)) {
      const at = Number(event['segment']);
      expect(event['first_sample']).toBe(samplesPerByte * (segments[at]?.length ?? 0));
      segments[at] = Buffer.concat([segments[at] ?? Buffer.alloc(0), Buffer.from(String(event['delta']), 'base64')]);
    }
    return segments;
  }
});
