import { SAMPLES_PER_MS, msOfSamples, samplesOfBytes } from '@parley/model';
import type { ResponseId } from '@parley/model';
import type { ClientSystem } from './client-system';
import { Emitter } from './emitter';
import type { ParleyClient } from './parley-client';
import { PlayoutTimeline } from './playout-timeline';
import type { Piece } from './playout-timeline';

/** How often the server hears the position while audio plays; its reports to the owner have the same period. */
export const REPORT_PERIOD_MS = 200;

/** Shorter waits gain nothing: audio clocks advance in steps of 3 to 20 ms. */
const MIN_TIMER_MS = 10;

/** What makes sound, or pretends to. Its clock counts samples of 24 kHz and stands while the device is suspended. */
export interface AudioOutput {
  /** Notice it needs to start something on time. */
  readonly leadSamples: number;
  /** The time that is being prepared: sound can be placed from here on. */
  nowSample(): number;
  /** The time that reaches the ear: `nowSample` less the output's latency. Never goes back. */
  heardSample(): number;
  /** `pcm` (16 bit) starts to sound at `piece.startSample`. */
  play(piece: Piece, pcm: Uint8Array): void;
  /** A piece that does not sound yet got an earlier place. */
  move(piece: Piece): void;
  /** Silences these responses for good, within a few milliseconds. */
  cut(responseIds: readonly ResponseId[]): void;
  /** All of the response has sounded. */
  release(responseId: ResponseId): void;
}

export interface PlayoutEvents {
  /** The first audio of a response was placed; it sounds `startsInMs` from now. */
  started: { responseId: ResponseId; startsInMs: number };
  /** Nothing of this response will sound any more. `cut`: it was interrupted. */
  ended: { responseId: ResponseId; playedSamples: number; cut: boolean };
}

/**
 * Plays a client's audio and tells the server how much of it was heard: every 200 ms while audio plays, at its end,
 * right before an interrupt, and right before a lost connection is resumed; until then it plays what it has. Responses
 * sound in the order their audio came. Owns one timer; the client's end or `dispose` stops it and silences what plays.
 */
export class Playout extends Emitter<PlayoutEvents> {
  private readonly timeline: PlayoutTimeline;
  /** Responses with audio to play or still to come, in order. */
  private readonly playing = new Set<ResponseId>();
  private readonly unsubscribe: (() => void)[];
  private cancelTimer: (() => void) | undefined;
  private reportDueMs = 0;

  constructor(
    private readonly client: ParleyClient,
    private readonly output: AudioOutput,
    private readonly system: ClientSystem,
  ) {
    super();
    this.timeline = new PlayoutTimeline(output.leadSamples);
    this.unsubscribe = [
      client.on('audio', ({ responseId, pcm }) => this.append(responseId, pcm)),
      client.on('audio-ended', ({ responseId }) => this.end(responseId)),
      // A response without audio has no `audio-ended`, and a failed one may stop without.
      client.on('done', ({ responseId }) => this.end(responseId)),
      client.on('fenced', ({ responseIds }) => this.drop(responseIds)),
      client.on('resuming', () => this.report()),
      client.on('status', ({ phase }) => {
        if (phase === 'closed') this.dispose();
      }),
    ];
  }

  /** What is heard right now: the response and the position in it. */
  heard(): { responseId: ResponseId; positionMs: number } | undefined {
    const heard = this.timeline.heardAt(this.output.heardSample());
    return heard && { responseId: heard.responseId, positionMs: heard.sample / SAMPLES_PER_MS };
  }

  /** Interrupts whatever runs or plays: reports the position, tells the server, and is silent in the same tick. */
  interrupt(): void {
    this.report();
    this.client.interrupt();
  }

  /** Silences what plays and stops the timer; `ended` is emitted for what was cut. Idempotent. */
  dispose(): void {
    for (const stop of this.unsubscribe.splice(0)) stop();
    this.drop([...this.playing]);
  }

  private append(responseId: ResponseId, pcm: Uint8Array): void {
    const nowSample = this.output.nowSample();
    const piece = this.timeline.append(responseId, samplesOfBytes(pcm.length), nowSample);
    if (piece === undefined) return;
    this.output.play(piece, pcm);
    if (!this.playing.has(responseId)) {
      if (this.playing.size === 0) this.reportDueMs = this.system.clock.nowMs() + REPORT_PERIOD_MS;
      this.playing.add(responseId);
      this.emit('started', { responseId, startsInMs: (piece.startSample - nowSample) / SAMPLES_PER_MS });
    }
    this.arm();
  }

  private end(responseId: ResponseId): void {
    if (!this.playing.has(responseId)) return;
    this.timeline.end(responseId);
    this.settle();
  }

  private drop(responseIds: readonly ResponseId[]): void {
    const audible = responseIds.filter((id) => this.playing.has(id));
    this.output.cut(audible);
    for (const piece of this.timeline.drop(audible, this.output.nowSample(), this.output.heardSample())) {
      this.output.move(piece);
    }
    for (const id of audible) this.finish(id, true);
    this.arm();
  }

  /** The position of what plays now; of responses behind it there is nothing to say yet. */
  private report(): void {
    const [first] = this.playing;
    if (first === undefined) return;
    this.reportDueMs = this.system.clock.nowMs() + REPORT_PERIOD_MS;
    this.client.reportPlayback(first, msOfSamples(this.played(first)), false);
  }

  /** One timer, due at the next report or at the expected end of what plays, whichever is first. */
  private arm(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    const [first] = this.playing;
    if (first === undefined) return;
    const toReportMs = this.reportDueMs - this.system.clock.nowMs();
    const toEndMs = this.timeline.remainingSamples(first, this.output.heardSample()) / SAMPLES_PER_MS;
    const delayMs = toEndMs > 0 ? Math.min(toReportMs, toEndMs) : toReportMs;
    // The floor keeps a suspended device, whose end never comes nearer, from turning this into a busy loop.
    this.cancelTimer = this.system.timers.after(Math.max(MIN_TIMER_MS, delayMs), () => this.onTimer());
  }

  private onTimer(): void {
    this.settle();
    if (this.playing.size === 0 || this.system.clock.nowMs() < this.reportDueMs) return;
    this.report();
    this.arm();
  }

  /** Lets go of what was heard to its end. */
  private settle(): void {
    for (const id of this.playing) {
      if (!this.timeline.finished(id, this.output.heardSample())) break;
      this.client.reportPlayback(id, msOfSamples(this.played(id)), true);
      this.output.release(id);
      this.finish(id, false);
    }
    this.arm();
  }

  private finish(responseId: ResponseId, cut: boolean): void {
    const playedSamples = this.played(responseId);
    this.playing.delete(responseId);
    // The timeline keeps the mark of a dropped response: nothing of it is ever placed again.
    if (!cut) this.timeline.forget(responseId);
    this.emit('ended', { responseId, playedSamples, cut });
  }

  private played(responseId: ResponseId): number {
    return this.timeline.playedSamples(responseId, this.output.heardSample());
  }
}
