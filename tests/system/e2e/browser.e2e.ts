import { startFakeProviders } from '@parley/fakes';
import type { Browser } from 'playwright-core';
import { expectedOf, heardFaults, runsIn, withoutPauses } from '../chaos/heard-samples';
import { launchBrowser } from '../support/browser';
import { scrape, type ClusterMember } from '../support/cluster-process';
import { startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { npmStart } from '../support/npm-start';
import { LONG_WINDOW_MS, SILENCE_RMS, SOUND_RMS, type Moment, type PageRecording } from '../support/page-recording';
import { answerInTones, FOREST, MOUNTAIN, questionFor, RIVER } from '../support/tone-answers';
import { WebPage } from '../support/web-page';

jest.setTimeout(120_000);

/** The first start of all may have to install and build. */
const START_TIMEOUT_MS = 400_000;
const INTERRUPT_BOUND_MS = 100;
const SILENT_FOR_MS = 2000;
/** At 10 ms a frame 200 are usual; a busy machine takes some. Whatever falls between two is in the next one's peak. */
const MIN_FRAMES = 50;
/** Of a tone that sounds alone, and of one that does not: a full one has -25, the window's leakage is far below -70. */
const TONE_SOUNDS_DB = -40;
const TONE_ABSENT_DB = -60;
const API_KEY = 'key-of-the-browser-test';

/** What a conversation needs to know of where it takes place. */
interface Stand {
  url: string;
  page: WebPage;
  /** Long to answer, short, and long again. */
  questions: readonly [string, string, string];
  /** The frequency of each answer, where it is a tone. */
  tonesHz: readonly number[];
  /** A sentence of the second answer. */
  secondAnswer: string;
  /** Of the screenshots. */
  name: string;
}

const TONE_QUESTIONS = {
  questions: [questionFor(RIVER), questionFor(MOUNTAIN), questionFor(FOREST)],
  tonesHz: [RIVER.hz, MOUNTAIN.hz, FOREST.hz],
  secondAnswer: MOUNTAIN.text,
} as const;

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
}, START_TIMEOUT_MS);

afterAll(() => browser?.close());

describe('npm start, with the built-in voice and demo', () => {
  let stand: Stand;
  let stop: () => Promise<void> = async () => {};

  beforeAll(async () => {
    const started = await startStandalone();
    stop = started.stop;
    stand = {
      url: started.url,
      page: await WebPage.open(browser, started.url, 'light'),
      questions: ['Tell me a story', 'Thanks', 'Please tell me that story once more'],
      tonesHz: [],
      // It knows that it was interrupted: history is what was heard.
      secondAnswer: 'You interrupted me; the last you heard was:',
      name: 'standalone',
    };
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await stand?.page.close();
    await stop();
  });

  converses(() => stand);
});

describe('npm start, with providers over HTTP', () => {
  let stand: Stand;
  let stop: () => Promise<void> = async () => {};

  beforeAll(async () => {
    const providers = await startFakeProviders();
    stop = () => providers.close();
    answerInTones(providers, providers);
    const { url } = providers;
    const started = await startStandalone({
      OPENAI_BASE_URL: url,
      PARLEY_TTS_BASE_URL: url,
      OPENAI_API_KEY: 'sk-test',
    });
    stop = async () => {
      await started.stop();
      await providers.close();
    };
    const page = await WebPage.open(browser, started.url, 'dark');
    stand = { url: started.url, page, ...TONE_QUESTIONS, name: 'standalone-http' };
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await stand?.page.close();
    await stop();
  });

  converses(() => stand);

  it('says that the connection is away when the server is stopped, and that it tries to get it back', async () => {
    const { page } = stand;
    await stop();
    await page.get('reconnecting').waitFor();
    await page.waitForText('connection', 'Reconnecting');
    expect(await page.get('lost').count()).toBe(0);
  });
});

describe('a cluster with two of each', () => {
  let stand: Stand;
  let faked: FakedCluster | undefined;

  beforeAll(async () => {
    const replicas = ['--gateway', '2', '--orchestrator', '2', '--tts', '2', '--avatar', '2'];
    faked = await startFakedCluster(replicas, { PARLEY_API_KEYS: API_KEY });
    answerInTones(faked.llm, faked.voice);
    const { url } = faked.cluster;
    stand = { url, page: await WebPage.open(browser, url, 'dark'), ...TONE_QUESTIONS, name: 'cluster' };
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await stand?.page.close();
    await faked?.stop();
  });

  it('asks for the key that it needs, and again when it is a wrong one', async () => {
    const { page } = stand;
    await page.waitForAlert('wants an API key');
    await page.screenshot('cluster-key');
    await page.get('key').fill('a-wrong-key');
    await page.press('Enter');
    await page.waitForAlert('refused that key');
    expect(await page.get('connection').textContent()).toContain('Not connected');
    // What a browser itself says of an upgrade that was refused: of `dev`, and of the wrong one.
    expect(page.errors.splice(0)).toEqual(Array(2).fill(expect.stringMatching(/^WebSocket connection to .* failed/)));

    await page.get('key').fill(API_KEY);
    await page.press('Enter');
    await page.waitForText('connection', 'Connected');
    expect(await page.get('key').count()).toBe(0);
    expect(page.addresses.filter((address) => address.includes(API_KEY))).toEqual([]);
  });

  converses(() => stand);

  it('says that it reconnects while all gateways are killed, and goes on with the answer by itself', async () => {
    const { page, questions } = stand;
    const { recording } = page;
    const cluster = faked?.cluster;
    if (cluster === undefined) throw new Error('the cluster does not run');
    await page.ask(questions[2]);
    const sent = recording.latest('send');
    await page.until('it speaks', () => recording.soundMs(sent.audioMs) > 500, 30_000);
    for (const { pid } of cluster.running('gateway')) process.kill(pid, 'SIGKILL');
    await page.get('reconnecting').waitFor();
    await page.screenshot('cluster-reconnecting');
    await page.waitForText('connection', 'Connected', 60_000);
    const again = recording.frames.at(-1)?.audioMs ?? 0;
    await page.until('it speaks on', () => recording.soundMs(again) > 500, 30_000);
    expect(await page.get('lost').count()).toBe(0);
    expect(await page.get('answer').last().getAttribute('data-outcome')).toBe('running');
    expect(recording.violations).toEqual([]);
  });
});

describe('a page whose gateway is killed in mid-answer', () => {
  const SAMPLES_PER_CHARACTER = 1440;
  const ANSWER = [
    'The lighthouse stands on the last rock before the open sea.',
    'Its lamp was lit by hand for a hundred and forty years.',
    'The keeper counted ships by day and stars by night.',
    'Nobody lives there now, and the lamp turns by itself.',
  ].join(' ');
  let page: WebPage;
  let faked: FakedCluster;

  beforeAll(async () => {
    faked = await startFakedCluster(['--gateway', '2'], { PARLEY_TTS_DETERMINISTIC: 'yes' });
    faked.llm.setDefaultChat({ kind: 'answer', text: ANSWER });
    // At the pace of speech: half of it is not made yet when the gateway dies.
    faked.voice.setDefaultSpeech({
      kind: 'voice',
      content: 'indexed',
      samplesPerCharacter: SAMPLES_PER_CHARACTER,
      pace: 1,
    });
    page = await WebPage.open(browser, faked.cluster.url, 'light', 'bypassed');
    await page.waitForText('connection', 'Connected');
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await page?.close();
    await faked?.stop();
  });

  it('[G6] goes on by itself with one reconnect, and each sample of the answer is heard once', async () => {
    await page.keepSamples();
    await page.ask('Tell me about the lighthouse');
    const sent = page.recording.latest('send');
    await page.until('it speaks', (recording) => recording.soundMs(sent.audioMs) > 3_000, 30_000);
    process.kill((await carrier(faked)).pid, 'SIGKILL');
    await page.until('the answer ended', () => page.recording.statesSince(sent).at(-1) === 'listening', 60_000);

    const expected = expectedOf(segmentsOf(page), SAMPLES_PER_CHARACTER);
    expect(expected.map(({ text }) => text).join(' ')).toBe(ANSWER);
    const lengths = new Map(expected.map(({ textHash, samples }) => [textHash, samples]));
    const samples = await page.samples();
    const runs = runsIn(samples, (hash) => lengths.get(hash));
    expect(heardFaults(withoutPauses(runs, samples), expected)).toEqual([]);
    expect(page.sockets.map(({ searchParams }) => searchParams.has('resume'))).toEqual([false, true]);
    expect(await page.get('answer').last().getAttribute('data-outcome')).toBe('completed');
    expect(await page.get('turn').count()).toBe(1);
  });

  it('goes on with the conversation after a reload in mid-answer', async () => {
    await page.ask('And once more');
    const sent = page.recording.latest('send');
    await page.until('it speaks', (recording) => recording.soundMs(sent.audioMs) > 1_000, 30_000);
    const heardBefore = page.recording.frames.length;
    await page.reload();
    await page.waitForText('connection', 'Connected');
    const { searchParams } = page.sockets.at(-1) ?? new URL(faked.cluster.url);
    expect([...searchParams.keys()].sort()).toEqual(['audio', 'resume']);
    const speaksOn = ({ frames }: PageRecording) => frames.slice(heardBefore).some(({ rms }) => rms > SOUND_RMS);
    await page.until('it speaks on', speaksOn, 30_000);
    await page.waitForText('state', 'listening', 60_000);

    await page.ask('What did I ask first?');
    await page.waitForText('answer', 'The lighthouse', 30_000);
    const last = faked.llm.requests.at(-1);
    expect(JSON.stringify(last?.body)).toContain('Tell me about the lighthouse');
  });
});

/** The gateway that carries the page. */
async function carrier({ cluster }: FakedCluster): Promise<ClusterMember> {
  for (const member of cluster.running('gateway')) {
    if ((await scrape(member.metricsUrl, 'parley_sessions_active', { role: 'gateway' })) > 0) return member;
  }
  throw new Error('no gateway carries a session');
}

/** The texts of the answer's segments as they arrived at the page. */
const segmentsOf = ({ events }: WebPage): string[] =>
  events.filter(({ type }) => type === 'response.output_audio_transcript.delta').map(({ delta }) => String(delta));

/** On a free port; resolves when it is ready. */
async function startStandalone(env: Readonly<Record<string, string>> = {}) {
  const started = npmStart('npm', { PARLEY_PORT: '0', ...env });
  const stop = async (): Promise<void> => {
    started.child.kill('SIGTERM');
    await started.exited;
  };
  try {
    return { url: await started.ready(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A conversation on one page, step by step: each test goes on where the one before ended. */
function converses(standNow: () => Stand): void {
  /** Asks, and waits until the answer has sounded for so long, or longer. */
  const startAnswer = async (question: string, soundMs: number): Promise<Moment> => {
    const { page } = standNow();
    await page.waitForText('connection', 'Connected');
    await page.ask(question);
    const sent = page.recording.latest('send');
    await page.until('it speaks', (recording) => recording.soundMs(sent.audioMs) >= soundMs, 30_000);
    return sent;
  };

  const expectSilenceAfter = async (action: 'interrupt' | 'escape'): Promise<void> => {
    const { page } = standNow();
    const { recording } = page;
    await page.until('the page noticed', () => recording.actions.at(-1)?.action === action);
    await page.listen(INTERRUPT_BOUND_MS + SILENT_FOR_MS + 50);
    const { audioMs } = recording.latest(action);
    expect(recording.loudBetween(audioMs - 500, audioMs).length).toBeGreaterThan(0);

    const fromMs = audioMs + INTERRUPT_BOUND_MS;
    const heard = recording.loudness(fromMs, fromMs + SILENT_FOR_MS);
    expect(heard.loudestRms).toBeLessThan(SILENCE_RMS);
    expect(heard.loudestPeak).toBeLessThan(SILENCE_RMS);
    // Silence that nobody listened to proves nothing.
    expect(heard.frames).toBeGreaterThanOrEqual(MIN_FRAMES);
    expect(heard.longestGapMs).toBeLessThan(LONG_WINDOW_MS);
  };

  /** From here on this tone was heard, and no other one. */
  const expectTones = (fromMs: number, sounding: number): void => {
    const { page, tonesHz } = standNow();
    // What a frame's spectrum tells about begins a window earlier.
    const frames = page.recording.framesBetween(fromMs + LONG_WINDOW_MS);
    for (const [index] of tonesHz.entries()) {
      const loudestDb = Math.max(...frames.map(({ tonesDb }) => tonesDb[index] ?? NaN));
      if (index === sounding) expect(loudestDb).toBeGreaterThan(TONE_SOUNDS_DB);
      else expect(loudestDb).toBeLessThan(TONE_ABSENT_DB);
    }
  };

  let first: Moment;
  let second: Moment;

  it('is silent, with a closed mouth, before anything was said', async () => {
    const { page, tonesHz } = standNow();
    await page.waitForText('connection', 'Connected');
    await page.watchTones(tonesHz);
    await page.listen(700);
    expect(Math.max(...page.recording.frames.map(({ peak }) => peak))).toBe(0);
    expect(page.recording.mouthsInSilence().length).toBeGreaterThan(0);
    expect(Math.max(...page.recording.mouths.map(({ open }) => open))).toBe(0);
  });

  it('speaks, its mouth moving, while its text still streams', async () => {
    const { page, questions, name } = standNow();
    const { recording } = page;
    first = await startAnswer(questions[0], 500);
    await page.until('the mouth has opened four times', () => recording.mouthOpenings(first.audioMs) >= 4, 20_000);
    const speaking = recording.loudBetween(first.audioMs);
    expect(recording.soundMs(first.audioMs)).toBeGreaterThanOrEqual(500);
    expect(new Set(speaking.map(({ answerCharacters }) => answerCharacters)).size).toBeGreaterThanOrEqual(3);
    expectTones(first.audioMs, 0);
    await page.screenshot(`${name}-speaking`);
  });

  it('shows the state, and the time to the first audio as it was heard', async () => {
    const { page } = standNow();
    const { recording } = page;
    expect(recording.statesSince(first)).toEqual(['thinking', 'speaking']);
    const shown = /^(\d+) ms$/.exec((await page.get('first-audio').last().textContent()) ?? '')?.[1];
    const firstSound = recording.frames.find(({ audioMs, rms }) => audioMs > first.audioMs && rms > SILENCE_RMS);
    const heardMs = (firstSound?.atMs ?? NaN) - first.atMs;
    expect(Math.abs(Number(shown) - heardMs)).toBeLessThan(200);
  });

  it('is silent from 100 ms after the click on Interrupt, for 2 s, and closes its mouth', async () => {
    const { page } = standNow();
    const { recording } = page;
    await page.until('it sounds now', () => (recording.frames.at(-1)?.rms ?? 0) > SOUND_RMS);
    await page.get('interrupt').click();
    await expectSilenceAfter('interrupt');
    const { audioMs } = recording.latest('interrupt');
    const closed = recording.mouths.filter((mouth) => mouth.audioMs > audioMs + 300);
    expect(closed.length).toBeGreaterThan(0);
    expect(Math.max(...closed.map(({ open }) => open))).toBe(0);
    expect(recording.states.at(-1)?.state).toBe('listening');
    expect(await page.get('answer').last().getAttribute('data-outcome')).toBe('interrupted');
    expect(await page.get('heard').last().textContent()).not.toBe('');
  });

  it('answers the next question, to its end, and nothing of the first is heard again', async () => {
    const { page, questions, secondAnswer } = standNow();
    const { recording } = page;
    second = await startAnswer(questions[1], 500);
    await page.until('the answer ended', () => recording.statesSince(second).at(-1) === 'listening', 40_000);
    await page.listen(LONG_WINDOW_MS + 300);
    expect(recording.statesSince(second)).toEqual(['thinking', 'speaking', 'listening']);
    expect(await page.get('answer').last().textContent()).toContain(secondAnswer);
    expect(await page.get('answer').last().getAttribute('data-outcome')).toBe('completed');
    expectTones(recording.latest('interrupt').audioMs + INTERRUPT_BOUND_MS, 1);
    expect(recording.mouthOpenings(second.audioMs)).toBeGreaterThanOrEqual(4);

    const endedMs = recording.loudBetween(second.audioMs).at(-1)?.audioMs ?? NaN;
    expect(recording.states.at(-1)?.audioMs).toBeGreaterThan(endedMs - 100);
    expect(recording.frames.at(-1)?.peak).toBeLessThan(SILENCE_RMS);
    expect(recording.mouths.at(-1)?.open).toBe(0);
  });

  it('is silent from 100 ms after Escape as well', async () => {
    const { page, questions } = standNow();
    const { recording } = page;
    await startAnswer(questions[2], 300);
    await page.until('it sounds now', () => (recording.frames.at(-1)?.rms ?? 0) > SOUND_RMS);
    await page.press('Escape');
    await expectSilenceAfter('escape');
    expect(await page.get('answer').last().getAttribute('data-outcome')).toBe('interrupted');
  });

  it('never moved its mouth in silence', () => {
    const { recording } = standNow().page;
    const drawn = recording.mouthsInSilence();
    expect(drawn.length).toBeGreaterThan(50);
    expect(Math.max(...drawn)).toBeLessThan(0.05);
  });

  it('had no error, broke no policy and asked nobody else for anything', () => {
    const { page, url } = standNow();
    expect(page.errors).toEqual([]);
    expect(page.recording.violations).toEqual([]);
    const { host } = new URL(url);
    expect(page.addresses.length).toBeGreaterThan(3);
    expect(page.addresses.filter((address) => new URL(address).host !== host)).toEqual([]);
  });
}
