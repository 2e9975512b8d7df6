import { MemoryBusServer, type MemoryBus } from '@parley/adapter-bus-memory';
import { MemoryStoreServer, type MemoryStore } from '@parley/adapter-store-memory';
import { RecordingLog, VirtualSystem } from '@parley/harness';
import {
  DEFAULT_POLICY,
  InvariantError,
  queueGroups,
  subjects,
  type Claim,
  type ClaimReply,
  type Incarnation,
  type InputMessage,
  type InputReply,
  type OutputMessage,
  type OwnerOutput,
  type Report,
  type SessionId,
  type SessionInput,
  type VoiceOpen,
  type VoiceOpenReply,
  type VoiceOrder,
  type VoiceOrderReply,
} from '@parley/model';
import type {
  BusMessage,
  BusSubscription,
  LlmEvent,
  LlmPort,
  LlmRequest,
  SessionStorePort,
  TelemetryPort,
  WriteOutcome,
} from '@parley/ports';
import { busSchemas, decodeEnvelope, encodeEnvelope } from '@parley/schemas';
import { answerPings } from '@parley/service-link';
import type { OrchestratorConfig } from './config';
import type { OrchestratorPorts } from './ports';

export const SESSION: SessionId = 'sess_one';
export const GATEWAY: Incarnation = 'gw_one';
export const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

export const CONFIG: OrchestratorConfig = {
  instructions: 'Be brief.',
  model: 'model-1',
  voice: null,
  voiceMap: { marin: 'anna' },
  modelMap: { named: 'model-2', alias: 'model-2', other: 'model-3' },
  policy: DEFAULT_POLICY,
  lipSync: false,
  maxSessions: 100,
  maxLagMs: 100,
  journal: false,
};

export const newClaim = (sessionId: SessionId = SESSION, model: string | null = null): Claim => ({
  sessionId,
  gateway: GATEWAY,
  seenEpoch: 0,
  attach: { kind: 'new', connection: { parley: true, model } },
});
export const keepClaim = (seenEpoch = 1, sessionId: SessionId = SESSION): Claim => ({
  sessionId,
  gateway: GATEWAY,
  seenEpoch,
  attach: {
    kind: 'keep',
    attachment: 1,
    delivered: { acknowledgedOutSeq: 0, linkLosses: 0, announcedOrdinal: 0, responses: [] },
  },
});

/** A turn of the client; `n` is in its ids. */
export const turnOf = (n: number, text = 'Hello'): SessionInput => ({
  kind: 'final-transcript',
  turnId: `turn_${n}`,
  text,
  itemId: `user_${n}`,
  responseId: `resp_${n}`,
  answerId: `answer_${n}`,
});
export const updateOf = (instructions: string): SessionInput => ({ kind: 'session-updated', patch: { instructions } });
export const interruptOf = (writtenOrdinal: number): SessionInput => ({
  kind: 'interrupted',
  writtenOrdinal,
  delivery: [],
});

export function read<Body>(schema: Parameters<typeof decodeEnvelope<Body>>[0], payload: Uint8Array): Body {
  const decoded = decodeEnvelope(schema, payload);
  if (!decoded.ok) throw new InvariantError(decoded.reason);
  return decoded.body;
}

/** Keeps what services tell operators. */
export class RecordingTelemetry implements TelemetryPort {
  readonly counts = new Map<string, number>();

  count(name: string, labels: Record<string, string>, by = 1): void {
    const key = [name, ...Object.values(labels)].join(' ');
    this.counts.set(key, (this.counts.get(key) ?? 0) + by);
  }

  gauge(): void {
    // Not looked at.
  }

  observe(): void {
    // Not looked at.
  }
}

/** A model whose answers a test writes event by event. */
export class ManualLlm implements LlmPort {
  readonly continuation = 'instruct';
  readonly calls: ManualAnswer[] = [];

  async *generate(request: LlmRequest, signal: AbortSignal): AsyncIterable<LlmEvent> {
    const answer = new ManualAnswer(request, signal);
    this.calls.push(answer);
    yield* answer.read();
  }

  async close(): Promise<void> {
    // Holds nothing.
  }

  call(index: number): ManualAnswer {
    const call = this.calls[index];
    if (!call) throw new InvariantError(`the model was not asked as number ${index}`);
    return call;
  }
}

/** One answer. It goes on after an abort, as a bad adapter would: what comes then must be dropped by the caller. */
export class ManualAnswer {
  private readonly waiting: (LlmEvent | Error)[] = [];
  private wake: () => void = () => undefined;
  private ended = false;

  constructor(
    readonly request: LlmRequest,
    readonly signal: AbortSignal,
  ) {}

  push(...events: (LlmEvent | Error)[]): void {
    this.waiting.push(...events);
    this.wake();
  }

  writes(text: string): void {
    this.push({ kind: 'text', text });
  }

  finishes(): void {
    this.push({ kind: 'finished', reason: 'stop', usage: { inputTokens: 7, outputTokens: 3 } });
    this.ends();
  }

  ends(): void {
    this.ended = true;
    this.wake();
  }

  async *read(): AsyncIterable<LlmEvent> {
    for (;;) {
      const next = this.waiting.shift();
      if (next instanceof Error) throw next;
      if (next) yield next;
      else if (this.ended) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

/** A store whose writes wait while a test holds them: sent, and not yet answered. */
export class HeldStore implements SessionStorePort {
  readonly writes: { epoch: number; rev: number }[] = [];
  /** So many writes are applied, and nobody hears of it. */
  lostAnswers = 0;
  private held: (() => void)[] | undefined;

  constructor(readonly inner: MemoryStore) {}

  hold(): void {
    this.held = [];
  }

  letGo(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const go of held) go();
  }

  async write(request: Parameters<SessionStorePort['write']>[0]): Promise<WriteOutcome> {
    this.writes.push({ epoch: request.epoch, rev: request.rev });
    const { held } = this;
    if (held) await new Promise<void>((resolve) => held.push(resolve));
    const outcome = await this.inner.write(request);
    if (this.lostAnswers === 0) return outcome;
    this.lostAnswers--;
    return { kind: 'unavailable', message: 'the answer was lost' };
  }

  load: SessionStorePort['load'] = (sessionId) => this.inner.load(sessionId);
  claim: SessionStorePort['claim'] = (request) => this.inner.claim(request);
  release: SessionStorePort['release'] = (sessionId, epoch) => this.inner.release(sessionId, epoch);
  remove: SessionStorePort['remove'] = (sessionId, epoch, ms) => this.inner.remove(sessionId, epoch, ms);
  renewLease: SessionStorePort['renewLease'] = (owner, ttlMs) => this.inner.renewLease(owner, ttlMs);
  leaseAlive: SessionStorePort['leaseAlive'] = (owner) => this.inner.leaseAlive(owner);
  releaseLease: SessionStorePort['releaseLease'] = (owner) => this.inner.releaseLease(owner);
  keepSecret: SessionStorePort['keepSecret'] = (digest, value, ms) => this.inner.keepSecret(digest, value, ms);
  findSecret: SessionStorePort['findSecret'] = (digest) => this.inner.findSecret(digest);
  ping: SessionStorePort['ping'] = () => this.inner.ping();
  close: SessionStorePort['close'] = () => this.inner.close();
}

/** Bus and store in virtual time, and what an orchestrator needs. */
export class OrchestratorStage {
  readonly system = new VirtualSystem();
  readonly log = new RecordingLog();
  readonly telemetry = new RecordingTelemetry();
  readonly llm = new ManualLlm();
  readonly storeServer = new MemoryStoreServer(this.system);
  private readonly busServer = new MemoryBusServer({ random: this.system.random, schedule: this.system.schedule });

  link(): MemoryBus {
    return this.busServer.connect({ log: this.log, timers: this.system.timers });
  }

  /** The ports of one process, with links of its own. */
  process(): OrchestratorPorts & { bus: MemoryBus; store: HeldStore } {
    const { system, log, telemetry, llm } = this;
    return { bus: this.link(), store: new HeldStore(this.storeServer.connect()), llm, system, log, telemetry };
  }

  pass(ms = 0): Promise<void> {
    return this.system.advanceBy(ms);
  }

  /** The result of what takes no time. */
  async now<T>(promise: Promise<T>): Promise<T> {
    await this.pass();
    return promise;
  }

  logged(message: string): number {
    return this.log.lines.filter((line) => line.message === message).length;
  }

  counted(key: string): number {
    return this.telemetry.counts.get(key) ?? 0;
  }
}

/** The numbers of the outputs of one message. */
export const numbersOf = (message: OutputMessage): number[] =>
  message.outputs.map((_, index) => message.firstOutSeq + index);

/** A gateway seen from an owner: claims, sends inputs, keeps what comes out, acknowledges when told to. */
export class GatewayDouble {
  readonly bus: MemoryBus;
  readonly messages: (OutputMessage & { atMs: number })[] = [];
  /** Acknowledges everything at once, as a report. */
  acknowledges = true;
  private seq = 0;

  constructor(
    private readonly stage: OrchestratorStage,
    private readonly sessionId: SessionId = SESSION,
  ) {
    this.bus = stage.link();
    answerPings(this.bus, GATEWAY);
    this.bus.subscribe(subjects.output(sessionId), ({ payload }) => {
      const message = read(busSchemas.output, payload);
      this.messages.push({ ...message, atMs: stage.system.nowMs });
      const acknowledgedOutSeq = numbersOf(message).at(-1);
      if (acknowledgedOutSeq !== undefined && this.acknowledges) this.report({ acknowledgedOutSeq });
    });
  }

  async claim(claim: Claim, subject: string = subjects.claim): Promise<ClaimReply | string> {
    const outcome = await this.bus.request(subject, encodeEnvelope(TRACE, claim), {
      timeoutMs: 750,
      isFinal: (payload) => read(busSchemas.claimReply, payload).kind !== 'probing',
    });
    return outcome.kind === 'reply' ? read(busSchemas.claimReply, outcome.payload) : outcome.kind;
  }

  /** The next input, or a given number again. */
  async send(input: SessionInput, more: Partial<InputMessage> & { epoch?: number } = {}): Promise<InputReply | string> {
    const { epoch = 1, ...rest } = more;
    const seq = rest.seq ?? ++this.seq;
    const message: InputMessage = { sessionId: this.sessionId, attachment: 1, closedOrdinal: 0, input, ...rest, seq };
    const outcome = await this.bus.request(subjects.input(this.sessionId, epoch), encodeEnvelope(TRACE, message), {
      timeoutMs: 300,
    });
    return outcome.kind === 'reply' ? read(busSchemas.inputReply, outcome.payload) : outcome.kind;
  }

  report(more: Partial<Report>): void {
    const report: Report = {
      sessionId: this.sessionId,
      attachment: 1,
      acknowledgedOutSeq: 0,
      linkLosses: 0,
      announcedOrdinal: 0,
      responses: [],
      ...more,
    };
    this.bus.publish(subjects.report(this.sessionId), encodeEnvelope(TRACE, report));
  }

  get outputs(): OwnerOutput[] {
    return this.messages.flatMap((message) => message.outputs);
  }

  /** Kinds of outputs, of events their type. */
  get kinds(): string[] {
    return this.outputs.map((output) => (output.kind === 'event' ? output.event.type : output.kind));
  }

  of<Kind extends OwnerOutput['kind']>(kind: Kind): Extract<OwnerOutput, { kind: Kind }>[] {
    return this.outputs.filter((output): output is Extract<OwnerOutput, { kind: Kind }> => output.kind === kind);
  }
}

/** A voice worker seen from an owner: answers as a test says, and keeps its orders. */
export class WorkerDouble {
  readonly bus: MemoryBus;
  readonly opens: VoiceOpen[] = [];
  readonly orders: VoiceOrder[] = [];
  /** Undefined: no answer; a number: an acceptance after so many ms. */
  onOpen: (open: VoiceOpen) => VoiceOpenReply | number | undefined = () => ({
    kind: 'accepted',
    worker: this.incarnation,
  });
  onOrder: (order: VoiceOrder) => VoiceOrderReply | undefined = () => ({ kind: 'ok' });
  private readonly offers: BusSubscription;

  constructor(
    stage: OrchestratorStage,
    readonly incarnation: Incarnation = 'tts_one',
  ) {
    this.bus = stage.link();
    answerPings(this.bus, incarnation);
    const onOpen = (message: BusMessage): void => {
      // Whether somebody is there.
      if (message.payload.length === 0) return message.reply?.(message.payload);
      const open = read(busSchemas.voiceOpen, message.payload);
      this.opens.push(open);
      const reply = this.onOpen(open);
      const accept = (): void => message.reply?.(encodeEnvelope(TRACE, { kind: 'accepted', worker: this.incarnation }));
      if (typeof reply === 'number') stage.system.timers.after(reply, accept);
      else if (reply) message.reply?.(encodeEnvelope(TRACE, reply));
    };
    const queue = queueGroups.tts;
    this.offers = this.bus.subscribe(subjects.ttsOpen, onOpen, { queue });
    this.bus.subscribe(subjects.ttsOpenReserve, onOpen, { queue });
    this.bus.subscribe(subjects.ttsWorker(incarnation), (message) => {
      const order = read(busSchemas.voiceOrder, message.payload);
      this.orders.push(order);
      const reply = this.onOrder(order);
      if (reply) message.reply?.(encodeEnvelope(TRACE, reply));
    });
  }

  /** It has no room: only those come to it who find nobody else. */
  leaveGroup(): void {
    this.offers.unsubscribe();
  }

  get kinds(): string[] {
    return this.orders.map((order) => (order.kind === 'segment' ? `segment ${order.segment}` : order.kind));
  }
}
