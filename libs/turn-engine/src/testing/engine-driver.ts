import {
  CONVERSATION_LANE,
  DEFAULT_POLICY,
  DEFAULT_SETTINGS,
  InvariantError,
  samplesOfMs,
  type ClientError,
  type ClientEventBody,
  type OwnerOutput,
  type ReceivedResponse,
  type ResponseDelivery,
  type ResponseId,
  type SegmentDelivery,
  type SessionInput,
  type SessionPolicy,
  type TurnPolicy,
  type WordTiming,
} from '@parley/model';
import { nextDeadlineMs } from '../deadlines';
import type { ContextMessage, Effect } from '../effects';
import { floorOf, type Floor } from '../floor';
import type { BoundRendering, EngineInput } from '../inputs';
import { initialState, liveResponse, liveResponses, underWay, type EngineState, type SessionConfig } from '../state';
import { step } from '../step';

export const SESSION: SessionConfig = {
  sessionId: 'sess_1',
  model: 'model-1',
  otherModels: [],
  defaultInstructions: 'Be brief.',
  instructions: 'Be brief.',
  voice: null,
  tools: [],
  toolChoice: 'auto',
  settings: DEFAULT_SETTINGS,
  avatar: null,
  capabilities: ['text', 'audio'],
  resumable: false,
  expiresAtS: null,
};

/** What a report says of one response; positions in ms. */
export interface Heard {
  /** Delivered ms of each segment; all but the last are complete. */
  segmentsMs?: readonly number[];
  /** The last one is complete too. */
  complete?: boolean;
  playedMs?: number;
  closed?: boolean;
  ended?: boolean;
  /** The rendering of which audio was lost. */
  holedAttempt?: number;
}

/** Freezes a value and everything in it, so that a rule that writes into the state it was given throws. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

/** Delivered segments of `lengthsMs`; the last is still under way unless `complete`. */
export const delivered = (lengthsMs: readonly number[], complete: boolean): SegmentDelivery[] =>
  lengthsMs.map((ms, index) => ({
    attempt: 1,
    samples: samplesOfMs(ms),
    last: complete || index < lengthsMs.length - 1,
  }));

/**
 * One conversation with its engine, clock and gateway numbers, so that a test reads as a story. Every method is one
 * step and leaves what it ordered in `effects`. Ids count turns: the first is `turn_1`, with `resp_1`, `user_1`, `answer_1`.
 */
export class EngineDriver {
  state: EngineState;
  effects: Effect[] = [];
  readonly history: Effect[] = [];
  nowMs = 1_000;
  lastInput: EngineInput['kind'] | undefined;
  /** `closedOrdinal` of the next client input. */
  closedOrdinal = 0;
  attachment = 1;
  readonly policy: TurnPolicy;
  private seq = 0;
  private turns = 0;
  private called = 0;
  private linkLosses = 0;

  constructor(policy: Partial<TurnPolicy> = {}, session: Partial<SessionConfig> = {}) {
    this.policy = { ...DEFAULT_POLICY, ...policy };
    this.state = deepFreeze(initialState({ ...SESSION, ...session }));
  }

  static attached(policy: Partial<TurnPolicy> = {}, session: Partial<SessionConfig> = {}): EngineDriver {
    const driver = new EngineDriver(policy, session);
    driver.step({ kind: 'attached' });
    return driver;
  }

  step(input: EngineInput): this {
    this.lastInput = input.kind;
    const result = step(this.state, deepFreeze(input), this.nowMs, this.policy);
    this.state = deepFreeze(result.state);
    this.effects = result.effects;
    this.history.push(...result.effects);
    return this;
  }

  /** Lets time pass and every deadline in it, one by one. */
  pass(ms: number): this {
    const untilMs = this.nowMs + ms;
    this.effects = [];
    const passed: Effect[] = [];
    for (let next = this.deadlineMs; next !== undefined && next <= untilMs; next = this.deadlineMs) {
      this.nowMs = Math.max(this.nowMs, next);
      this.looks();
      if ((this.deadlineMs ?? Infinity) <= this.nowMs) throw new InvariantError('LI2: a deadline has passed for ever');
      passed.push(...this.effects);
    }
    this.nowMs = untilMs;
    this.effects = passed;
    return this;
  }

  /** The owner's look at the deadlines; ids it draws say so. */
  looks(): this {
    const n = this.turns + 1;
    const ids = { turnId: `drawn_${n}`, responseId: `resp_${n}`, answerId: `answer_${n}` } as const;
    const before = this.newest;
    this.step({ kind: 'deadline-passed', drawn: { ...ids, cause: { attachment: this.attachment, seq: this.seq } } });
    if (this.newest > before) this.turns++;
    return this;
  }

  // Client inputs.

  client(input: SessionInput, clientEventId?: string): this {
    const number = { attachment: this.attachment, seq: ++this.seq };
    const { closedOrdinal } = this;
    return this.step({
      kind: 'client',
      number,
      closedOrdinal,
      ...(clientEventId === undefined ? {} : { clientEventId }),
      input,
    });
  }

  says(text: string, turnId = `turn_${this.turns + 1}`, clientEventId?: string): this {
    const n = ++this.turns;
    const ids = { itemId: `user_${n}`, responseId: `resp_${n}`, answerId: `answer_${n}` } as const;
    return this.client({ kind: 'final-transcript', turnId, text, ...ids }, clientEventId);
  }

  /** A speculative transcript of the next turn, or of a given one. */
  guesses(text: string, turnId = `turn_${this.turns + 1}`): this {
    return this.client({ kind: 'speculative-transcript', turnId, text });
  }

  resumes(turnId = `turn_${this.turns + 1}`): this {
    return this.client({ kind: 'speech-resumed', turnId });
  }

  /** `parley.say`. */
  dictates(text: string, interruptible?: boolean): this {
    const n = ++this.turns;
    const ids = { turnId: `turn_${n}`, responseId: `resp_${n}`, answerId: `answer_${n}` } as const;
    return this.client({ kind: 'said', ...ids, text, ...(interruptible === undefined ? {} : { interruptible }) });
  }

  starts(delivery: ResponseDelivery[] = this.known()): this {
    return this.client({ kind: 'speech-started', delivery });
  }

  stops(): this {
    return this.client({ kind: 'speech-stopped' });
  }

  /** The words so far of the next turn, or of a given one. */
  utters(text: string, turnId = `turn_${this.turns + 1}`): this {
    return this.client({ kind: 'partial-transcript', turnId, text, delivery: this.known() });
  }

  mutes(muted = true): this {
    return this.client({ kind: 'mute-changed', muted });
  }

  asks(options: Extract<SessionInput, { kind: 'response-requested' }>['options'] = {}, clientEventId?: string): this {
    const n = ++this.turns;
    const ids = { turnId: `turn_${n}`, responseId: `resp_${n}`, answerId: `answer_${n}` } as const;
    return this.client({ kind: 'response-requested', ...ids, options }, clientEventId);
  }

  /** `parley.interrupt`; by default everything announced was written to the connection. */
  interrupts(options: InterruptOptions = {}, clientEventId?: string): this {
    return this.client({ kind: 'interrupted', ...this.interruption(options) }, clientEventId);
  }

  cancels(options: InterruptOptions = {}, clientEventId?: string): this {
    return this.client({ kind: 'response-cancelled', ...this.interruption(options) }, clientEventId);
  }

  chooses(patch: Partial<SessionPolicy>): this {
    return this.client({ kind: 'policy-updated', patch });
  }

  truncates(itemId: string, audioEndMs: number, delivery: ResponseDelivery[] = [], clientEventId?: string): this {
    return this.client({ kind: 'item-truncated', itemId, audioEndMs, delivery }, clientEventId);
  }

  private interruption({ responseId, writtenOrdinal, delivery }: InterruptOptions): {
    responseId?: ResponseId;
    writtenOrdinal: number;
    delivery: ResponseDelivery[];
  } {
    return {
      ...(responseId === undefined ? {} : { responseId }),
      writtenOrdinal: writtenOrdinal ?? this.state.nextOrdinal - 1,
      delivery: delivery ?? this.known(),
    };
  }

  // Results of what was ordered; of the newest response unless an ordinal is given.

  writes(text: string, ordinal = this.newest): this {
    return this.step({ kind: 'text-generated', ...this.key(ordinal), text });
  }

  /** The model calls function `name`; the first call is `call_1`, with item `fn_1`. */
  calls(name = 'weather', ordinal = this.newest): this {
    const n = ++this.called;
    const call = { callId: `call_${n}`, name, arguments: '{"city":"Ulm"}' };
    return this.step({ kind: 'tool-called', ...this.key(ordinal), itemId: `fn_${n}`, call });
  }

  /** The client's result; by default of the newest call. */
  returns(output: string, callId = `call_${this.called}`, itemId = `out_${callId}`): this {
    return this.client({ kind: 'call-answered', itemId, callId, output });
  }

  finishes(reason: 'stop' | 'length' | 'content_filter' = 'stop', ordinal = this.newest): this {
    const usage = { inputTokens: 7, outputTokens: 3 };
    return this.step({ kind: 'generation-finished', ...this.key(ordinal), reason, usage });
  }

  modelFails(ordinal = this.newest): this {
    const failure = { kind: 'cut', message: 'The stream broke.' } as const;
    return this.step({ kind: 'generation-failed', ...this.key(ordinal), failure });
  }

  binds(ordinal = this.newest): this {
    return this.step({ kind: 'voice-bound', ...this.key(ordinal), attempt: this.attemptOf(ordinal) });
  }

  refusesVoice(ordinal = this.newest): this {
    const failure = { kind: 'missing', message: 'No voice here.' } as const;
    return this.step({ kind: 'voice-refused', ...this.key(ordinal), attempt: this.attemptOf(ordinal), failure });
  }

  /** The provider of the voice fails; its worker lives. */
  voiceFails(ordinal = this.newest): this {
    const failure = { kind: 'unavailable', message: 'The voice does not answer.' } as const;
    return this.step({ kind: 'voice-failed', ...this.key(ordinal), attempt: this.attemptOf(ordinal), failure });
  }

  /** The worker that speaks is lost. */
  losesVoice(attempt = this.attemptOf(this.newest), ordinal = this.newest): this {
    const failure = { kind: 'worker_lost', message: 'The worker is gone.' } as const;
    return this.step({ kind: 'voice-failed', ...this.key(ordinal), attempt, failure });
  }

  times(segment: number, words: WordTiming[], ordinal = this.newest): this {
    return this.step({ kind: 'words-timed', ...this.key(ordinal), segment, words });
  }

  avatarStarts(ordinal = this.newest): this {
    return this.step({ kind: 'avatar-started', lane: 0, ordinal });
  }

  avatarEnds(ordinal = this.newest): this {
    return this.step({ kind: 'avatar-done', lane: 0, ordinal });
  }

  avatarFails(ordinal = this.newest): this {
    return this.step({ kind: 'avatar-failed', ...this.key(ordinal), message: 'The stream broke.' });
  }

  /** Another process loads the state, with epoch 2; the gateway knows of no more than the state does, or of `responses`. */
  changesOwner(rendering: BoundRendering | null = this.bound, responses = this.known(), unwritten = false): this {
    const delivered = { linkLosses: this.linkLosses, announcedOrdinal: this.newest, responses };
    return this.step({ kind: 'taken-over', epoch: 2, rendering, unwritten, ...delivered });
  }

  losesGateway(): this {
    return this.step({ kind: 'gateway-lost' });
  }

  findsGateway(): this {
    return this.step({ kind: 'gateway-found' });
  }

  /** With another connection, and what it says it has; by default it remembers nothing. */
  comesBack(received: ReceivedResponse[] | null = null): this {
    return this.step({ kind: 'resumed', received });
  }

  /** What a client has of response `ordinal`: of each segment so many ms, all but the last complete. */
  has(
    ordinal: number,
    segmentsMs: readonly number[],
    more: { playedMs?: number; done?: boolean } = {},
  ): ReceivedResponse {
    const { playedMs = 0, done = false } = more;
    const samples = segmentsMs.map(samplesOfMs);
    return { responseId: `resp_${ordinal}`, samples, playedSamples: samplesOfMs(playedMs), done };
  }

  private get bound(): BoundRendering {
    return { lane: 0, ordinal: this.newest, epoch: 1, attempt: this.attempt };
  }

  // The gateway's reports.

  reports(responses: ResponseDelivery[], announcedOrdinal = this.newest): this {
    return this.step({ kind: 'reported', linkLosses: this.linkLosses, announcedOrdinal, responses });
  }

  /** The gateway's bus link was away; its next report says so. */
  losesLink(): this {
    this.linkLosses++;
    return this;
  }

  /** A report on the newest response alone. */
  hears(heard: Heard): this {
    return this.reports([this.delivery(this.newest, heard)]);
  }

  delivery(ordinal: number, heard: Heard): ResponseDelivery {
    const {
      segmentsMs = [],
      complete = false,
      playedMs = 0,
      closed = false,
      ended = false,
      holedAttempt = null,
    } = heard;
    return {
      ...this.key(ordinal),
      responseId: `resp_${ordinal}`,
      segments: delivered(segmentsMs, complete),
      playedSamples: samplesOfMs(playedMs),
      ended,
      closed,
      holedAttempt,
    };
  }

  /** What the engine knows of every response that is not over, as the gateway would say it. */
  known(): ResponseDelivery[] {
    return underWay(this.state);
  }

  // Short stories, told often.

  /** A turn whose answer `texts` are generated and bound to a voice; nothing is delivered. */
  answers(...texts: string[]): this {
    this.says('A question?').binds();
    for (const text of texts) this.writes(text);
    return this.finishes();
  }

  // What came of it.

  /** Of the live response's rendering. */
  get attempt(): number {
    return liveResponse(this.state)?.rendering.attempt ?? 1;
  }

  private attemptOf(ordinal: number): number {
    return liveResponses(this.state).find((each) => each.ordinal === ordinal)?.rendering.attempt ?? this.attempt;
  }

  private key(ordinal: number): { lane: number; ordinal: number } {
    const { asides, finishedAsides } = this.state;
    const lane = [...asides, ...finishedAsides].find((each) => each.ordinal === ordinal)?.lane ?? CONVERSATION_LANE;
    return { lane, ordinal };
  }

  get newest(): number {
    return this.state.nextOrdinal - 1;
  }

  get deadlineMs(): number | undefined {
    return nextDeadlineMs(this.state);
  }

  get floor(): Floor {
    return floorOf(this.state);
  }

  get phase(): EngineState['phase']['name'] {
    return this.state.phase.name;
  }

  /** Outputs of the last step. */
  get outputs(): OwnerOutput[] {
    return outputsOf(this.effects);
  }

  output<Kind extends OwnerOutput['kind']>(kind: Kind): Extract<OwnerOutput, { kind: Kind }>[] {
    return this.outputs.filter((output): output is Extract<OwnerOutput, { kind: Kind }> => output.kind === kind);
  }

  effect<Kind extends Effect['kind']>(kind: Kind): Extract<Effect, { kind: Kind }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { kind: Kind }> => effect.kind === kind);
  }

  events(type: string): ClientEventBody[] {
    return this.output('event').flatMap(({ event }) => (event.type === type ? [event] : []));
  }

  get errors(): ClientError[] {
    return this.output('error').map(({ error }) => error);
  }

  /** In order: kinds of effects, outputs by their own kind, events by their type. */
  get order(): string[] {
    return this.effects.map((effect) => {
      if (effect.kind === 'observe') return `observe ${effect.observation.name}`;
      if (effect.kind !== 'emit') return effect.kind;
      return effect.output.kind === 'event' ? effect.output.event.type : effect.output.kind;
    });
  }

  /** What the model would be given now. */
  context(): ContextMessage[] {
    const asked = new EngineDriver(this.policy);
    asked.state = this.state;
    asked.nowMs = this.nowMs;
    asked.seq = this.seq;
    asked.turns = 999;
    asked.asks();
    const started = asked.effect('start-generation')[0];
    if (!started) throw new Error('no response could begin');
    return started.messages;
  }

  /** The assistant's messages among them. */
  answersInContext(): string[] {
    return this.context().flatMap(({ role, content }) => (role === 'assistant' ? [content] : []));
  }
}

export interface InterruptOptions {
  responseId?: ResponseId;
  writtenOrdinal?: number;
  delivery?: ResponseDelivery[];
}

export const outputsOf = (effects: readonly Effect[]): OwnerOutput[] =>
  effects.flatMap((effect) => (effect.kind === 'emit' ? [effect.output] : []));
