import { startFakeProviders, type ChatBehaviour, type SpeechBehaviour } from '@parley/fakes';
import { scrape, type ClusterMember } from '../support/cluster-process';
import { INSTRUCTIONS, PROVIDER_KEY, startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { HeardOracle } from '../support/heard-oracle';
import { isAudioOf } from '../support/indexed-audio';
import { environmentOf } from '../support/processes';
import { speakTurn, type SpokenTurn } from '../support/spoken-turn';
import { TestClient } from '../support/test-client';

/** In every text of a user, of the model and of a refusal: none of it is for a log. */
const MARKER = 'wombat';
const INTERRUPTION_MARK = ' [interrupted by the user]';
const ANSWER = `The ${MARKER} wakes up at dusk. Then it goes to look for roots to eat.`;
const SAMPLES_PER_CHARACTER = 120;

/** G2: every wait has its bound; what two busy cores add to it is not the product's. */
const BOUND_MS = 5_000;
const FIRST_TOKEN_BOUND_MS = 20_000;
const SLACK_MS = 1_000;

const refusal = (status: number, extra: { retryAfterSeconds?: number } = {}): ChatBehaviour & SpeechBehaviour => ({
  kind: 'status',
  status,
  code: null,
  message: `refused, said the ${MARKER}`,
  ...extra,
});

jest.setTimeout(60_000);

describe('providers over real sockets', () => {
  let faked: FakedCluster;
  let client: TestClient;
  let slowStart: Promise<SpokenTurn>;
  let questions = 0;

  const question = (): string => `Question ${++questions} about the ${MARKER}?`;
  const only = (role: ClusterMember['role']): ClusterMember => {
    const [member] = faked.cluster.running(role);
    if (!member) throw new Error(`no ${role} is running`);
    return member;
  };
  const llmFailures = (labels: Record<string, string> = {}): Promise<number> =>
    scrape(only('orchestrator').metricsUrl, 'parley_llm_failures_total', labels);
  const ttsFailures = (labels: Record<string, string> = {}): Promise<number> =>
    scrape(only('tts').metricsUrl, 'parley_tts_failures_total', labels);

  /** What the model was asked for a question: exactly one request, or the test fails. */
  const askedFor = (text: string): { role: string; content: string }[] => {
    const asked = faked.llm.requests.flatMap((request) =>
      request.kind === 'chat' && request.text === text ? [request.body.messages ?? []] : [],
    );
    expect(asked).toHaveLength(1);
    return (asked[0] ?? []).map(({ role, content }) => ({ role, content: String(content) }));
  };

  /** The session goes on, and the model is told of the failed answer what was heard of it. */
  const expectNextTurn = async (failedQuestion: string, failed: SpokenTurn): Promise<void> => {
    expect(askedFor(failedQuestion).at(-1)).toEqual({ role: 'user', content: failedQuestion });
    const received = client.received(failed.responseId);
    const oracle = new HeardOracle();
    oracle.measure(failed.responseId, failed.texts, received);
    const heard = oracle.heard(failed.texts, received, failed.samples);
    const next = question();
    const turn = await speakTurn(client, next);
    expect(turn).toMatchObject({ status: 'completed', errors: [] });
    expect(turn.texts.join('')).toBe(ANSWER);
    expect(isAudioOf(client, turn.responseId, turn.texts, SAMPLES_PER_CHARACTER)).toBe(true);
    expect(askedFor(next)).toEqual([
      { role: 'system', content: INSTRUCTIONS },
      { role: 'user', content: failedQuestion },
      ...(heard === '' ? [] : [{ role: 'assistant', content: heard + INTERRUPTION_MARK }]),
      { role: 'user', content: next },
    ]);
  };

  beforeAll(async () => {
    faked = await startFakedCluster();
    faked.llm.setDefaultChat({ kind: 'answer', text: ANSWER });
    const slow = question();
    faked.llm.chatRule(({ text }) => (text === slow ? { kind: 'stall', afterTokens: 0, text: '' } : undefined));
    const patient = await TestClient.connect({ url: faked.cluster.url });
    // Its 20 s pass while the other tests run.
    slowStart = speakTurn(patient, slow, FIRST_TOKEN_BOUND_MS + 10_000).then(async (turn) => {
      expect(await speakTurn(patient, question())).toMatchObject({ status: 'completed' });
      await patient.close();
      return turn;
    });
    slowStart.catch(() => undefined);
    // A queued behaviour would be taken by this request.
    await faked.llm.waitForRequest((request) => request.text === slow, BOUND_MS);
  });

  afterAll(() => faked?.stop());

  beforeEach(async () => {
    client = await TestClient.connect({ url: faked.cluster.url });
  });

  afterEach(() => client.close());

  describe('a language model', () => {
    const pace = { text: ANSWER, tokenDelayMs: 40 };

    it.each<[string, string, ChatBehaviour]>([
      ['stalls in mid-answer', 'timeout', { kind: 'stall', afterTokens: 9, text: ANSWER }],
      ['is cut off in mid-answer', 'cut', { kind: 'cut', afterTokens: 9, ...pace }],
      ['refuses the key (401)', 'unauthorized', refusal(401)],
      ['has had enough (429 with Retry-After)', 'rate_limited', refusal(429, { retryAfterSeconds: 2 })],
      ['is broken (500)', 'unavailable', refusal(500)],
      ['answers with garbage', 'invalid_answer', { kind: 'garbage' }],
      ['answers with a web page', 'invalid_answer', { kind: 'html' }],
      ['answers with nothing', 'empty_answer', { kind: 'empty' }],
    ])(
      '[G2][G4] that %s: the response fails with llm_unavailable within 5 s, counted as %s; the next turn works',
      async (_what, kind, behaviour) => {
        const before = await llmFailures({ kind });
        faked.llm.nextChat(behaviour);
        const asked = question();
        const turn = await speakTurn(client, asked);
        expect(turn).toMatchObject({ status: 'failed', errorCode: 'llm_unavailable' });
        expect(turn.tookMs).toBeLessThan(BOUND_MS + SLACK_MS);
        expect(await llmFailures({ kind })).toBe(before + 1);
        await expectNextTurn(asked, turn);
      },
    );

    // Once may be a kept connection that the server had just given up: that is tried again, and no failure.
    it('[G2] that hangs up before it answers, always: the response fails with llm_unavailable; the next turn works', async () => {
      const before = await llmFailures({ kind: 'unavailable' });
      const behaviour: ChatBehaviour = { kind: 'cut', afterTokens: 0, text: '', beforeHeaders: true };
      const stopHangingUp = faked.llm.chatRule(() => behaviour);
      const turn = await speakTurn(client, question());
      expect(turn).toMatchObject({ status: 'failed', errorCode: 'llm_unavailable', texts: [] });
      expect(await llmFailures({ kind: 'unavailable' })).toBe(before + 1);
      stopHangingUp();
      expect(await speakTurn(client, question())).toMatchObject({ status: 'completed' });
    });

    it.each([
      ['a picture', '😀 🎉'],
      ['a block of code', '```js\nconst wombat = findWombat();\n```'],
      ['an address', 'https://example.com/wombat?page=2'],
    ])('that answers with nothing speakable (%s): the response completes with text and no sound', async (_, text) => {
      const failuresBefore = (await llmFailures()) + (await ttsFailures());
      const spokenBefore = faked.voice.requests.length;
      faked.llm.nextChat({ kind: 'answer', text });
      const turn = await speakTurn(client, question());
      expect(turn.texts.join('').trimEnd()).toBe(text);
      expect(faked.voice.requests.slice(spokenBefore).map((request) => request.text)).toEqual([]);
      expect(turn).toMatchObject({ status: 'completed', errors: [], samples: 0 });
      expect((await llmFailures()) + (await ttsFailures())).toBe(failuresBefore);
      expect(await speakTurn(client, question())).toMatchObject({ status: 'completed' });
    });
  });

  describe('a voice', () => {
    const good: SpeechBehaviour = { kind: 'voice', samplesPerCharacter: SAMPLES_PER_CHARACTER, content: 'indexed' };
    const { kind: _kind, ...voice } = good;
    const someBytes = 2 * SAMPLES_PER_CHARACTER * 12 + 1;

    it.each<[string, string, SpeechBehaviour[]]>([
      ['stalls after some bytes', 'timeout', [{ kind: 'stall', afterBytes: someBytes, voice }]],
      ['never answers', 'timeout', [{ kind: 'stall', afterBytes: 0, beforeHeaders: true }]],
      ['is cut off in the second segment', 'cut', [good, { kind: 'cut', afterBytes: someBytes, voice }]],
      ['refuses the key (401)', 'unauthorized', [refusal(401)]],
      ['has had enough (429 with Retry-After)', 'rate_limited', [refusal(429, { retryAfterSeconds: 2 })]],
      ['is broken (500) from the second segment on', 'unavailable', [good, refusal(500)]],
      ['answers with JSON', 'invalid_answer', [{ kind: 'garbage' }]],
      ['answers with a web page', 'invalid_answer', [{ kind: 'garbage', body: 'html' }]],
      ['answers with no byte', 'empty_answer', [{ kind: 'empty' }]],
    ])(
      '[G2][G4] that %s: the response fails with tts_unavailable within 5 s, counted as %s; the next turn works',
      async (_what, kind, behaviours) => {
        const before = await ttsFailures({ kind });
        for (const behaviour of behaviours) faked.voice.nextSpeech(behaviour);
        const asked = question();
        const turn = await speakTurn(client, asked);
        expect(turn).toMatchObject({ status: 'failed', errorCode: 'tts_unavailable' });
        expect(turn.tookMs).toBeLessThan(BOUND_MS + SLACK_MS);
        expect(await ttsFailures({ kind })).toBe(before + 1);
        // What came before the failure was heard.
        if (behaviours.length > 1) expect(client.received(turn.responseId)[0]).toMatchObject({ last: true });
        await expectNextTurn(asked, turn);
      },
    );

    it('[G2] that hangs up before it answers, always: the response fails with tts_unavailable; the next turn works', async () => {
      const before = await ttsFailures({ kind: 'unavailable' });
      const behaviour: SpeechBehaviour = { kind: 'cut', afterBytes: 0, beforeHeaders: true };
      const stopHangingUp = faked.voice.speechRule(() => behaviour);
      const asked = question();
      const turn = await speakTurn(client, asked);
      expect(turn).toMatchObject({ status: 'failed', errorCode: 'tts_unavailable', samples: 0 });
      expect(await ttsFailures({ kind: 'unavailable' })).toBe(before + 1);
      stopHangingUp();
      await expectNextTurn(asked, turn);
    });

    it('that cuts its bytes in the middle of samples is heard sample for sample', async () => {
      faked.voice.nextSpeech({ ...good, oddChunks: true });
      faked.voice.nextSpeech({ ...good, oddChunks: true, chunkMs: 7 });
      const turn = await speakTurn(client, question());
      expect(turn).toMatchObject({ status: 'completed', errors: [] });
      expect(isAudioOf(client, turn.responseId, turn.texts, SAMPLES_PER_CHARACTER)).toBe(true);
    });

    it('[G2] that cannot be reached fails the response at once; when it is back the next turn works', async () => {
      const port = Number(new URL(faked.voice.origin).port);
      await faked.voice.close();
      const before = await ttsFailures({ kind: 'unavailable' });
      const asked = question();
      const turn = await speakTurn(client, asked);
      expect(turn).toMatchObject({ status: 'failed', errorCode: 'tts_unavailable', samples: 0 });
      expect(turn.tookMs).toBeLessThan(BOUND_MS);
      expect(await ttsFailures({ kind: 'unavailable' })).toBe(before + 1);
      faked.voice = await startFakeProviders({ port, apiKeys: [PROVIDER_KEY] });
      faked.voice.setDefaultSpeech(good);
      await expectNextTurn(asked, turn);
    });
  });

  it('[G2] a language model that never begins is given up after 20 s; the next turn works', async () => {
    const turn = await slowStart;
    expect(turn).toMatchObject({ status: 'failed', errorCode: 'llm_unavailable', texts: [] });
    expect(turn.tookMs).toBeGreaterThan(FIRST_TOKEN_BOUND_MS - SLACK_MS);
    expect(turn.tookMs).toBeLessThan(FIRST_TOKEN_BOUND_MS + SLACK_MS);
  });

  it('[G2] a language model that cannot be reached fails the response at once; when it is back the next turn works', async () => {
    const port = Number(new URL(faked.llm.origin).port);
    await faked.llm.close();
    const before = await llmFailures({ kind: 'unavailable' });
    const turn = await speakTurn(client, question());
    expect(turn).toMatchObject({ status: 'failed', errorCode: 'llm_unavailable', texts: [] });
    expect(turn.tookMs).toBeLessThan(BOUND_MS);
    expect(await llmFailures({ kind: 'unavailable' })).toBe(before + 1);
    faked.llm = await startFakeProviders({ port, apiKeys: [PROVIDER_KEY] });
    faked.llm.setDefaultChat({ kind: 'answer', text: ANSWER });
    expect(await speakTurn(client, question())).toMatchObject({ status: 'completed' });
  });

  it('a response that fails says why in response.done, and sends no error event, which some clients do not survive', async () => {
    faked.llm.nextChat(refusal(500));
    expect(await speakTurn(client, question())).toMatchObject({ errors: [], errorCode: 'llm_unavailable' });
  });

  it('no process wrote the key, what was said, or what a provider said of its failure', async () => {
    const output = faked.cluster.output();
    expect(output.match(/a provider failed/g)?.length).toBeGreaterThan(20);
    const metrics = await Promise.all(
      faked.cluster.announced.map(async ({ metricsUrl }) => (await fetch(metricsUrl)).text()),
    );
    for (const text of [output, ...metrics]) {
      expect(text).not.toContain(PROVIDER_KEY);
      expect(text).not.toContain(MARKER);
    }
  });

  it('only the processes that ask a provider were given its key', () => {
    const keyOf = (role: ClusterMember['role']): string | undefined => environmentOf(only(role).pid)['OPENAI_API_KEY'];
    expect(keyOf('orchestrator')).toBe(PROVIDER_KEY);
    expect(keyOf('tts')).toBe(PROVIDER_KEY);
    expect(keyOf('gateway')).toBeUndefined();
    expect(keyOf('avatar')).toBeUndefined();
  });
});
