export interface ReceivedSegment {
  samples: number;
  last: boolean;
  /** The socket was lost behind these samples: that they were all of it was perhaps said over the lost one. */
  mayBeWhole?: true;
}

/** One response as its client saw it. */
export class SeenResponse {
  readonly texts: string[] = [];
  readonly received: ReceivedSegment[] = [];
  samples = 0;
  firstAudioMs: number | undefined;
  doneMs: number | undefined;
  status: string | undefined;
  /** An explicit interrupt of the client should have silenced it. */
  fenced = false;
  itemId: string | undefined;
  /** The model's call whose text it is. */
  call: number | undefined;
  interruption: { atMs: number; heardText: string; heardMs: number } | undefined;
  readonly truncations: { atMs: number; audioEndMs: number }[] = [];
  /** A truncation says itself where the answer is cut. */
  truncationSent = false;
  /** Positions the client has reported. */
  readonly reports: { atMs: number; playedMs: number }[] = [];
  /** Its client has cut it off and lost its socket: who heard of that may be gone too. */
  isSilenced = false;
  /** When its client lost its last socket, and had the next one. */
  lostMs = Number.POSITIVE_INFINITY;
  reopenedMs = Number.POSITIVE_INFINITY;
  private step: Step = 'start';

  constructor(
    readonly id: string,
    readonly createdMs: number,
  ) {}

  get text(): string {
    return this.texts.join('');
  }

  get isOver(): boolean {
    return this.interruption !== undefined;
  }

  /** An interrupt that was not confirmed is said again; until then its audio may come, and is not played. */
  loseSocket(atMs: number): void {
    this.lostMs = atMs;
    this.isSilenced ||= (this.fenced || this.truncationSent) && !this.isOver;
    this.fenced = false;
  }

  /** Over another socket. Closing events of which the last has not arrived are told again, as a whole. */
  reopen(atMs: number): void {
    const underWay = this.received.at(-1);
    if (underWay) underWay.mayBeWhole = true;
    this.reopenedMs = atMs;
    if (CLOSING.has(this.step)) this.step = 'content';
  }

  /** False where this event does not follow from the one before. `isLost`: it says that the rest of the answer was lost. */
  take(step: Exclude<Step, 'start'>, isLost = false): boolean {
    // Who had told the client of an item was lost, and its socket with it: nobody knows of one that would have to be closed.
    const isBare = step === 'done' && isLost && this.reopenedMs < Number.POSITIVE_INFINITY;
    const legal = FOLLOWS[this.step].includes(step) || isBare;
    this.step = step;
    return legal;
  }
}

/** PROTOCOL.md, "Order of a response". */
export type Step =
  | 'start'
  | 'created'
  | 'item-added'
  | 'conversation-added'
  | 'part-added'
  | 'content'
  | 'audio-done'
  | 'transcript-done'
  | 'part-done'
  | 'conversation-done'
  | 'item-done'
  | 'done'
  | 'interrupted';

const FOLLOWS: Record<Step, readonly Step[]> = {
  start: ['created', 'interrupted'],
  created: ['item-added', 'done'],
  'item-added': ['conversation-added'],
  'conversation-added': ['part-added'],
  'part-added': ['content', 'audio-done'],
  content: ['content', 'audio-done'],
  'audio-done': ['transcript-done'],
  'transcript-done': ['part-done'],
  'part-done': ['conversation-done'],
  'conversation-done': ['item-done'],
  'item-done': ['done'],
  done: ['interrupted'],
  interrupted: [],
};

const CLOSING: ReadonlySet<Step> = new Set([
  'audio-done',
  'transcript-done',
  'part-done',
  'conversation-done',
  'item-done',
]);

export const STEP_OF: Readonly<Record<string, Exclude<Step, 'start'>>> = {
  'response.created': 'created',
  'response.output_item.added': 'item-added',
  'conversation.item.added': 'conversation-added',
  'response.content_part.added': 'part-added',
  'response.output_audio_transcript.delta': 'content',
  'response.output_audio.done': 'audio-done',
  'response.output_audio_transcript.done': 'transcript-done',
  'response.content_part.done': 'part-done',
  'conversation.item.done': 'conversation-done',
  'response.output_item.done': 'item-done',
  'response.done': 'done',
  'parley.response.interrupted': 'interrupted',
};
