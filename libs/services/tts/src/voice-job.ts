import {
  type ProviderFailure,
  type ResponseDelivery,
  SAMPLE_BYTES,
  subjects,
  type SegmentTimings,
  type Incarnation,
  type Rendering,
  unreachable,
  type VoiceJobKey,
  type VoiceOpen,
} from '@parley/model';
import type { BusPort, CancelTimer, LogPort, SystemPorts, TelemetryPort, TtsEvent, TtsPort } from '@parley/ports';
import { encodeEnvelope } from '@parley/schemas';
import type { JobOutcome } from './job-fence';
import { LookAhead } from './look-ahead';
import type { Stretch } from './raw-timings';
import { type OrderedSegment, SegmentQueue } from './segment-queue';
import type { SessionReports } from './session-reports';
import { SpokenSegment } from './spoken-segment';
import { Wakeup } from './wakeup';

/** PCM of one message at most: half a second, so that a cancel never has much on the way. */
const MAX_PCM_BYTES = 24_000;
/** A job nobody orders anything of, and that has nothing to do, belongs to an owner that is gone. */
const IDLE_MS = 60_000;

export interface VoiceJobPorts {
  bus: BusPort;
  tts: TtsPort;
  system: SystemPorts;
  log: LogPort;
  telemetry: TelemetryPort;
  reports: SessionReports;
}

export interface VoiceJobListener {
  /** The voice failed; the job ends. */
  onFailed(traceparent: string, segment: number, failure: ProviderFailure): void;
  /** Nothing of this job will be published any more. Called once. */
  onEnded(outcome: JobOutcome): void;
}

/**
 * One response, bound to this worker: speaks its segments one after the other.
 *
 * J1  Nothing is published after `cancel` has returned: every publication follows a look at `outcome` without an await
 *     in between.
 * J2  The provider is asked for the next piece only after the one before was sent, so the look-ahead holds it back.
 * J3  Setting `outcome` releases timer and reports at once and aborts the provider's stream, if there is one; `released`
 *     follows.
 */
export class VoiceJob {
  private readonly queue = new SegmentQueue();
  private readonly lookAhead: LookAhead;
  private readonly wakeup = new Wakeup();
  private readonly abort = new AbortController();
  private readonly unwatch: () => void;
  private readonly rate = { samples: 0, characters: 0 };
  private speaking: SpokenSegment | undefined;
  private outcome: JobOutcome | undefined;
  private idleTimer: CancelTimer;
  private lastActivityMs: number;
  /** Settles when the loop has ended and the provider's stream is released. */
  readonly released: Promise<void>;

  constructor(
    private opened: VoiceOpen,
    readonly traceparent: string,
    private readonly ports: VoiceJobPorts,
    lookAheadMs: number,
    private readonly listener: VoiceJobListener,
  ) {
    this.lookAhead = new LookAhead(lookAheadMs);
    this.lastActivityMs = ports.system.clock.nowMs();
    this.idleTimer = ports.system.timers.after(IDLE_MS, this.checkIdle);
    this.unwatch = ports.reports.watch(opened, (delivery) => {
      if (this.isSuperseded(delivery)) return this.finish('dropped');
      if (!this.lookAhead.report(delivery, this.queue.beginning)) return;
      this.lastActivityMs = ports.system.clock.nowMs();
      this.wakeup.wake();
    });
    this.released = this.run();
  }

  /** As its owner numbers it. */
  get open(): VoiceOpen {
    return this.opened;
  }

  /**
   * Goes on for a new owner, of whose answer `segments` segments are part. False when more than these were begun: their audio
   * is none of the answer, and the job is over.
   */
  adopt(by: Rendering & { owner: Incarnation }, segments: number): boolean {
    if (!this.queue.keepOnly(segments)) {
      this.cancel();
      return false;
    }
    this.lastActivityMs = this.ports.system.clock.nowMs();
    this.opened = { ...this.opened, epoch: by.epoch, attempt: by.attempt, owner: by.owner };
    this.speaking?.adopt(this.opened);
    return true;
  }

  segment(order: OrderedSegment): void {
    this.lastActivityMs = this.ports.system.clock.nowMs();
    this.queue.add(order);
    this.wakeup.wake();
  }

  /** No segment from number `segments` on will come. */
  end(segments: number): void {
    this.lastActivityMs = this.ports.system.clock.nowMs();
    this.queue.end(segments);
    this.wakeup.wake();
  }

  /** Silent from now on (J1). Idempotent. */
  cancel(): void {
    this.finish('cancelled');
  }

  private async run(): Promise<void> {
    for (;;) {
      const order = this.queue.take();
      if (order !== undefined) {
        await this.speakGuarded(order);
      } else if (this.queue.exhausted) {
        this.finish('finished');
      } else {
        await this.wakeup.sleep();
      }
      if (this.outcome !== undefined) return;
    }
  }

  private async speakGuarded(order: OrderedSegment): Promise<void> {
    try {
      await this.speak(order);
    } catch (error) {
      this.ports.log.error('a voice job broke', { sessionId: this.open.sessionId, segment: order.segment, error });
      this.fail(order, { kind: 'worker_lost', message: 'The voice worker failed on this segment.' });
    }
  }

  private async speak(order: OrderedSegment): Promise<void> {
    const { tts, system, telemetry } = this.ports;
    const segment = new SpokenSegment(order, this.open, tts, this.rate);
    this.speaking = segment;
    if (segment.spoken.text === '') {
      this.endSegment(segment);
      return;
    }
    const startMs = system.clock.nowMs();
    let hasSpoken = false;
    const request = { text: segment.spoken.text, voice: this.open.voice ?? undefined, speed: this.open.speed };
    for await (const event of tts.synthesize(request, this.abort.signal)) {
      if (this.outcome !== undefined) return;
      if (event.kind === 'audio' && !hasSpoken) {
        hasSpoken = true;
        telemetry.observe('parley_tts_first_byte_seconds', {}, (system.clock.nowMs() - startMs) / 1000);
      }
      await this.take(segment, event);
    }
  }

  private async take(segment: SpokenSegment, event: TtsEvent): Promise<void> {
    switch (event.kind) {
      case 'audio':
        return this.send(segment, segment.rest(event.pcm));
      case 'timings':
        return this.tell(segment, segment.timed(event));
      case 'finished':
        return this.endSegment(segment);
      case 'failed':
        return this.fail(segment.order, event.failure);
      default:
        return unreachable(event);
    }
  }

  private async send(segment: SpokenSegment, pcm: Uint8Array): Promise<void> {
    for (let from = 0; from < pcm.length; from += MAX_PCM_BYTES) {
      const piece = pcm.subarray(from, from + MAX_PCM_BYTES);
      const samples = piece.length / SAMPLE_BYTES;
      while (!this.lookAhead.fits(samples) && this.outcome === undefined) await this.wakeup.sleep();
      if (this.outcome !== undefined) return;
      this.publish(segment, piece, false);
    }
  }

  private endSegment(segment: SpokenSegment): void {
    // Audio is never held back to carry the flag: the end is a message of its own.
    this.publish(segment, new Uint8Array(), true);
    if (this.outcome !== undefined) return;
    this.rate.samples += segment.renderedSamples;
    this.rate.characters += segment.spoken.text.length;
    this.ports.telemetry.count('parley_tts_segments_total', {});
  }

  private publish(segment: SpokenSegment, pcm: Uint8Array, last: boolean): void {
    const { bus } = this.ports;
    // Without a link it reaches nobody, and where nothing follows it nobody would know.
    if (!bus.connected)
      return this.fail(segment.order, { kind: 'worker_lost', message: 'The voice worker lost its bus.' });
    const samples = pcm.length / SAMPLE_BYTES;
    bus.publish(subjects.audio(this.open.sessionId), segment.chunk(pcm, last));
    this.lookAhead.sent(samples);
    this.lastActivityMs = this.ports.system.clock.nowMs();
    this.tell(segment, segment.stretchOf(samples, last));
  }

  private tell(segment: SpokenSegment, stretch: Stretch | undefined): void {
    if (stretch === undefined) return;
    const { sessionId, epoch, lane, ordinal, attempt } = this.open;
    const key: VoiceJobKey = { sessionId, epoch, lane, ordinal, attempt };
    const timings: SegmentTimings = { ...key, segment: segment.order.segment, ...stretch };
    this.ports.bus.publish(subjects.timings(sessionId), encodeEnvelope(segment.order.traceparent, timings));
  }

  private fail(order: OrderedSegment, failure: ProviderFailure): void {
    if (this.outcome !== undefined) return;
    this.listener.onFailed(order.traceparent, order.segment, failure);
    this.finish('failed');
  }

  /** Its owner took this worker for lost, and the gateway already gets the response from another. */
  private isSuperseded({ segments }: ResponseDelivery): boolean {
    return segments.some(({ attempt }) => attempt > this.open.attempt);
  }

  private readonly checkIdle = (): void => {
    const { clock, timers } = this.ports.system;
    const idleMs = clock.nowMs() - this.lastActivityMs;
    if (idleMs < IDLE_MS) {
      this.idleTimer = timers.after(IDLE_MS - idleMs, this.checkIdle);
      return;
    }
    this.ports.log.warn('a voice job was dropped: no order for it came', { sessionId: this.open.sessionId });
    this.finish('dropped');
  };

  private finish(outcome: JobOutcome): void {
    if (this.outcome !== undefined) return;
    this.outcome = outcome;
    this.idleTimer();
    this.unwatch();
    // Of what was spoken to its end nothing is left to abort, and an abort costs an exception object.
    if (outcome !== 'finished') this.abort.abort();
    this.wakeup.wake();
    this.listener.onEnded(outcome);
  }
}
