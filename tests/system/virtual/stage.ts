import { createLocalAvatar } from '@parley/adapter-avatar-local';
import { MemoryBusServer, type MemoryBus } from '@parley/adapter-bus-memory';
import { MemoryStoreServer, type MemoryStore } from '@parley/adapter-store-memory';
import { fnv1a32, indexedSampleAt } from '@parley/fakes';
import { RecordingLog, VirtualSystem } from '@parley/harness';
import { DEFAULT_POLICY, type TurnPolicy } from '@parley/model';
import type {
  BusPort,
  ConnectionListener,
  ConnectionPort,
  LlmEvent,
  LlmPort,
  Service,
  SystemPorts,
  TelemetryPort,
  TtsEvent,
  TtsPort,
  UpgradeRequest,
} from '@parley/ports';
import { createAvatarBridge } from '@parley/service-avatar';
import { createGateway, type GatewayService } from '@parley/service-gateway';
import { createOrchestrator } from '@parley/service-orchestrator';
import { createTtsWorker, LOOK_AHEAD_MS } from '@parley/service-tts';
// Whatever a client on it receives is judged.
import '../realtime/every-connection.setup';
import { readFrame, type Arrival, type WireEvent } from '../support/test-client';
import { everyConnection, type Watched } from '../support/witness';
import { ANSWER } from './answer';
import { Freezer } from './freezer';

/** 1,440 samples a character, the rate everybody assumes until a voice shows its own. */
export const SAMPLES_PER_CHARACTER = 1440;
const CHUNK_MS = 100;

/** A model that answers with `answer`, word by word; a test may replace any part of it. */
export class ScriptedLlm implements LlmPort {
  readonly continuation = 'instruct';
  readonly asked: { role: string; content: string }[][] = [];
  /** The limit of tokens of each request. */
  readonly limits: unknown[] = [];
  /** The functions it calls behind its answer, from the last message. */
  callsFor: (text: string) => { name: string; arguments: string }[] = () => [];
  answer: (text: string) => string = () => ANSWER;
  wordDelayMs = 1;
  /** What it does when it is asked to go on with an answer. */
  habit: 'continues' | 'starts-over' | 'repeats-last-sentence' = 'continues';
  /** Stops after so many words without an end. */
  stallAfterWords = Number.POSITIVE_INFINITY;

  constructor(private readonly system: VirtualSystem) {}

  async *generate(request: Parameters<LlmPort['generate']>[0], signal: AbortSignal): AsyncIterable<LlmEvent> {
    this.asked.push(request.messages.map(({ role, content }) => ({ role, content })));
    this.limits.push(request.maxOutputTokens);
    const last = request.messages.at(-1)?.content ?? '';
    const words = this.rest(this.answer(last), request.continues ?? '').split(/(?<= )/);
    for (const [index, text] of words.entries()) {
      if (index >= this.stallAfterWords) await aborted(signal);
      await this.pass(this.wordDelayMs);
      if (signal.aborted) return;
      yield { kind: 'text', text };
    }
    for (const call of this.callsFor(last)) yield { kind: 'tool-called', ...call };
    yield { kind: 'finished', reason: 'stop', usage: { inputTokens: 10, outputTokens: words.length } };
  }

  async close(): Promise<void> {
    // Holds nothing.
  }

  /** What it writes when it is asked to go on behind `given`. */
  private rest(answer: string, given: string): string {
    if (this.habit === 'starts-over') return answer;
    if (this.habit === 'continues') return answer.slice(given.length);
    return answer.slice(Math.max(0, given.trimEnd().search(/[^.]*\.$/)));
  }

  private pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.system.timers.after(ms, resolve));
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** Samples of the whole audio of `text`, from `first` on. */
export function indexedPcm(text: string, first: number, samples: number): Uint8Array {
  const hash = fnv1a32(text);
  return new Uint8Array(
    Int16Array.from({ length: samples }, (_, index) => indexedSampleAt(hash, first + index)).buffer,
  );
}

/** A voice of 1,440 samples a character, in chunks of 100 ms at `pace` times real time. */
export class ScriptedTts implements TtsPort {
  readonly timings = 'none';
  deterministic = false;
  readonly spoken: string[] = [];
  pace = 1;
  /** Its samples tell which text they are of, and which of it. */
  indexed = false;

  constructor(private readonly system: VirtualSystem) {}

  async unavailable(): Promise<string | undefined> {
    return undefined;
  }

  async *synthesize(request: { text: string }, signal: AbortSignal): AsyncIterable<TtsEvent> {
    this.spoken.push(request.text);
    const total = request.text.length * SAMPLES_PER_CHARACTER;
    let left = total;
    while (left > 0) {
      const samples = Math.min(left, CHUNK_MS * 24);
      const first = total - left;
      await new Promise<void>((resolve) => this.system.timers.after(CHUNK_MS / this.pace, resolve));
      if (signal.aborted) return;
      left -= samples;
      const pcm = this.indexed ? indexedPcm(request.text, first, samples) : new Uint8Array(samples * 2);
      yield { kind: 'audio', pcm };
    }
    yield { kind: 'finished' };
  }

  async close(): Promise<void> {
    // Holds nothing.
  }
}

/** Keeps what services tell operators: counts of all of them, gauges of one. */
export class RecordingTelemetry implements TelemetryPort {
  readonly gauges = new Map<string, number>();

  constructor(readonly counts = new Map<string, number>()) {}

  count(name: string, labels: Record<string, string>, by = 1): void {
    const key = [name, ...Object.values(labels)].join(' ');
    this.counts.set(key, (this.counts.get(key) ?? 0) + by);
  }

  gauge(name: string, _labels: Record<string, string>, value: number): void {
    this.gauges.set(name, value);
  }

  observe(): void {
    // Not looked at.
  }
}

/** One process: a service with a bus link and a store link of its own. */
export interface StagedProcess<S extends Service = Service> {
  service: S;
  bus: MemoryBus;
  store: MemoryStore;
  telemetry: RecordingTelemetry;
  /** As SIGKILL: nothing it holds is released. */
  kill(): void;
  /** Of a process that uses no store. */
  freezer: Freezer;
}

/** What a process is given. */
interface StagedPorts {
  bus: BusPort;
  store: MemoryStore;
  system: SystemPorts;
  log: RecordingLog;
  telemetry: RecordingTelemetry;
}

interface StagedCluster {
  orchestrator: StagedProcess;
  worker: StagedProcess;
  gateway: StagedProcess<GatewayService>;
}

/** What the clocks of a host are ahead of those of the others; of the monotonic one whole seconds, which reports fall on. */
export interface Skew {
  monotonicS: number;
  wallMs: number;
}

/** The real service classes on virtual time, with scripted providers and clients in place of sockets. */
export class Stage {
  readonly system = new VirtualSystem(1);
  readonly log = new RecordingLog();
  readonly telemetry = new RecordingTelemetry();
  readonly llm = new ScriptedLlm(this.system);
  readonly tts = new ScriptedTts(this.system);
  readonly busServer = new MemoryBusServer({ random: this.system.random, schedule: this.system.schedule });
  readonly storeServer = new MemoryStoreServer(this.system);
  policy: TurnPolicy = DEFAULT_POLICY;
  journal = false;
  /** There is a face to draw: voices say when they say what. */
  lipSync = false;
  /** Audio that a voice worker sends ahead of the listener. */
  lookAheadMs = LOOK_AHEAD_MS;
  /** Of the hosts of the next processes, one each. Then all clocks agree. */
  skews: Skew[] = [];
  /** From the decision about a connection until its socket is open. */
  upgradeMs = 0;

  /**
   * For answers that are compared sample for sample: each tells what it is of, again too. They come twenty times as fast as
   * they play, half a second ahead, so that whatever goes away in mid-answer has a rest of it to leave.
   */
  static exact(): Stage {
    const stage = new Stage();
    stage.tts.indexed = true;
    stage.tts.deterministic = true;
    stage.tts.pace = 20;
    stage.lookAheadMs = 500;
    return stage;
  }

  /** For whoever listens to what services say to one another. */
  link(): MemoryBus {
    return this.busServer.connect({ log: this.log, timers: this.system.timers });
  }

  /** One process of each role that a conversation needs. */
  async cluster(): Promise<StagedCluster> {
    const orchestrator = await this.orchestrator();
    const worker = await this.ttsWorker();
    return { orchestrator, worker, gateway: await this.gateway() };
  }

  async orchestrator(): Promise<StagedProcess> {
    return this.start((ports) =>
      createOrchestrator(
        { ...ports, llm: this.llm },
        {
          instructions: 'Be brief.',
          model: 'test',
          voice: null,
          modelMap: {},
          voiceMap: {},
          policy: this.policy,
          lipSync: this.lipSync,
          maxSessions: 100,
          maxLagMs: 100,
          journal: this.journal,
        },
      ),
    );
  }

  async ttsWorker(): Promise<StagedProcess> {
    return this.start((ports) =>
      createTtsWorker({ ...ports, tts: this.tts }, { maxJobs: 10, maxLagMs: 100, lookAheadMs: this.lookAheadMs }),
    );
  }

  async avatarBridge(): Promise<StagedProcess> {
    const avatar = createLocalAvatar();
    return this.start((ports) => createAvatarBridge({ ...ports, avatar }));
  }

  async gateway(): Promise<StagedProcess<GatewayService>> {
    return this.start((ports) =>
      createGateway(ports, { apiKeys: ['key'], devKeyAllowed: false, maxConnections: 100, maxLagMs: 100 }),
    );
  }

  async connect(gateway: GatewayService, more: Partial<UpgradeRequest> = {}): Promise<StagedClient> {
    const admission = await this.system.runUntil(
      gateway.admit({
        path: '/v1/realtime',
        query: { audio: 'binary' },
        headers: { authorization: 'Bearer key' },
        subprotocols: ['parley.v1'],
        loopback: true,
        ...more,
      }),
    );
    if (admission.kind !== 'admitted') throw new Error(`refused: ${admission.body}`);
    await this.system.advanceBy(this.upgradeMs);
    const client = new StagedClient(this.system, admission.subprotocol ?? '');
    client.listener = admission.open(client);
    await this.system.advanceBy(50);
    return client;
  }

  private host(skew: Skew = { monotonicS: 0, wallMs: 0 }): SystemPorts {
    const { clock, timers, random, loopLag, schedule } = this.system;
    const nowMs = (): number => clock.nowMs() + skew.monotonicS * 1_000;
    return { clock: { nowMs, wallMs: () => clock.wallMs() + skew.wallMs }, timers, random, loopLag, schedule };
  }

  private async start<S extends Service>(create: (ports: StagedPorts) => S): Promise<StagedProcess<S>> {
    const bus = this.link();
    const store = this.storeServer.connect();
    const telemetry = new RecordingTelemetry(this.telemetry.counts);
    const freezer = new Freezer();
    const system = freezer.system(this.host(this.skews.shift()));
    const service = create({ bus: freezer.bus(bus), store, system, log: this.log, telemetry });
    await this.system.runUntil(service.start());
    const kill = (): void => {
      bus.kill();
      store.setUnavailable(true);
    };
    return { service, bus, store, telemetry, kill, freezer };
  }
}

/** The client's end of a connection: what a socket would carry, with the time at which it came. */
export class StagedClient implements ConnectionPort, Watched {
  readonly arrivals: Arrival[] = [];
  listener: ConnectionListener | undefined;
  closed: { code: number; reason: string } | undefined;
  /** What lies in the socket: a test makes a client slow with it. */
  bufferedBytes = 0;
  pings = 0;
  answersPings = true;

  constructor(
    private readonly system: VirtualSystem,
    readonly protocol: string,
  ) {}

  send(event: Record<string, unknown>): void {
    everyConnection.witness?.sent(this, event as WireEvent);
    this.listener?.onText(JSON.stringify(event));
  }

  say(text: string, turnId: string): void {
    this.send({ type: 'parley.transcript.final', text, turn_id: turnId });
  }

  sendText(text: string): void {
    const event = JSON.parse(text) as WireEvent;
    everyConnection.witness?.received(this, event);
    this.arrivals.push({ kind: 'event', atMs: this.system.nowMs, event });
  }

  sendBinary(frame: Uint8Array): void {
    this.arrivals.push({ kind: 'audio', atMs: this.system.nowMs, ...readFrame(Buffer.from(frame)) });
  }

  ping(): void {
    this.pings++;
    if (this.answersPings) this.listener?.onPong();
  }

  close(code: number, reason: string): void {
    if (this.closed) return;
    this.closed = { code, reason };
    everyConnection.witness?.ended(this);
  }

  terminate(): void {
    this.close(1006, '');
  }

  events(type?: string): WireEvent[] {
    return this.arrivals.flatMap((arrival) =>
      arrival.kind === 'event' && (type === undefined || arrival.event.type === type) ? [arrival.event] : [],
    );
  }

  types(): string[] {
    return this.events().map((event) => event.type);
  }

  samples(): number {
    return this.arrivals.reduce((sum, arrival) => sum + (arrival.kind === 'audio' ? arrival.samples : 0), 0);
  }

  state(): unknown {
    return this.events('parley.state').at(-1)?.['state'];
  }
}
