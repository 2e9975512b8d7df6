import { startFakeProviders, lastUserText, type FakeProviders } from '@parley/fakes';
import { scrape, startCluster, type ClusterProcess } from '../support/cluster-process';
import { Judge, type Verdict } from '../support/judge';
import { converse, seededRandom, type ReportingHabit, type TurnPlan } from '../support/random-conversation';

/** Sessions × turns = 200 random turns, of which 120 are interrupted. */
const SESSIONS = 20;
const HABITS: readonly ReportingHabit[] = ['honest', 'silent', 'too-much', 'backwards', 'stops'];
const PLANS: readonly TurnPlan[] = [
  ...Array<TurnPlan>(4).fill('complete'),
  ...Array<TurnPlan>(3).fill('interrupt-playing'),
  ...Array<TurnPlan>(2).fill('interrupt-after-done'),
  'interrupt-before-audio',
];
const INSTRUCTIONS = 'Answer in a few sentences.';
const SEED = 20_261_121;

jest.setTimeout(240_000);

describe('[G1][G2][G3][G4][G5] 200 random turns on real NATS and Redis, two of every service', () => {
  let providers: FakeProviders;
  let cluster: ClusterProcess;
  const verdicts: Verdict[] = [];
  let repeated = 0;

  beforeAll(async () => {
    providers = await startFakeProviders();
    providers.setDefaultChat({ kind: 'answer', text: (messages) => answerTo(lastUserText(messages)), tokenDelayMs: 2 });
    // 250 samples a character: a sentence of 40 characters lasts 0.4 s; four times faster than real time.
    providers.setDefaultSpeech({ kind: 'voice', samplesPerCharacter: 250, pace: 4 });
    cluster = await startCluster(['--gateway', '2', '--orchestrator', '2', '--tts', '2', '--avatar', '1'], {
      OPENAI_BASE_URL: providers.url,
      PARLEY_TTS_BASE_URL: providers.url,
      OPENAI_API_KEY: 'sk-test',
      PARLEY_TTS: 'openai',
      PARLEY_INSTRUCTIONS: INSTRUCTIONS,
      PARLEY_LOG_LEVEL: 'warn',
    });
    const random = seededRandom(SEED);
    const runs = Array.from({ length: SESSIONS }, async (_, session) => {
      const habit = HABITS[session % HABITS.length] ?? 'honest';
      const own = seededRandom(Math.floor(random() * 2 ** 32));
      const result = await converse(cluster.url, session, habit, shuffled(PLANS, own), own);
      repeated += result.repeated;
      const asked = providers.requests.flatMap((request) =>
        request.kind === 'chat' && request.body.messages && request.text.startsWith(`question s${session} `)
          ? [{ messages: request.body.messages.map(({ role, content }) => ({ role, content: String(content) })) }]
          : [],
      );
      verdicts.push(new Judge(INSTRUCTIONS, habit === 'honest' ? 'exact' : 'bounded').judge(result.log, asked));
    });
    await Promise.all(runs).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${cluster.output()}`);
    });
  });

  afterAll(async () => {
    await cluster?.stop();
    await providers?.close();
  });

  const sum = (pick: (verdict: Verdict) => number): number => verdicts.reduce((total, each) => total + pick(each), 0);

  it('[G1][G3][G4] no client saw a violation', () => {
    expect(verdicts.flatMap((verdict) => verdict.violations).slice(0, 10)).toEqual([]);
    expect(verdicts).toHaveLength(SESSIONS);
  });

  it('[G2] every turn was accepted once and ended', () => {
    expect(sum((verdict) => verdict.accepted)).toBe(SESSIONS * PLANS.length);
  });

  it('interrupted at every stage: after the first audio, after response.done, before the first sample', () => {
    expect(sum((verdict) => verdict.interrupted.total)).toBeGreaterThanOrEqual(100);
    expect(sum((verdict) => verdict.interrupted.afterFirstAudio)).toBeGreaterThanOrEqual(60);
    expect(sum((verdict) => verdict.interrupted.afterDone)).toBeGreaterThanOrEqual(20);
    expect(sum((verdict) => verdict.interrupted.beforeAudio)).toBeGreaterThanOrEqual(5);
    expect(sum((verdict) => verdict.heardCompared)).toBeGreaterThanOrEqual(80);
  });

  it('[SP6] a repeated turn id got turn_duplicate', async () => {
    expect(repeated).toBeGreaterThan(10);
    const counted = await Promise.all(
      cluster
        .running('gateway')
        .map((member) => scrape(member.metricsUrl, 'parley_errors_total', { code: 'turn_duplicate' })),
    );
    expect(counted.reduce((total, each) => total + each, 0)).toBe(repeated);
  });
});

/** A deterministic answer of two to four sentences of different length. */
function answerTo(question: string): string {
  const random = seededRandom([...question].reduce((hash, char) => (hash * 31 + char.charCodeAt(0)) >>> 0, 7));
  const words = ['river', 'mountain', 'window', 'a', 'the', 'quiet', 'music', 'evening', 'so', 'garden', 'traveller'];
  const sentence = (): string => {
    const length = 4 + Math.floor(random() * 9);
    const text = Array.from({ length }, () => words[Math.floor(random() * words.length)]).join(' ');
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
  };
  return Array.from({ length: 2 + Math.floor(random() * 3) }, sentence).join(' ');
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}
