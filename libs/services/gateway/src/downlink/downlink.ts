import {
  CONVERSATION_LANE,
  unreachable,
  type ChunkView,
  type ClientEventBody,
  type ResponseDelivery,
  type ResponseId,
  type VisemesMessage,
} from '@parley/model';
import type { ClockPort, ConnectionPort, TelemetryPort } from '@parley/ports';
import { Playhead } from '@parley/audio';
import { frameAfter, pcmAfter } from './chunk-rest';
import type { Dialect } from '../dialects/dialect';
import { EventWriter, type Told } from './event-writer';
import { HeldAudio } from './held-audio';
import { OrderedWriter } from './ordered-writer';
import { ResponseEvents, type Closing } from './response-events';
import { ResponseStream } from './response-stream';
import type { Resumption } from './resumption';
import type { ClientOutput, OutputNumber } from '../link/session-link';
import { voiceCodingOf, type CodedVoice } from './voice-coding';

type Of<Kind extends ClientOutput['kind']> = Extract<ClientOutput, { kind: Kind }>;

export interface DownlinkOptions {
  /** What the client reads and writes. */
  dialect: Dialect;
  /** The client speaks `parley.v1`. */
  parley: boolean;
  /** Audio as binary frames instead of base64 in JSON. */
  binary: boolean;
  conversationId: string;
}

/** What the downlink tells its session. */
export interface DownlinkListener {
  /** Something the owner waits for: a first sample, a segment's end, closing events, a hole. */
  onProgress(): void;
  onDisconnectOrdered(closeCode: number, reason: string): void;
  onOverflow(): void;
  /** When did the input with this number arrive? */
  askedAtMs(seq: number): number | undefined;
}

/**
 * Everything towards one client: expands owner output to events, keeps audio in order behind the fence, and knows what
 * was written and heard. The one place that writes to the connection.
 */
export class Downlink {
  private readonly streams = new Map<number, ResponseStream>();
  private readonly playhead = new Playhead();
  private readonly writer: OrderedWriter;
  private readonly events: EventWriter;
  private readonly held = new HeldAudio();
  private announcedOrdinal = 0;
  /** Of the conversation's lane: out of band a later one may be closed first. */
  private closedOrdinal = 0;
  /** Responses that inputs up to this number began are fenced before they are announced. */
  private mutedThroughSeq = 0;
  /** As the client was told last: thinking or speaking ends by the owner's word alone. */
  private floorIsTaken = false;

  constructor(
    private readonly clock: ClockPort,
    private readonly telemetry: TelemetryPort,
    connection: ConnectionPort,
    private readonly options: DownlinkOptions,
    private readonly attachment: number,
    greeting: readonly ClientEventBody[],
    /** Of a connection that continues another one. */
    private readonly resumption: Resumption | undefined,
    private readonly listener: DownlinkListener,
  ) {
    this.writer = new OrderedWriter(connection, () => listener.onOverflow());
    this.events = new EventWriter(this.writer, options.dialect, attachment, resumption);
    for (const event of greeting) this.pass(event);
  }

  get writtenOrdinal(): number {
    return this.announcedOrdinal;
  }

  get lastClosedOrdinal(): number {
    return this.closedOrdinal;
  }

  /** Something is generated, written or played: reports go on. */
  get isActive(): boolean {
    return this.streams.size > 0;
  }

  /** The client waits for something that only an owner can say. */
  get awaitsOwner(): boolean {
    return this.floorIsTaken || this.isActive;
  }

  onWritable(): void {
    this.writer.flush();
  }

  pong(): void {
    this.events.write({ type: 'parley.pong' });
  }

  goingAway(reconnectWithinMs: number): void {
    this.events.write({ type: 'parley.going_away', reconnect_within_ms: reconnectWithinMs });
  }

  playback(responseId: ResponseId, playedMs: number, ended: boolean): void {
    const stream = [...this.streams.values()].find((each) => each.announce.responseId === responseId);
    if (stream) this.playhead.report(stream.ordinal, playedMs, ended, this.clock.nowMs());
  }

  /**
   * The fence of an explicit interrupt of the conversation, or of one response by its name, before the owner even knows: what is not in the socket yet will never be.
   * `seq`: the interrupt's own number; responses begun by earlier inputs are hit even when not announced yet.
   */
  fence(hit: { responseId: ResponseId | undefined; live: boolean; tails: boolean }, seq: number): void {
    if (hit.responseId === undefined) this.mutedThroughSeq = Math.max(this.mutedThroughSeq, seq);
    for (const stream of this.streams.values()) {
      const isHit =
        hit.responseId === undefined ? stream.isOfConversation : hit.responseId === stream.announce.responseId;
      if (!isHit) continue;
      if (stream.closed ? hit.tails : hit.live) this.mute(stream);
    }
  }

  /** What was delivered and played of every response that is not over, oldest first. */
  deliveries(): ResponseDelivery[] {
    const nowMs = this.clock.nowMs();
    return [...this.streams.values()].map((stream) => ({
      lane: stream.announce.lane,
      ordinal: stream.ordinal,
      responseId: stream.announce.responseId,
      segments: stream.segments,
      playedSamples: this.playhead.played(stream.ordinal, nowMs) ?? stream.deliveredSamples,
      ended: this.playhead.hasEnded(stream.ordinal),
      closed: stream.closed,
      holedAttempt: stream.holedAttempt,
    }));
  }

  /** Forgets responses that were closed and played to their end; their last report has said so. */
  prune(): void {
    const nowMs = this.clock.nowMs();
    for (const stream of this.streams.values()) {
      if (stream.closed && this.playhead.isPlayed(stream.ordinal, nowMs)) this.forget(stream);
    }
  }

  output(output: ClientOutput, number: OutputNumber): void {
    this.events.tell(number, (told) => this.take(output, told));
  }

  private take(output: ClientOutput, told: Told): void {
    switch (output.kind) {
      case 'event':
        return this.pass(output.event, told);
      case 'error':
        return this.writeError(output, told);
      case 'announce':
        return this.announce(output, told);
      case 'text': {
        const stream = this.streams.get(output.ordinal);
        if (stream && !stream.closed) this.text(stream, output, told);
        return;
      }
      case 'call': {
        const stream = this.streams.get(output.ordinal);
        if (stream && !stream.muted) this.events.writeAll(stream.events.call(output.itemId, output.call), told);
        return;
      }
      case 'end':
        return this.end(output, told);
      case 'close':
        return this.forceClose(output, told);
      case 'interrupted':
        return this.interrupted(output, told);
      case 'paused':
      case 'resumed':
        return this.hold(output, told);
      case 'disconnect':
        return this.listener.onDisconnectOrdered(output.closeCode, output.reason);
      default:
        return unreachable(output);
    }
  }

  audio(chunk: ChunkView): void {
    const stream = this.streams.get(chunk.ordinal);
    // Of responses that are over or fenced nothing is awaited any more.
    const isAwaited = stream ? stream.awaitsText(chunk.segment) : chunk.ordinal > this.announcedOrdinal;
    if (isAwaited && this.held.add(chunk)) return;
    if (!stream || isAwaited) return this.telemetry.count('parley_stale_chunks_dropped_total', { reason: 'fence' });
    const isHoled = stream.holedAttempt !== null;
    const placement = stream.place(chunk);
    if (placement.kind !== 'write') {
      this.telemetry.count('parley_stale_chunks_dropped_total', { reason: placement.kind });
      if (placement.kind === 'hole' && !isHoled) this.listener.onProgress();
      return;
    }
    const { skipSamples } = placement;
    const opening = stream.events.open();
    if (opening.length > 0) this.events.writeAll(opening);
    this.writer.write({
      kind: 'audio',
      ordinal: stream.ordinal,
      bytes: chunk.pcm.length,
      send: (connection) => this.sendAudio(connection, stream, chunk, skipSamples),
    });
  }

  visemes(message: VisemesMessage): void {
    const stream = this.streams.get(message.ordinal);
    if (!stream || !this.options.parley) return;
    stream.addVisemes(message.segment, message.visemes);
    this.writeVisemes(stream);
  }

  /** Audio that waits for a text which its owner has never stored waits for nothing. */
  ownerChanged(admits: (chunk: ChunkView) => boolean): void {
    this.held.keepOnly(admits);
  }

  private pass(event: ClientEventBody, told?: Told): void {
    // The greeting told who has the floor now, and whoever had it before has it no more.
    if (event.type === 'parley.state' && told && this.resumption?.isPast(told.outSeq)) return;
    this.events.writeAll([event], told);
    if (event.type === 'parley.state')
      this.floorIsTaken = event['state'] === 'thinking' || event['state'] === 'speaking';
  }

  private sendAudio(connection: ConnectionPort, stream: ResponseStream, chunk: ChunkView, skipSamples: number): void {
    const nowMs = this.clock.nowMs();
    const { segment, last } = chunk;
    const samples = chunk.samples - skipSamples;
    const firstSample = stream.samplesOf(segment);
    if (this.options.binary) connection.sendBinary(frameAfter(chunk, skipSamples, firstSample));
    else {
      const piece = { segment, firstSample, pcm: pcmAfter(chunk, skipSamples), last };
      this.sendDeltas(connection, stream, stream.coding.push(piece));
    }
    const isFirst = stream.deliveredSamples === 0 && samples > 0;
    stream.sent(segment, chunk.attempt, samples, last);
    this.playhead.delivered(stream.ordinal, samples, nowMs);
    if (isFirst && stream.askedAtMs !== undefined) {
      this.telemetry.observe('parley_turn_first_audio_seconds', {}, (nowMs - stream.askedAtMs) / 1000);
    }
    if (last) {
      this.writeVisemes(stream);
      this.closeIfDue(stream);
    }
    if (isFirst || last) this.listener.onProgress();
  }

  private sendDeltas(connection: ConnectionPort, stream: ResponseStream, coded: readonly CodedVoice[]): void {
    const { audioDelta } = this.options.dialect;
    for (const { segment, firstSample, bytes } of coded) {
      // The API's own events have no place for it, and clients of that API may be strict.
      const place = this.options.parley ? { segment, firstSample } : undefined;
      const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
      connection.sendText(stream.events.audioDelta(audioDelta, this.events.ownId(), base64, place));
    }
  }

  /** What the coding still holds, behind all that waits for the socket. */
  private endVoice(stream: ResponseStream): void {
    if (!stream.coding.lags || stream.muted || this.options.binary) return;
    this.writer.write({
      kind: 'audio',
      ordinal: stream.ordinal,
      bytes: 0,
      send: (connection) => this.sendDeltas(connection, stream, stream.coding.end()),
    });
  }

  private announce(output: Of<'announce'>, told: Told): void {
    const { lane, ordinal, cause, responseId } = output;
    this.announcedOrdinal = Math.max(this.announcedOrdinal, ordinal);
    const delivered = this.resumption?.deliveryOf(ordinal);
    if (!delivered && this.resumption?.isFinished(responseId, told.outSeq)) return;
    const events = new ResponseEvents(output, this.options.conversationId);
    const askedAtMs = cause.attachment === this.attachment ? this.listener.askedAtMs(cause.seq) : undefined;
    const coding = voiceCodingOf(output.format, { bySegment: this.options.parley });
    const stream = new ResponseStream(output, events, coding, askedAtMs, delivered);
    this.streams.set(ordinal, stream);
    if (lane === CONVERSATION_LANE) this.playLater(stream, delivered?.playedSamples ?? 0);
    this.events.writeAll(events.created(), told);
  }

  /** Responses of the conversation play one after the other. Whether one out of band is played at all, nobody knows: it counts as played. */
  private playLater(stream: ResponseStream, playedSamples: number): void {
    const { announce, deliveredSamples, ordinal } = stream;
    const { attachment, seq } = announce.cause;
    const nowMs = this.clock.nowMs();
    this.playhead.begin(ordinal, nowMs, { deliveredSamples, playedSamples });
    if (stream.closed) this.playhead.finish(ordinal, nowMs);
    if (attachment === this.attachment && seq < this.mutedThroughSeq) this.mute(stream);
  }

  private text(stream: ResponseStream, { segment, text }: Of<'text'>, told: Told): void {
    // Its item stands in the conversation, and others will stand behind it: behind the fence it is told without a word.
    if (stream.muted) return this.events.writeAll(stream.events.open(), told);
    this.events.writeAll(stream.events.text(text), told);
    stream.admit(segment);
    for (const chunk of this.held.take(stream.ordinal, segment)) this.audio(chunk);
  }

  private end(output: Of<'end'>, told: Told): void {
    const stream = this.streams.get(output.ordinal);
    if (!stream || stream.closed) return;
    stream.finish(output);
    if (output.status === 'failed') this.mute(stream);
    // What ends with its last sample was told with that: whether the client has it does not depend on this output.
    this.closeIfDue(stream, output.status === 'failed' ? told : { ...told, seen: 0 });
  }

  private closeIfDue(stream: ResponseStream, told?: Told): void {
    const end = stream.due;
    if (end) this.close(stream, end, told);
  }

  private forceClose(output: Of<'close'>, told: Told): void {
    const stream = this.streams.get(output.ordinal);
    if (!stream || stream.closed) return;
    // To another connection; here it is under way again.
    if (this.resumption?.isPast(told.outSeq) && this.resumption.deliveryOf(output.ordinal)) return;
    const cutShort = {
      status: 'incomplete',
      cutBy: null,
      error: null,
      usage: { inputTokens: 0, outputTokens: 0 },
    } as const;
    this.close(stream, stream.announcedEnd ?? cutShort, told);
  }

  private close(stream: ResponseStream, closing: Closing, told?: Told): void {
    stream.closed = true;
    if (stream.isOfConversation) this.closedOrdinal = Math.max(this.closedOrdinal, stream.ordinal);
    this.playhead.finish(stream.ordinal, this.clock.nowMs());
    this.endVoice(stream);
    this.events.writeAll(stream.events.close(closing), told);
    this.listener.onProgress();
  }

  /** Cancelled closing events unless they were written before, then the last word on this response. */
  private interrupted(output: Of<'interrupted'>, told: Told): void {
    const stream = this.streams.get(output.ordinal);
    if (stream) this.mute(stream);
    const events =
      stream && !stream.closed
        ? stream.events.close({ status: 'cancelled', reason: output.reason, usage: output.usage })
        : [];
    if (output.lane === CONVERSATION_LANE) this.closedOrdinal = Math.max(this.closedOrdinal, output.ordinal);
    const { responseId, turnId, heardMs, heardText } = output;
    this.events.writeAll(events, told);
    // How many events there were before it, only its first connection knew.
    this.events.writeLast(
      {
        type: 'parley.response.interrupted',
        response_id: responseId,
        turn_id: turnId,
        heard_ms: heardMs,
        heard_text: heardText,
      },
      told,
    );
    if (stream) this.forget(stream);
    // It has taken its pause with it.
    this.playhead.resume(output.ordinal, this.clock.nowMs());
    this.listener.onProgress();
  }

  /** Nothing of the voice is played in a pause, also by a client whose playback is only estimated. */
  private hold(output: Of<'paused' | 'resumed'>, told: Told): void {
    const nowMs = this.clock.nowMs();
    if (output.kind === 'paused') this.playhead.pause(output.ordinal, nowMs);
    else this.playhead.resume(output.ordinal, nowMs);
    const { responseId, fromMs } = output;
    this.events.writeAll([{ type: `parley.output.${output.kind}`, response_id: responseId, from_ms: fromMs }], told);
  }

  private mute(stream: ResponseStream): void {
    stream.muted = true;
    const dropped = this.writer.dropAudio(stream.ordinal) + this.held.drop(stream.ordinal);
    if (dropped > 0) this.telemetry.count('parley_stale_chunks_dropped_total', { reason: 'fence' }, dropped);
  }

  private forget(stream: ResponseStream): void {
    this.streams.delete(stream.ordinal);
    this.held.drop(stream.ordinal);
    this.playhead.drop(stream.ordinal, this.clock.nowMs());
  }

  private writeVisemes(stream: ResponseStream): void {
    const visemes = stream.takeVisemes();
    if (visemes.length === 0) return;
    const { responseId, itemId } = stream.announce;
    const event = { type: 'parley.visemes', response_id: responseId, item_id: itemId, visemes };
    this.events.write(event);
  }

  private writeError(output: Of<'error'>, told: Told): void {
    if (told.seen === 0) this.telemetry.count('parley_errors_total', { code: output.error.code });
    this.events.writeAll([{ type: 'error', error: { ...output.error, event_id: output.clientEventId ?? null } }], told);
  }
}
