import { MemoryBusServer, type MemoryBus } from '@parley/adapter-bus-memory';
import { RecordingLog, VirtualSystem } from '@parley/harness';
import {
  decodeChunk,
  encodeChunk,
  InvariantError,
  subjects,
  type ChunkHeader,
  type ChunkView,
  type Claim,
  type ClientEventBody,
  type ClaimReply,
  type Incarnation,
  type InputMessage,
  type InputReply,
  type OutputMessage,
  type OwnerOutput,
  type Report,
  type SessionId,
} from '@parley/model';
import type { BusMessage, ConnectionPort, TelemetryPort } from '@parley/ports';
import { busSchemas, decodeEnvelope, encodeEnvelope } from '@parley/schemas';
import { answerPings } from '@parley/service-link';

export const SESSION: SessionId = 'sess_one';
export const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

type Of<Kind extends OwnerOutput['kind']> = Extract<OwnerOutput, { kind: Kind }>;

/** The outputs of a response with ordinal `n`, which is also in its ids. */
export const announceOf = (n: number, more: Partial<Of<'announce'>> = {}): Of<'announce'> => ({
  kind: 'announce',
  lane: 0,
  ordinal: n,
  responseId: `resp_${n}`,
  itemId: `item_${n}`,
  previousItemId: null,
  turnId: `turn_${n}`,
  cause: { attachment: 1, seq: n },
  format: { type: 'audio/pcm', rate: 24_000 },
  voice: null,
  modality: 'audio',
  maxOutputTokens: 'inf',
  metadata: null,
  ...more,
});
export const textOf = (n: number, text: string, segment = 0): Of<'text'> => ({
  kind: 'text',
  lane: 0,
  ordinal: n,
  segment,
  text,
});
export const USAGE = { inputTokens: 7, outputTokens: 3 };
export const endOf = (n: number, more: Partial<Of<'end'>> = {}): Of<'end'> => ({
  kind: 'end',
  lane: 0,
  ordinal: n,
  segments: 1,
  spokenSegments: 1,
  status: 'completed',
  cutBy: null,
  error: null,
  usage: USAGE,
  ...more,
});
export const interruptedOf = (n: number): Of<'interrupted'> => ({
  kind: 'interrupted',
  lane: 0,
  ordinal: n,
  responseId: `resp_${n}`,
  turnId: `turn_${n}`,
  heardMs: 100,
  heardText: 'Heard',
  usage: USAGE,
  reason: 'client_cancelled',
});

/** Samples that say where in the segment they stand. */
export const pcmOf = (firstSample: number, samples: number): Uint8Array =>
  new Uint8Array(Int16Array.from({ length: samples }, (_, index) => firstSample + index).buffer);

export interface ChunkOptions extends Partial<ChunkHeader> {
  samples?: number;
}

export function chunkBytes({ samples = 100, ...header }: ChunkOptions = {}): Uint8Array {
  const ordinal = header.ordinal ?? 1;
  const firstSample = header.firstSample ?? 0;
  return encodeChunk(
    {
      traceparent: TRACE,
      lane: 0,
      epoch: 1,
      ordinal,
      attempt: 1,
      responseId: `resp_${ordinal}`,
      segment: 0,
      firstSample,
      last: false,
      ...header,
    },
    pcmOf(firstSample, samples),
  );
}

export function chunkOf(options: ChunkOptions = {}): ChunkView {
  const chunk = decodeChunk(chunkBytes(options));
  if (!chunk.ok) throw new InvariantError(chunk.reason);
  return chunk.value;
}

export type WireEvent = { type: string; event_id: string } & Record<string, unknown>;

/** A client's socket: keeps what it was given. */
export class TestConnection implements ConnectionPort {
  readonly frames: (WireEvent | Uint8Array)[] = [];
  bufferedBytes = 0;
  pings = 0;
  terminated = false;
  readonly closes: { code: number; reason: string }[] = [];

  sendText(text: string): void {
    this.frames.push(JSON.parse(text) as WireEvent);
  }

  sendBinary(frame: Uint8Array): void {
    this.frames.push(frame);
  }

  ping(): void {
    this.pings++;
  }

  close(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }

  terminate(): void {
    this.terminated = true;
  }

  get events(): WireEvent[] {
    return this.frames.flatMap((frame) => (frame instanceof Uint8Array ? [] : [frame]));
  }

  get binaries(): Uint8Array[] {
    return this.frames.flatMap((frame) => (frame instanceof Uint8Array ? [frame] : []));
  }

  /** In order; a binary frame is `<audio>`. */
  get types(): string[] {
    return this.frames.map((frame) => (frame instanceof Uint8Array ? '<audio>' : frame.type));
  }

  of(type: string): WireEvent[] {
    return this.events.filter((event) => event.type === type);
  }
}

/** Keeps what services tell operators. */
export class RecordingTelemetry implements TelemetryPort {
  readonly counts = new Map<string, number>();
  readonly observed: { name: string; seconds: number }[] = [];

  count(name: string, labels: Record<string, string>, by = 1): void {
    const key = [name, ...Object.values(labels)].join(' ');
    this.counts.set(key, (this.counts.get(key) ?? 0) + by);
  }

  gauge(): void {
    // Not looked at.
  }

  observe(name: string, _labels: Record<string, string>, seconds: number): void {
    this.observed.push({ name, seconds });
  }
}

/** A bus in virtual time with the link of a gateway on it. */
export class GatewayStage {
  readonly system = new VirtualSystem();
  readonly log = new RecordingLog();
  readonly telemetry = new RecordingTelemetry();
  private readonly server = new MemoryBusServer({ random: this.system.random, schedule: this.system.schedule });
  readonly bus = this.link();

  link(): MemoryBus {
    return this.server.connect({ log: this.log, timers: this.system.timers });
  }

  pass(ms = 0): Promise<void> {
    return this.system.advanceBy(ms);
  }

  /** The result of what takes no time. */
  async now<T>(promise: Promise<T>): Promise<T> {
    await this.pass();
    return promise;
  }

  counted(key: string): number {
    return this.telemetry.counts.get(key) ?? 0;
  }

  observed(name: string): number[] {
    return this.telemetry.observed.flatMap((each) => (each.name === name ? [each.seconds] : []));
  }
}

/** An orchestrator seen from a gateway: answers claims and inputs as a test says, and keeps what it got. */
export class OwnerDouble {
  readonly bus: MemoryBus;
  readonly claims: Claim[] = [];
  readonly inputs: (InputMessage & { atMs: number; epoch: number })[] = [];
  readonly reports: (Report & { atMs: number })[] = [];
  epoch = 1;
  outSeq = 0;
  /** Undefined: no answer. */
  onClaim: (claim: Claim) => ClaimReply | undefined = () => this.granted();
  /** Applies in order by default. */
  onInput: (input: InputMessage) => InputReply | { kind: 'nonsense' } | undefined = ({ seq }) => {
    if (seq !== this.applied + 1 && seq > this.applied) return { kind: 'expected', seq: this.applied + 1 };
    this.applied = Math.max(this.applied, seq);
    return { kind: 'applied', seq: this.applied };
  };
  applied = 0;
  greeting: ClientEventBody[] = [];
  private inputSubscription: { unsubscribe(): void } | undefined;
  private readonly claimSubscription: { unsubscribe(): void };
  private readonly reserveSubscription: { unsubscribe(): void };
  private readonly pings: { unsubscribe(): void };

  constructor(
    private readonly stage: GatewayStage,
    readonly incarnation: Incarnation = 'orc_one',
  ) {
    this.bus = stage.link();
    this.pings = answerPings(this.bus, incarnation);
    const onClaim = (message: BusMessage): void => {
      const claim = this.read(busSchemas.claim, message.payload);
      this.claims.push(claim);
      if (claim.attach.kind === 'new') [this.applied, this.outSeq] = [0, 0];
      const reply = this.onClaim(claim);
      if (!reply) return;
      if (reply.kind === 'granted') this.carry(claim.sessionId);
      message.reply?.(encodeEnvelope(TRACE, reply));
    };
    this.claimSubscription = this.bus.subscribe(subjects.claim, onClaim);
    this.reserveSubscription = this.bus.subscribe(subjects.claimReserve, onClaim);
    this.bus.subscribe(subjects.ownerClaim(incarnation), onClaim);
    this.bus.subscribe('session.*.report', ({ payload }) => {
      this.reports.push({ ...this.read(busSchemas.report, payload), atMs: stage.system.nowMs });
    });
  }

  get inputSeqs(): number[] {
    return this.inputs.map(({ seq }) => seq);
  }

  get inputKinds(): string[] {
    return this.inputs.map(({ input }) => input.kind);
  }

  granted(): ClaimReply {
    const opening = { greeting: this.greeting, afterOutSeq: 0, throughOutSeq: 0, responses: [] };
    return { kind: 'granted', epoch: this.epoch, attachment: 1, owner: this.incarnation, opening };
  }

  /** Takes the session's inputs of its epoch. */
  carry(sessionId: SessionId): void {
    const { epoch } = this;
    this.inputSubscription?.unsubscribe();
    this.inputSubscription = this.bus.subscribe(subjects.input(sessionId, epoch), (message) => {
      const input = this.read(busSchemas.input, message.payload);
      this.inputs.push({ ...input, atMs: this.stage.system.nowMs, epoch });
      const reply = this.onInput(input);
      if (reply) message.reply?.(encodeEnvelope(TRACE, reply));
    });
  }

  /** The process lives on and knows the session no more. */
  drop(): void {
    this.inputSubscription?.unsubscribe();
  }

  /** As SIGSTOP: its link stays and nothing is answered any more. */
  freeze(): void {
    this.pings.unsubscribe();
    this.drop();
    for (const subject of [subjects.peer(this.incarnation), 'session.*.*.in']) this.bus.subscribe(subject, () => {});
  }

  /** A planned stop. */
  sayReleased(epoch = this.epoch): void {
    this.publish({ epoch, firstOutSeq: 1, outputs: [], released: true });
  }

  /** It has no room: only those come to it who find nobody else. */
  leaveGroup(): void {
    this.claimSubscription.unsubscribe();
  }

  claimNothing(): void {
    this.leaveGroup();
    this.reserveSubscription.unsubscribe();
  }

  /** Another orchestrator, which is granted the session with the next epoch when it is asked: this one no more. */
  successor(incarnation: Incarnation = 'orc_two'): OwnerDouble {
    this.claimNothing();
    const next = new OwnerDouble(this.stage, incarnation);
    [next.epoch, next.applied, next.outSeq] = [this.epoch + 1, this.applied, this.outSeq];
    return next;
  }

  /** To the first connection unless it says another. */
  publish(message: Omit<OutputMessage, 'attachment'> & { attachment?: number }, sessionId = SESSION): void {
    this.bus.publish(subjects.output(sessionId), encodeEnvelope(TRACE, { attachment: 1, ...message }));
  }

  /** The next numbered output. */
  emit(output: OwnerOutput, sessionId = SESSION): void {
    this.publish({ epoch: this.epoch, firstOutSeq: ++this.outSeq, outputs: [output] }, sessionId);
  }

  emitAll(...outputs: OwnerOutput[]): void {
    for (const output of outputs) this.emit(output);
  }

  audio(options: ChunkOptions, sessionId = SESSION): void {
    this.bus.publish(subjects.audio(sessionId), chunkBytes({ epoch: this.epoch, ...options }));
  }

  private read<Body>(schema: Parameters<typeof decodeEnvelope<Body>>[0], payload: Uint8Array): Body {
    const decoded = decodeEnvelope(schema, payload);
    if (!decoded.ok) throw new InvariantError(decoded.reason);
    return decoded.body;
  }
}
