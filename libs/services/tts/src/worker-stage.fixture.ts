import { MemoryBusServer } from '@parley/adapter-bus-memory';
import { VirtualSystem } from '@parley/harness';
import {
  type ChunkView,
  decodeChunk,
  type Incarnation,
  InvariantError,
  type Rendering,
  type Report,
  SEGMENT_START,
  type SegmentPosition,
  type SegmentTimings,
  type SessionId,
  subjects,
  type VoiceFailed,
  type VoiceJobKey,
  type VoiceOpen,
  type VoiceOpenReply,
  type VoiceOrder,
  type VoiceOrderReply,
} from '@parley/model';
import type { LogPort, RequestOutcome, Service } from '@parley/ports';
import { busSchemas, decodeEnvelope, encodeEnvelope } from '@parley/schemas';
import { LOOK_AHEAD_MS } from './look-ahead';
import { ScriptedVoice } from './scripted-voice.fixture';
import { createTtsWorker, type TtsWorkerConfig } from './tts-worker';

export const SESSION: SessionId = 'sess_one';
export const OWNER: Incarnation = 'orc_one';
/** Half a second of audio. */
export const HALF_S = 12_000;
export const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

export const jobKey = (more: Partial<VoiceJobKey> = {}): VoiceJobKey => ({
  sessionId: SESSION,
  epoch: 1,
  lane: 0,
  ordinal: 1,
  attempt: 1,
  ...more,
});

/** Distributes over the union: an order's own fields together with the job's, which have defaults. */
type OrderInput = (
  | { kind: 'segment'; segment: number; text: string; from: SegmentPosition }
  | { kind: 'end'; segments: number }
  | { kind: 'cancel' }
  | { kind: 'adopt'; of: Rendering; owner: Incarnation; segments: number }
) &
  Partial<VoiceJobKey>;

/** A worker on a bus in virtual time, seen from its owner and from a gateway. */
export class WorkerStage {
  readonly system = new VirtualSystem();
  readonly voice = new ScriptedVoice();
  readonly warnings: string[] = [];
  readonly counted: string[] = [];
  readonly gauges: number[] = [];
  readonly chunks: (ChunkView & { atMs: number })[] = [];
  readonly timings: SegmentTimings[] = [];
  readonly failures: (VoiceFailed & { atMs: number })[] = [];
  /** The owner answers notices of failures. */
  acknowledges = true;

  private readonly log: LogPort = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message) => this.warnings.push(message),
    error: (message) => this.warnings.push(message),
    child: () => this.log,
  };
  private readonly server = new MemoryBusServer({ random: this.system.random, schedule: this.system.schedule });
  readonly workerBus = this.server.connect({ log: this.log, timers: this.system.timers });
  readonly bus = this.server.connect({ log: this.log, timers: this.system.timers });
  readonly worker: Service;

  constructor(config: Partial<TtsWorkerConfig> = {}) {
    this.worker = createTtsWorker(
      {
        bus: this.workerBus,
        tts: this.voice,
        system: this.system,
        log: this.log,
        telemetry: {
          count: (name) => this.counted.push(name),
          gauge: (name, _labels, value) => {
            if (name === 'parley_tts_jobs_active') this.gauges.push(value);
          },
          observe: (name) => this.counted.push(name),
        },
      },
      { maxJobs: 64, maxLagMs: 100, lookAheadMs: LOOK_AHEAD_MS, ...config },
    );
    this.bus.subscribe(subjects.audio(SESSION), ({ payload }) => {
      const decoded = decodeChunk(payload);
      if (!decoded.ok) throw new InvariantError(decoded.reason);
      this.chunks.push({ ...decoded.value, atMs: this.system.nowMs });
    });
    this.bus.subscribe(subjects.timings(SESSION), ({ payload }) => {
      this.timings.push(this.read(busSchemas.timings, payload));
    });
    this.bus.subscribe(subjects.ownerVoice(OWNER), ({ payload, reply }) => {
      this.failures.push({ ...this.read(busSchemas.voiceFailed, payload), atMs: this.system.nowMs });
      if (this.acknowledges) reply?.(new Uint8Array());
    });
  }

  static async started(config?: Partial<TtsWorkerConfig>): Promise<WorkerStage> {
    const stage = new WorkerStage(config);
    await stage.start();
    return stage;
  }

  start(): Promise<void> {
    return this.now(this.worker.start());
  }

  /** Stops the worker, which leaves nothing behind. */
  async end(): Promise<void> {
    await this.system.runUntil(this.worker.stop(1_000));
    await this.settle();
    expect(this.system.pendingTimers).toBe(0);
    expect(this.voice.held).toBe(0);
  }

  /** The worker's answer to an offer that it takes. */
  get accepted(): VoiceOpenReply {
    return { kind: 'accepted', worker: this.worker.incarnation };
  }

  /** The result of what takes no time. */
  async now<T>(promise: Promise<T>): Promise<T> {
    await this.settle();
    return promise;
  }

  async open(
    more: Partial<VoiceOpen> = {},
    subject: string = subjects.ttsOpen,
  ): Promise<VoiceOpenReply | RequestOutcome['kind']> {
    const names = { responseId: 'resp_one', owner: OWNER } as const;
    const open: VoiceOpen = { ...jobKey(), ...names, voice: null, speed: 1, lipSync: false, ...more };
    const outcome = await this.request(subject, encodeEnvelope(TRACE, open));
    return outcome.kind === 'reply' ? this.read(busSchemas.voiceOpenReply, outcome.payload) : outcome.kind;
  }

  async order(input: OrderInput): Promise<VoiceOrderReply['kind'] | RequestOutcome['kind']> {
    const order: VoiceOrder = { ...jobKey(), ...input };
    const outcome = await this.request(subjects.ttsWorker(this.worker.incarnation), encodeEnvelope(TRACE, order));
    return outcome.kind === 'reply' ? this.read(busSchemas.voiceOrderReply, outcome.payload).kind : outcome.kind;
  }

  segment(segment: number, text: string, more: Partial<VoiceJobKey & { from: SegmentPosition }> = {}): Promise<string> {
    return this.order({ kind: 'segment', segment, text, from: SEGMENT_START, ...more });
  }

  /** A gateway's report: the listener is at `playedSamples` of the response. */
  async report(playedSamples: number, more: Partial<Report> = {}): Promise<void> {
    const report: Report = {
      sessionId: SESSION,
      attachment: 1,
      acknowledgedOutSeq: 0,
      linkLosses: 0,
      announcedOrdinal: 1,
      responses: [
        {
          lane: 0,
          ordinal: 1,
          responseId: 'resp_one',
          segments: [{ attempt: 1, samples: playedSamples, last: false }],
          playedSamples,
          ended: false,
          closed: false,
          holedAttempt: null,
        },
      ],
      ...more,
    };
    this.bus.publish(subjects.report(SESSION), encodeEnvelope(TRACE, report));
    await this.settle();
  }

  settle(): Promise<void> {
    return this.system.advanceBy(0);
  }

  get sentSamples(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.samples, 0);
  }

  synthesis(index: number): ScriptedVoice['syntheses'][number] {
    const synthesis = this.voice.syntheses[index];
    if (synthesis === undefined) throw new InvariantError(`nothing was synthesised as number ${index}`);
    return synthesis;
  }

  private request(subject: string, payload: Uint8Array): Promise<RequestOutcome> {
    return this.now(this.bus.request(subject, payload, { timeoutMs: 1_000 }));
  }

  private read<Body>(schema: Parameters<typeof decodeEnvelope<Body>>[0], payload: Uint8Array): Body {
    const decoded = decodeEnvelope(schema, payload);
    if (!decoded.ok) throw new InvariantError(decoded.reason);
    return decoded.body;
  }
}
