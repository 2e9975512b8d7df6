import { MemoryBusServer } from '@parley/adapter-bus-memory';
import { MemoryStoreServer } from '@parley/adapter-store-memory';
import { avatarBridgeOver, gatewayOver, orchestratorOver, ttsWorkerOver } from '@parley/composition';
import { type VirtualSystem } from '@parley/harness';
import type { LogPort, Service, TelemetryPort, WriteRequest } from '@parley/ports';
import type { GatewayService } from '@parley/service-gateway';
import { FaultyBus, FaultyNetwork, type Station } from './faulty-bus';
import { FaultyStore, StoreTrouble } from './faulty-store';
import type { Recorder } from './recorder';
import { CONTINUATION_HABITS, type AnswerLength } from './answers';
import { LLM_MODES, ScriptedLlm, type ModelProvider } from './scripted-llm';
import { ScriptedTts, TTS_MODES, type VoiceProvider } from './scripted-tts';
import { SimulatedProcess } from './simulated-process';
import { SpokenAudio } from './spoken-audio';
import { streamOf } from './streams';

export const ROLES = ['gateway', 'orchestrator', 'tts', 'avatar'] as const;
export type Role = (typeof ROLES)[number];
export const REPLICAS = 2;
export const API_KEY = 'key';
export const INSTRUCTIONS = 'Be brief.';
/** Out of reach: what is simulated is not load. */
const LIMITS = { maxConnections: 4_000, maxSessions: 4_000, maxVoiceJobs: 2_000, maxLagMs: 100 };

const SILENT_TELEMETRY: TelemetryPort = { count: () => {}, gauge: () => {}, observe: () => {} };

/** A place for one process at a time: killed, its successor takes it. */
interface Slot {
  role: Role;
  process: SimulatedProcess;
  service: Service;
}

const zeros = <Kind extends string>(kinds: readonly Kind[]): Record<Kind, number> =>
  Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>;

/**
 * The whole of Parley on virtual time: two processes of every service, made by the functions that their `main` uses,
 * over a bus and a store that can be broken, with scripted providers.
 */
export class World {
  readonly system: VirtualSystem;
  readonly network: FaultyNetwork;
  readonly storeTrouble = new StoreTrouble();
  readonly model: ModelProvider;
  readonly voice: VoiceProvider;
  private readonly busServer: MemoryBusServer;
  private readonly storeServer: MemoryStoreServer;
  private readonly slots = new Map<string, Slot>();
  private readonly gateways = new Map<string, GatewayService>();
  private readonly stations = new Map<number, Station>();
  private readonly lipSync: boolean;
  private started = 0;

  constructor(
    private readonly seed: number,
    private readonly recorder: Recorder,
    private readonly log: LogPort,
    length: AnswerLength,
  ) {
    this.system = recorder.system;
    const dice = streamOf(seed, 'world');
    this.network = new FaultyNetwork(this.system, streamOf(seed, 'network'), log);
    this.busServer = new MemoryBusServer({
      random: streamOf(seed, 'queue groups').port,
      schedule: this.system.schedule,
    });
    this.storeServer = new MemoryStoreServer(this.system);
    this.lipSync = dice.chance(0.3);
    this.voice = {
      mode: 'well',
      // Most often the rate that everybody assumes of a voice not yet heard.
      samplesPerCharacter: dice.pick([1440, 1440, 1120, 1696]),
      deterministic: streamOf(seed, 'voice').chance(0.5),
      next: undefined,
      audio: new SpokenAudio(),
      touched: zeros(TTS_MODES),
      onSpoke: (spoke) => recorder.record({ kind: 'spoke', ...spoke }),
    };
    this.model = {
      mode: 'well',
      nextCall: 1,
      habit: streamOf(seed, 'model').pick(CONTINUATION_HABITS),
      length,
      answers: new Map(),
      touched: zeros(LLM_MODES),
      onAsked: (asked) => recorder.record({ kind: 'asked', ...asked }),
      onAnswered: (call, what) => recorder.record({ kind: 'answered', call, what }),
      onHungUp: (call) => recorder.record({ kind: 'hung-up', call }),
    };
  }

  async start(): Promise<void> {
    for (const role of ROLES) {
      if (role === 'avatar' && !this.lipSync) continue;
      for (let index = 0; index < REPLICAS; index++) await this.spawn(role, `${role}-${index}`);
    }
  }

  /** What the faults have changed, one by one. */
  get touched(): Map<string, number> {
    const named = (of: string, counts: object) =>
      Object.entries(counts).map(([kind, n]) => [`${of} ${kind}`, Number(n)] as const);
    return new Map([
      ...named('bus', this.network.touched),
      ...named('store', this.storeTrouble.touched),
      ...named('llm', this.model.touched),
      ...named('tts', this.voice.touched),
    ]);
  }

  get slotNames(): string[] {
    return [...this.slots.keys()];
  }

  /** Undefined while that process is down. */
  gateway(slot: string): { process: SimulatedProcess; service: GatewayService } | undefined {
    const service = this.gateways.get(slot);
    const process = this.slots.get(slot)?.process;
    return service && process?.isAlive === true ? { process, service } : undefined;
  }

  /** Of what its processes do, if this one is gone, the others of its role are left. */
  hasOther(slot: string): boolean {
    const { role } = this.slots.get(slot) ?? {};
    return [...this.slots].some(([each, { role: its, process }]) => each !== slot && its === role && process.isAlive);
  }

  /** The process in this place. */
  processOf(slot: string): string | undefined {
    return this.slots.get(slot)?.process.name;
  }

  /** Where this process runs, if it still does. */
  slotOf(name: string | undefined): string | undefined {
    const found = [...this.slots].find(([, { process }]) => process.name === name && process.isAlive);
    return found?.[0];
  }

  /** As SIGKILL. */
  kill(slot: string): void {
    this.slots.get(slot)?.process.kill();
  }

  /** A new process in this place; whoever was there before it must be gone, or be stopped afterwards. */
  async respawn(slot: string): Promise<void> {
    const before = this.slots.get(slot);
    if (before) await this.spawn(before.role, slot);
  }

  /** A rolling deploy of one process: its successor starts, then it is stopped in order. */
  async replace(slot: string, deadlineMs: number): Promise<void> {
    const before = this.slots.get(slot);
    if (!before || !before.process.isAlive) return;
    await this.spawn(before.role, slot);
    await before.service.stop(deadlineMs);
    await before.process.bus.close();
    before.process.kill();
  }

  busOf(slot: string): SimulatedProcess['bus'] | undefined {
    return this.slots.get(slot)?.process.bus;
  }

  private async spawn(role: Role, slot: string): Promise<void> {
    const { log, system, seed } = this;
    const number = ++this.started;
    const link = this.busServer.connect({ log, timers: system.timers });
    const process = new SimulatedProcess(slot, number, system, link, seed);
    const bus = new FaultyBus(link, process, this.network, this.stations);
    const ports = { bus, system: process.system, log, telemetry: SILENT_TELEMETRY };
    const service = this.create(role, slot, ports, process);
    this.slots.set(slot, { role, process, service });
    await service.start();
  }

  private create(
    role: Role,
    slot: string,
    ports: { bus: FaultyBus; system: SimulatedProcess['system']; log: LogPort; telemetry: TelemetryPort },
    process: SimulatedProcess,
  ): Service {
    switch (role) {
      case 'gateway': {
        const gateway = gatewayOver(ports, { apiKeys: [API_KEY], devKeyAllowed: false }, LIMITS);
        this.gateways.set(slot, gateway);
        return gateway;
      }
      case 'orchestrator':
        return orchestratorOver(
          { ...ports, store: this.storeOf(process), llm: new ScriptedLlm(this.model, process) },
          {
            instructions: INSTRUCTIONS,
            model: 'scripted',
            voice: undefined,
            modelMap: {},
            voiceMap: {},
            lipSync: this.lipSync,
            sessionMaxMs: 3_600_000,
          },
          LIMITS,
        );
      case 'tts':
        return ttsWorkerOver({ ...ports, tts: new ScriptedTts(this.voice, process) }, LIMITS);
      case 'avatar':
        return avatarBridgeOver(ports);
    }
  }

  private storeOf(process: SimulatedProcess): FaultyStore {
    const link = {
      slot: process.slot,
      dice: process.dice,
      pause: (ms: number) => process.pause(ms),
      onStored: ({ sessionId, epoch, rev, state }: WriteRequest) =>
        this.recorder.record({ kind: 'stored', process: process.name, sessionId, epoch, rev, state }),
    };
    return new FaultyStore(this.storeServer.connect(), link, this.storeTrouble);
  }
}
