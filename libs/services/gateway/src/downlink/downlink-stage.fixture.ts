import { VirtualSystem } from '@parley/harness';
import type { VisemesMessage } from '@parley/model';
import { gaDialect } from '../dialects/ga-dialect';
import {
  announceOf,
  chunkOf,
  RecordingTelemetry,
  SESSION,
  TestConnection,
  textOf,
  type ChunkOptions,
} from '../gateway-stage.fixture';
import type { ClientOutput } from '../link/session-link';
import { Downlink, type DownlinkOptions } from './downlink';
import type { Resumption } from './resumption';

/** What opens a response after `response.created`, and what closes it. */
export const OPENING = ['response.output_item.added', 'conversation.item.added', 'response.content_part.added'];
export const CLOSING = [
  'response.output_audio.done',
  'response.output_audio_transcript.done',
  'response.content_part.done',
  'conversation.item.done',
  'response.output_item.done',
  'response.done',
];

export const visemesOf = (ordinal: number, segment = 0): VisemesMessage => ({
  sessionId: SESSION,
  epoch: 1,
  lane: 0,
  ordinal,
  attempt: 1,
  segment,
  visemes: [{ viseme: 'aa', startMs: 1, durationMs: 2 }],
});

/** The downlink to a client of `parley.v1` that reads JSON, unless the options say otherwise. */
export class DownlinkStage {
  readonly system = new VirtualSystem();
  readonly connection = new TestConnection();
  readonly telemetry = new RecordingTelemetry();
  /** What its session was told. */
  readonly told: string[] = [];
  readonly downlink: Downlink;
  private outSeq = 0;

  /** The input with number 1 came at 0 ms. */
  constructor(options: Partial<DownlinkOptions> = {}, resumption?: Resumption) {
    const parley = options.parley ?? true;
    this.downlink = new Downlink(
      this.system.clock,
      this.telemetry,
      this.connection,
      { dialect: gaDialect({ parley }), parley, binary: false, conversationId: 'conv_1', ...options },
      1,
      [],
      resumption,
      {
        onProgress: () => this.told.push('progress'),
        onDisconnectOrdered: (code, reason) => this.told.push(`disconnect ${code} ${reason}`),
        onOverflow: () => this.told.push('overflow'),
        askedAtMs: (seq) => (seq === 1 ? 0 : undefined),
      },
    );
  }

  /** With the next numbers. */
  output(...outputs: ClientOutput[]): void {
    for (const each of outputs) this.downlink.output(each, { epoch: 1, outSeq: ++this.outSeq });
  }

  audio(options: ChunkOptions = {}): void {
    this.downlink.audio(chunkOf(options));
  }

  /** The announced response 1 with a text and one whole segment of audio. */
  spoken(samples = 2400): void {
    this.output(announceOf(1), textOf(1, 'Hello.'));
    this.audio({ samples, last: true });
  }

  /** Of the closed responses. */
  get statuses(): unknown[] {
    return this.connection.of('response.done').map((event) => (event['response'] as { status: unknown }).status);
  }

  dropped(reason: string): number {
    return this.telemetry.counts.get(`parley_stale_chunks_dropped_total ${reason}`) ?? 0;
  }
}
