import {
  CONVERSATION_LANE,
  msOfSamples,
  type ChunkView,
  type OwnerOutput,
  type ResponseDelivery,
  type SegmentDelivery,
  type Viseme,
  type WireViseme,
} from '@parley/model';
import type { ResponseEvents } from './response-events';
import type { VoiceCoding } from './voice-coding';

type Announce = Extract<OwnerOutput, { kind: 'announce' }>;
type End = Extract<OwnerOutput, { kind: 'end' }>;

/** What to do with a chunk: write these samples of it, or nothing. */
export type Placement =
  | { kind: 'write'; skipSamples: number }
  | { kind: 'duplicate' }
  | { kind: 'hole' }
  /** Muted, closed, or of a rendering that was superseded. */
  | { kind: 'stale' };

/**
 * One response on its way to one client: which samples of which segment come next, what is muted, and when the closing
 * events are due. Pure; the writer tells what really went to the socket.
 */
export class ResponseStream {
  private readonly delivered: SegmentDelivery[] = [];
  private readonly visemes: { segment: number; visemes: Viseme[] }[] = [];
  private end: End | undefined;
  /** Samples placed (written or queued) of the segment under way, by index. */
  private placed: { segment: number; samples: number; last: boolean } = { segment: 0, samples: 0, last: false };
  /** The newest rendering heard of: its first chunk takes the place of every older one. */
  private rendering = { epoch: 0, attempt: 0 };
  /** See {@link ResponseDelivery}: of the newest rendering alone. */
  holedAttempt: number | null = null;
  /** Segments whose text has come, which is the owner's word that they are part of the answer. */
  private texts = 0;
  /** The fence: no audio, text or viseme of it reaches the client any more. */
  muted = false;
  closed = false;

  constructor(
    readonly announce: Announce,
    readonly events: ResponseEvents,
    readonly coding: VoiceCoding,
    /** When the input that caused it arrived here; undefined for one of an earlier owner. */
    readonly askedAtMs: number | undefined,
    /** What an older connection delivered of it. */
    delivered?: Pick<ResponseDelivery, 'segments' | 'closed'>,
  ) {
    if (!delivered) return;
    this.closed = delivered.closed;
    this.delivered.push(...delivered.segments);
    const last = delivered.segments.at(-1);
    if (last) this.placed = { segment: delivered.segments.length - 1, samples: last.samples, last: last.last };
  }

  get ordinal(): number {
    return this.announce.ordinal;
  }

  get isOfConversation(): boolean {
    return this.announce.lane === CONVERSATION_LANE;
  }

  /** The text of a segment has come: its audio may be heard. */
  admit(segment: number): void {
    this.texts = Math.max(this.texts, segment + 1);
  }

  /** Audio of this segment is not heard before its text has come. */
  awaitsText(segment: number): boolean {
    return segment >= this.texts && !this.muted && !this.closed;
  }

  /** Segments in order, samples contiguous. */
  place(chunk: ChunkView): Placement {
    if (this.muted || this.closed || this.isSuperseded(chunk)) return { kind: 'stale' };
    if (this.placed.last && chunk.segment === this.placed.segment + 1) {
      this.placed = { segment: chunk.segment, samples: 0, last: false };
    }
    if (chunk.segment > this.placed.segment) return this.hole();
    if (chunk.segment < this.placed.segment || this.placed.last) return { kind: 'duplicate' };
    const knownSamples = this.placed.samples - chunk.firstSample;
    if (knownSamples < 0) return this.hole();
    if (knownSamples >= chunk.samples && !chunk.last) return { kind: 'duplicate' };
    // A rendering that goes on in another's place may end before that one's last sample: the segment ends all the same.
    const skipSamples = Math.min(knownSamples, chunk.samples);
    this.placed.samples += chunk.samples - skipSamples;
    this.placed.last = chunk.last;
    return { kind: 'write', skipSamples };
  }

  /** Attempts compare as (epoch, attempt). */
  private isSuperseded({ epoch, attempt }: ChunkView): boolean {
    const { rendering } = this;
    if (epoch < rendering.epoch || (epoch === rendering.epoch && attempt < rendering.attempt)) return true;
    if (epoch !== rendering.epoch || attempt !== rendering.attempt) {
      this.rendering = { epoch, attempt };
      this.holedAttempt = null;
    }
    return false;
  }

  private hole(): Placement {
    this.holedAttempt = this.rendering.attempt;
    return { kind: 'hole' };
  }

  /** `samples` of a segment went to the socket. */
  sent(segment: number, attempt: number, samples: number, last: boolean): void {
    const before = this.delivered[segment];
    this.delivered[segment] = { attempt, samples: (before?.samples ?? 0) + samples, last };
  }

  get segments(): SegmentDelivery[] {
    return this.delivered;
  }

  /** Samples of a segment that went to the socket. */
  samplesOf(segment: number): number {
    return this.delivered[segment]?.samples ?? 0;
  }

  get deliveredSamples(): number {
    return this.delivered.reduce((sum, segment) => sum + segment.samples, 0);
  }

  finish(end: End): void {
    this.end = end;
  }

  /** The closing events are due: everything that was announced as spoken has gone to the socket. */
  get due(): End | undefined {
    if (this.closed || !this.end) return undefined;
    if (this.end.status === 'failed') return this.end;
    const spoken = this.delivered.filter((segment) => segment.last).length;
    return !this.muted && spoken >= this.end.spokenSegments ? this.end : undefined;
  }

  get announcedEnd(): End | undefined {
    return this.end;
  }

  addVisemes(segment: number, visemes: Viseme[]): void {
    this.visemes.push({ segment, visemes });
  }

  /** Visemes whose segment's start is known, with positions from the response's first sample. */
  takeVisemes(): WireViseme[] {
    if (this.muted) return [];
    const ready: WireViseme[] = [];
    while (this.visemes[0] && this.isStartKnown(this.visemes[0].segment)) {
      const { segment, visemes } = this.visemes.shift() ?? { segment: 0, visemes: [] };
      const startMs = msOfSamples(
        this.delivered.slice(0, segment).reduce((sum, delivery) => sum + delivery.samples, 0),
      );
      for (const { viseme, startMs: ms, durationMs } of visemes) {
        ready.push({ viseme, start_ms: Math.round(startMs + ms), duration_ms: Math.round(durationMs) });
      }
    }
    return ready;
  }

  private isStartKnown(segment: number): boolean {
    for (let before = 0; before < segment; before++) if (!this.delivered[before]?.last) return false;
    return true;
  }
}
