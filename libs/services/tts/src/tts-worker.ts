import {
  type Incarnation,
  subjects,
  type VoiceFailed,
  type VoiceOpen,
  type VoiceOpenReply,
  type VoiceOrder,
  type VoiceOrderReply,
  workGroups,
} from '@parley/model';
import type {
  BusMessage,
  BusPort,
  BusSubscription,
  LogPort,
  Readiness,
  Service,
  SystemPorts,
  TelemetryPort,
  TtsPort,
} from '@parley/ports';
import { busSchemas, decodeEnvelope, encodeEnvelope } from '@parley/schemas';
import { answerPings, GroupMember, Intake, turnsMs } from '@parley/service-link';
import { FailureNotices } from './failure-notices';
import { compareRenderings, JobFence, jobName, type JobOutcome } from './job-fence';
import { SessionReports } from './session-reports';
import { VoiceJob } from './voice-job';

const FLUSH_TIMEOUT_MS = 2000;

export interface TtsWorkerPorts {
  bus: BusPort;
  tts: TtsPort;
  system: SystemPorts;
  log: LogPort;
  telemetry: TelemetryPort;
}

export interface TtsWorkerConfig {
  /** Responses bound to this worker at once. */
  maxJobs: number;
  /** Of the event loop, in ms: above it jobs are left to other workers, if there are any. */
  maxLagMs: number;
  /** Audio sent ahead of the listener. */
  lookAheadMs: number;
}

/** Speaks responses: binds jobs from the queue group, speaks their segments, and publishes audio for the gateways. */
export const createTtsWorker = (ports: TtsWorkerPorts, config: TtsWorkerConfig): Service =>
  new TtsWorker(ports, config);

type Phase = 'new' | 'running' | 'stopping' | 'stopped';

class TtsWorker implements Service {
  readonly incarnation: Incarnation;
  private readonly intake: Intake;
  private readonly group: GroupMember;
  private readonly log: LogPort;
  private readonly fence = new JobFence();
  private readonly jobs = new Map<string, VoiceJob>();
  private readonly reports: SessionReports;
  private readonly notices: FailureNotices;
  private phase: Phase = 'new';
  private subscriptions: BusSubscription[] = [];
  private voiceTrouble: string | undefined;
  private stopped: Promise<void> | undefined;
  private onIdle: (() => void) | undefined;

  constructor(
    private readonly ports: TtsWorkerPorts,
    private readonly config: TtsWorkerConfig,
  ) {
    this.incarnation = `tts_${ports.system.random.hex(8)}`;
    const limits = { count: config.maxJobs, lagMs: config.maxLagMs };
    this.intake = new Intake(ports, 'tts', limits, () => this.jobs.size);
    this.group = new GroupMember(ports.bus, workGroups.ttsOpen, (message) => this.onOpen(message));
    this.log = ports.log.child({ worker: this.incarnation });
    this.reports = new SessionReports(ports.bus, this.log);
    this.notices = new FailureNotices(ports.bus, ports.system.timers, this.log);
  }

  async start(): Promise<void> {
    const { bus } = this.ports;
    this.phase = 'running';
    this.subscriptions = [
      answerPings(bus, this.incarnation),
      bus.subscribe(subjects.ttsWorker(this.incarnation), (message) => this.onOrder(message)),
    ];
    await this.askVoice();
    this.intake.open(() => this.offer());
    this.group.join(this.intake.hasRoom);
    await bus.flush(FLUSH_TIMEOUT_MS);
  }

  readiness(): Readiness {
    const reasons = [
      ...(this.phase === 'running' ? [] : [`the worker is ${this.phase}`]),
      ...(this.ports.bus.connected ? [] : ['the bus cannot be reached']),
      ...(this.voiceTrouble === undefined ? [] : [this.voiceTrouble]),
    ];
    return { ready: reasons.length === 0, reasons };
  }

  stop(deadlineMs: number): Promise<void> {
    this.stopped ??= this.drain(deadlineMs);
    return this.stopped;
  }

  private async drain(deadlineMs: number): Promise<void> {
    const { timers } = this.ports.system;
    this.phase = 'stopping';
    this.intake.close();
    this.group.leave();
    if (this.jobs.size > 0) {
      await new Promise<void>((resolve) => {
        const cancelTimer = timers.after(turnsMs(deadlineMs), resolve);
        this.onIdle = () => {
          cancelTimer();
          resolve();
        };
      });
    }
    await this.cancelAll(deadlineMs - turnsMs(deadlineMs));
    this.notices.close();
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    this.subscriptions = [];
    this.phase = 'stopped';
  }

  /** Ends what still runs, tells the owners once, and waits for the voices to let go. */
  private async cancelAll(settleMs: number): Promise<void> {
    const running = [...this.jobs.values()];
    if (running.length === 0) return;
    for (const job of running) {
      const failure = { kind: 'worker_lost', message: 'The voice worker was stopped.' } as const;
      const { sessionId, epoch, lane, ordinal, attempt, owner } = job.open;
      const failed: VoiceFailed = { sessionId, epoch, lane, ordinal, attempt, segment: 0, failure };
      this.ports.bus.publish(subjects.ownerVoice(owner), encodeEnvelope(job.traceparent, failed));
      job.cancel();
    }
    await new Promise<void>((resolve) => {
      const cancelTimer = this.ports.system.timers.after(settleMs, resolve);
      void Promise.allSettled(running.map((job) => job.released)).then(() => {
        cancelTimer();
        resolve();
      });
    });
  }

  private offer(): void {
    this.group.offer(this.intake.hasRoom);
  }

  private async askVoice(): Promise<void> {
    this.voiceTrouble = await this.ports.tts.unavailable();
  }

  private onOpen({ payload, reply }: BusMessage): void {
    const decoded = decodeEnvelope(busSchemas.voiceOpen, payload);
    if (!decoded.ok) {
      this.log.warn('an offer of a job cannot be read', { reason: decoded.reason });
      return;
    }
    const answer = this.answerOpen(decoded.body, decoded.traceparent);
    reply?.(encodeEnvelope(decoded.traceparent, answer));
  }

  private answerOpen(open: VoiceOpen, traceparent: string): VoiceOpenReply {
    const superseded: VoiceOpenReply = { kind: 'unavailable', message: 'A newer rendering took its place.' };
    if (!this.fence.admits(open) || this.fence.outcomeOf(open) !== undefined) return superseded;
    const running = this.jobs.get(jobName(open));
    if (running !== undefined) {
      const age = compareRenderings(open, running.open);
      if (age < 0) return superseded;
      if (age === 0) return { kind: 'accepted', worker: this.incarnation };
      running.cancel();
    }
    // Late or not: the response belongs to a conversation under way, and whoever has more time was asked before.
    if (this.phase !== 'running' || this.intake.isFull) return { kind: 'full' };
    if (this.voiceTrouble !== undefined) {
      // It may have been mended since; the next offer will know.
      void this.askVoice();
      return { kind: 'unavailable', message: this.voiceTrouble };
    }
    this.bind(open, traceparent);
    return { kind: 'accepted', worker: this.incarnation };
  }

  private bind(open: VoiceOpen, traceparent: string): void {
    const ports = { ...this.ports, log: this.log, reports: this.reports };
    const job: VoiceJob = new VoiceJob(open, traceparent, ports, this.config.lookAheadMs, {
      onFailed: (trace, segment, failure) => {
        this.ports.telemetry.count('parley_tts_failures_total', { kind: failure.kind });
        const { sessionId, epoch, lane, ordinal, attempt, owner } = job.open;
        // Ends by itself: acknowledged, out of time, or closed.
        void this.notices.tell(owner, trace, { sessionId, epoch, lane, ordinal, attempt, segment, failure });
      },
      onEnded: (outcome) => this.onEnded(job, outcome),
    });
    this.jobs.set(jobName(open), job);
    this.changed();
  }

  private onEnded(job: VoiceJob, outcome: JobOutcome): void {
    this.jobs.delete(jobName(job.open));
    this.fence.end(job.open, outcome);
    this.changed();
    if (this.jobs.size === 0) this.onIdle?.();
  }

  private changed(): void {
    this.ports.telemetry.gauge('parley_tts_jobs_active', {}, this.jobs.size);
    this.offer();
  }

  private onOrder({ payload, reply }: BusMessage): void {
    const decoded = decodeEnvelope(busSchemas.voiceOrder, payload);
    if (!decoded.ok) {
      this.log.warn('an order cannot be read', { reason: decoded.reason });
      return;
    }
    const answer: VoiceOrderReply = { kind: this.obey(decoded.body, decoded.traceparent) ? 'ok' : 'unknown-job' };
    reply?.(encodeEnvelope(decoded.traceparent, answer));
  }

  /** Also when the answer to the first such order was lost. */
  private adopt(job: VoiceJob, order: Extract<VoiceOrder, { kind: 'adopt' }>): boolean {
    if (compareRenderings(job.open, order) === 0) return true;
    return compareRenderings(job.open, order.of) === 0 && job.adopt(order, order.segments);
  }

  /** False when the order is for a job that is not held. */
  private obey(order: VoiceOrder, traceparent: string): boolean {
    if (!this.fence.admits(order)) return false;
    const job = this.jobs.get(jobName(order));
    if (order.kind === 'adopt') return job !== undefined && this.adopt(job, order);
    if (order.kind === 'cancel') {
      if (job !== undefined && compareRenderings(job.open, order) <= 0) job.cancel();
      // Also what was not opened yet must not be: the offer may be late. A cancel has always reached its aim.
      this.fence.end(order, 'cancelled');
      return true;
    }
    if (job === undefined || compareRenderings(job.open, order) !== 0) {
      // The reply to an order was lost and it came again, after all was spoken.
      return this.fence.outcomeOf(order) === 'finished';
    }
    if (order.kind === 'segment')
      job.segment({ segment: order.segment, text: order.text, from: order.from, traceparent });
    else job.end(order.segments);
    return true;
  }
}
