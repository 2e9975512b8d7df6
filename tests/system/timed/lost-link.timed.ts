import WebSocket from 'ws';
import { systemPorts } from '@parley/adapter-system';
import { ParleyClient, Playout, describeClosedReason } from '@parley/client';
import type { AudioOutput, ClientSocketConstructor, ConnectionStatus } from '@parley/client';
import { startTcpProxy, type TcpProxy } from '@parley/harness';
import { samplesOfBytes, samplesOfMs } from '@parley/model';
import { Ear } from '../chaos/ear';
import { startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { indexedAudio } from '../support/indexed-audio';
import { TestClient } from '../support/test-client';
import { until } from '../support/until';

/** 20 ms a character: each sentence is heard for some 0.8 s, all of them for 6.5 s. */
const SAMPLES_PER_CHARACTER = 480;
const QUESTION = 'Tell me a story.';
const SENTENCES = Array.from({ length: 8 }, (_, index) => `This is sentence number ${index} of a story.`);
/** Hardly faster than it is heard: a client has next to nothing in hand. */
const VOICE_PACE = 1.03;
/** Nothing comes for so long although nothing is lost. */
const FIRST_TOKEN_MS = 1_000;
const STORY_MS = 25_000;
/** What a listener may have to bear for a lost link, and the time in which a client is to be back. */
const BOUND_MS = 2_000;

jest.setTimeout(60_000);

/** Each connection is led to the next of these addresses, as by a balancer; after the last one to that again. */
function balanced(addresses: readonly string[]): ClientSocketConstructor {
  let next = 0;
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      const address = new URL(url);
      address.host = new URL(addresses[Math.min(next++, addresses.length - 1)] ?? '').host;
      super(address, protocols);
    }
  };
}

/** A loudspeaker that makes no sound. */
function silentOutput(): AudioOutput {
  const nowSample = (): number => samplesOfMs(performance.now());
  const nothing = (): void => {};
  return {
    leadSamples: 0,
    nowSample,
    heardSample: nowSample,
    play: nothing,
    move: nothing,
    cut: nothing,
    release: nothing,
  };
}

/** From the moment at which a connection was given up until the next one stands. */
interface Loss {
  /** Of the connection, and of each try that failed. */
  reasons: string[];
  tookMs: number;
}

/** The SDK's client as an application has it, and what its user gets. */
class Listener {
  readonly ear = new Ear();
  readonly losses: Loss[] = [];
  readonly resumed: boolean[] = [];
  private readonly pieces: Uint8Array[] = [];
  private readonly client: ParleyClient;
  private underWay: { reasons: string[]; lostAtMs: number } | undefined;
  private isDone = false;

  constructor(WebSocket: ClientSocketConstructor) {
    this.client = new ParleyClient({ url: 'ws://gateways.test', key: 'dev', WebSocket, system: systemPorts });
    new Playout(this.client, silentOutput(), systemPorts);
    this.client.on('status', (status) => this.follow(status));
    this.client.on('session', ({ resumed }) => this.resumed.push(resumed));
    this.client.on('done', () => (this.isDone = true));
    this.client.on('audio', ({ pcm }) => {
      this.pieces.push(pcm);
      this.ear.arrived(samplesOfBytes(pcm.length), performance.now());
    });
  }

  async ask(): Promise<void> {
    this.client.connect();
    await until('a session', () => this.client.status.phase === 'open');
    this.client.say(QUESTION);
  }

  hears(ms: number): Promise<true> {
    return until(`${ms} ms of the story`, () => samplesOfBytes(this.heard.length) >= samplesOfMs(ms), STORY_MS);
  }

  hearsItsEnd(): Promise<true> {
    return until('the end of the story', () => this.isDone, STORY_MS);
  }

  get heard(): Buffer {
    return Buffer.concat(this.pieces);
  }

  close(): void {
    this.client.close();
  }

  private follow(status: ConnectionStatus): void {
    const nowMs = performance.now();
    if (status.phase === 'reconnecting') {
      this.underWay ??= { reasons: [], lostAtMs: nowMs };
      this.underWay.reasons.push(describeClosedReason(status.reason));
    } else if (status.phase === 'open' && this.underWay) {
      const { reasons, lostAtMs } = this.underWay;
      this.losses.push({ reasons, tookMs: nowMs - lostAtMs });
      this.underWay = undefined;
    }
  }
}

describe('the SDK in mid-answer', () => {
  const story = Buffer.concat(SENTENCES.map((text) => indexedAudio(text, SAMPLES_PER_CHARACTER)));
  let faked: FakedCluster;
  let gateways: string[];
  let lines: TcpProxy[];
  const spoken = new Set<string>();
  const addressOf = ({ port }: TcpProxy): string => `http://127.0.0.1:${port}`;

  beforeAll(async () => {
    faked = await startFakedCluster(['--gateway', '2', '--orchestrator', '1', '--tts', '1', '--avatar', '0'], {
      PARLEY_AVATAR: 'none',
      // Or what is left of a sentence would be other audio, where a client resumes in the middle of one.
      PARLEY_TTS_DETERMINISTIC: 'yes',
      PARLEY_LOG_LEVEL: 'warn',
    });
    faked.llm.setDefaultChat({ kind: 'answer', text: 'This is something else, which takes its time. '.repeat(6) });
    faked.llm.chatRule(({ text }) =>
      text === QUESTION ? { kind: 'answer', text: SENTENCES.join(' '), firstTokenDelayMs: FIRST_TOKEN_MS } : undefined,
    );
    faked.voice.speechRule(({ text }) => {
      // What is spoken again was there up to the place where it was lost.
      const pace = spoken.has(text) ? 'unpaced' : VOICE_PACE;
      spoken.add(text);
      return { kind: 'voice', samplesPerCharacter: SAMPLES_PER_CHARACTER, content: 'indexed', pace };
    });
    gateways = faked.cluster.running('gateway').map(({ metricsUrl }) => new URL(metricsUrl).origin);
    lines = await Promise.all(gateways.map((url) => startTcpProxy(Number(new URL(url).port))));
  });

  beforeEach(() => spoken.clear());

  afterAll(async () => {
    await Promise.all((lines ?? []).map((line) => line.close()));
    await faked?.stop();
  });

  it('[G6] whose link goes silent again and again is back each time before 2 s of silence, and hears each sample once', async () => {
    const [first, second] = lines;
    if (!first || !second) throw new Error('two gateways, two lines');
    const listener = new Listener(balanced([first, second, first].map(addressOf)));
    await listener.ask();
    for (const [at, line] of [first, second].entries()) {
      await listener.hears(1_000 + 2_500 * at);
      line.blackhole();
      await until('another connection', () => listener.resumed.length === at + 2);
      line.heal();
    }
    await listener.hearsItsEnd();
    listener.close();
    expect(listener.resumed).toEqual([false, true, true]);
    const silent = ['the gateway stopped answering (nothing for 1 s)'];
    expect(listener.losses.map(({ reasons }) => reasons)).toEqual([silent, silent]);
    expect(listener.heard.equals(story)).toBe(true);
    expect(listener.ear.longestGapMs).toBeLessThan(BOUND_MS);
  });

  it('[G6] whose gateway stops, and that meets it again at the first try, is back within 2 s and hears each sample once', async () => {
    const [first, second] = gateways;
    const stopping = faked.cluster.running('gateway').find(({ metricsUrl }) => new URL(metricsUrl).origin === first);
    if (!first || !second || !stopping) throw new Error('two gateways');
    // A gateway that stops waits for the end of an answer to a client that cannot resume.
    const other = await TestClient.connect({ url: first, subprotocols: ['realtime'], binary: false });
    const listener = new Listener(balanced([first, first, second]));
    await listener.ask();
    await listener.hears(1_000);
    other.send({ type: 'response.create' });
    await other.waitForType('response.created');
    process.kill(stopping.pid, 'SIGTERM');
    await listener.hearsItsEnd();
    listener.close();
    await other.waitClosed(STORY_MS);
    const [loss] = listener.losses;
    expect(loss?.reasons).toEqual(['the gateway restarts', 'the gateway refused the connection (HTTP 503)']);
    expect(loss?.tookMs).toBeLessThan(BOUND_MS);
    expect(listener.heard.equals(story)).toBe(true);
    expect(listener.ear.longestGapMs).toBeLessThan(BOUND_MS);
  });
});
