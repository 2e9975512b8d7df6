import type { ContinuationHabit, RecordedChat, RecordedSpeech } from '@parley/fakes';
import type { ClusterMember } from '../support/cluster-process';
import { startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { until } from '../support/until';
import { BusServer } from './bus-server';
import type { Servers } from '../support/servers';
import { answerOf, placeOf, type Place } from './story';

/** 30 ms a character: four sentences take six seconds. */
export const SAMPLES_PER_CHARACTER = 720;
export interface ProviderHabits {
  /** Of an answer. */
  sentences: number;
  /** Times real time. */
  voicePace: number;
  firstTokenMs: number;
  /** Of each word. */
  tokenDelayMs: number;
  /** Audio in a piece of what the voice sends. */
  chunkMs: number;
}

export const PROVIDERS: ProviderHabits = {
  sentences: 4,
  // A little faster than it is played, or each delay anywhere would be a silence: 0.3 s ahead at the end of an answer.
  voicePace: 1.03,
  // Long, because a fifth of all kills is to hit a turn that waits for the model.
  firstTokenMs: 2_500,
  // 38 words in 2.3 s, of which a fifth of the kills hit the part in which something is heard. Far slower than models are, and still so fast
  // that one that starts over has caught up before what is spoken by then is heard.
  tokenDelayMs: 60,
  chunkMs: 20,
};
/** Asked once more about a conversation that it knows, a model begins sooner: the prompt is in its cache. */
const FIRST_TOKEN_AGAIN_MS = 300;

const HABITS: readonly ContinuationHabit[] = ['continues', 'starts-over', 'repeats-last-sentence'];

const SAMPLES_PER_MS = 24;
const BYTES_PER_SAMPLE = 2;
const BACK_TIMEOUT_MS = 15_000;
/** A planned stop takes up to 26 s. */
const RESTARTED_TIMEOUT_MS = 45_000;

export type Role = ClusterMember['role'];
/** Processes of each kind that is struck. */
export type Replicas = Readonly<Record<Exclude<Role, 'avatar'>, number>>;

/** A request of one of our processes to a provider. */
export interface Asked<Request> {
  place: Place;
  request: Request;
  /** performance.now(), as all times of this harness. */
  atMs: number;
}

export interface AskedChat extends Asked<RecordedChat> {
  /** When its first token leaves. */
  firstTokenAtMs: number;
}

export interface SceneListener {
  onChat(asked: AskedChat): void;
  onSpeech(asked: Asked<RecordedSpeech>): void;
}

/**
 * Gateways, orchestrators and voice workers, two of each or more, as processes over a NATS and a Redis of their own, between a model and
 * a voice that say what they were asked for.
 */
export class Scene {
  private readonly chats = new Map<string, number>();
  private readonly spokenMs = new Map<string, () => number>();
  private listener: SceneListener | undefined;

  private constructor(
    private readonly faked: FakedCluster,
    readonly bus: BusServer,
    readonly servers: Servers,
    private readonly providers: ProviderHabits,
    private readonly replicas: Replicas,
  ) {
    faked.llm.chatRule((request) => this.onChat(request));
    faked.voice.speechRule((request) => this.onSpeech(request));
  }

  static async start(
    servers: Servers,
    providers: ProviderHabits,
    replicas: Replicas,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Scene> {
    const counts = Object.entries({ ...replicas, avatar: 0 }).flatMap(([role, count]) => [`--${role}`, String(count)]);
    const faked = await startFakedCluster(counts, {
      NATS_URL: servers.natsUrl,
      ...servers.storeEnvironment,
      PARLEY_AVATAR: 'none',
      PARLEY_TTS_DETERMINISTIC: 'yes',
      PARLEY_LOG_LEVEL: 'warn',
      ...env,
    });
    const bus = new BusServer(servers.natsUrl, servers.natsMonitorUrl);
    return new Scene(faked, bus, servers, providers, replicas);
  }

  listen(listener: SceneListener): void {
    this.listener = listener;
  }

  members(role: Role): ClusterMember[] {
    return this.faked.cluster.running(role);
  }

  /** Where clients connect, one address per gateway. */
  gatewayUrls(): string[] {
    return this.members('gateway').map(({ metricsUrl }) => new URL(metricsUrl).origin);
  }

  portOf(provider: 'llm' | 'voice'): number {
    return Number(new URL(this.faked[provider].url).port);
  }

  /** SIGKILL; resolves when the launcher knows, which starts another one in its place. */
  async kill({ role, index, pid }: ClusterMember): Promise<void> {
    process.kill(pid, 'SIGKILL');
    await until(`${role} ${index} gone`, () => this.members(role).every((each) => each.pid !== pid), BACK_TIMEOUT_MS);
  }

  /** Of this kind so many are up that one can be missed: of two both, of four three. */
  async canSpareOne(role: keyof Replicas): Promise<void> {
    const enough = this.replicas[role] / 2 + 1;
    await until(`${enough} of ${role} run`, () => this.members(role).length >= enough, BACK_TIMEOUT_MS);
  }

  /** SIGTERM; resolves when it has ended by itself and another one is up in its place. */
  async restart(member: ClusterMember): Promise<void> {
    process.kill(member.pid, 'SIGTERM');
    await this.successorOf(member, RESTARTED_TIMEOUT_MS);
  }

  private async successorOf({ role, index, pid }: ClusterMember, timeoutMs: number): Promise<void> {
    const isBack = (): boolean => this.members(role).some((each) => each.index === index && each.pid !== pid);
    await until(`${role} ${index} started again`, isBack, timeoutMs);
  }

  async stop(): Promise<void> {
    await this.faked.stop();
  }

  private onChat(request: RecordedChat): ReturnType<Parameters<FakedCluster['llm']['chatRule']>[0]> {
    const place = placeOf(request.text);
    if (!place) return undefined;
    const name = answerOf(place, this.providers.sentences);
    const before = this.chats.get(name) ?? 0;
    this.chats.set(name, before + 1);
    const { firstTokenMs, tokenDelayMs } = this.providers;
    const firstTokenDelayMs = before === 0 ? firstTokenMs : FIRST_TOKEN_AGAIN_MS;
    const atMs = performance.now();
    this.listener?.onChat({ place, request, atMs, firstTokenAtMs: atMs + firstTokenDelayMs });
    // Told to go on with an answer, models differ in what they do.
    const continuation = HABITS[place.talk % HABITS.length] ?? 'continues';
    return { kind: 'answer', text: name, continuation, firstTokenDelayMs, tokenDelayMs };
  }

  /** A text that is spoken again leaves at once up to where the rendering before had come: nobody is ever further ahead for it. */
  private onSpeech(request: RecordedSpeech): ReturnType<Parameters<FakedCluster['voice']['speechRule']>[0]> {
    const place = placeOf(request.text);
    if (!place) return undefined;
    const atMs = performance.now();
    const headStartMs = this.spokenMs.get(request.text)?.() ?? 0;
    const rendered = (): number => request.bytesSent / BYTES_PER_SAMPLE / SAMPLES_PER_MS;
    this.spokenMs.set(request.text, () => Math.max(headStartMs, rendered()));
    this.listener?.onSpeech({ place, request, atMs });
    return {
      kind: 'voice',
      content: 'indexed',
      samplesPerCharacter: SAMPLES_PER_CHARACTER,
      pace: this.providers.voicePace,
      chunkMs: this.providers.chunkMs,
      headStartMs,
    };
  }
}
