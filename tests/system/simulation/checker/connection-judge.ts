import { fieldsOf } from '../../support/fields';
import { AnswerJudge } from './answer-judge';
import { AnswersJudge } from './answers-judge';
import { FloorJudge } from './floor-judge';
import { HistoryJudge } from './history-judge';
import type { Habit, ObservationOf, WireEvent } from './observation';
import { OrderJudge } from './order-judge';
import { RECOVERY_MS, type Outages } from './outages';
import type { SeenResponse } from './seen-response';
import { SoundJudge } from './sound-judge';
import type { StoreJudge } from './store-judge';
import { SurvivalJudge } from './survival-judge';
import type { Fail } from './violation';
import type { Voices } from './voices';

/** PROTOCOL.md §5: an event that an owner output stands for. */
const OWNER_EVENT = /^event_\d/;

/** What all connections have in common. */
export interface Surroundings {
  readonly instructions: string;
  readonly store: StoreJudge;
  readonly voices: Voices;
  readonly outages: Outages;
}

/** One session, over all its connections: everything that is judged from its client's end. */
export class ConnectionJudge {
  private readonly habit: Habit;
  private sessionId: string | undefined;
  private reading: 'well' | 'slowly' | 'not' = 'well';
  /** Since when it reads well again: what was late because of the client is nobody's fault. */
  private readsSinceMs = Number.NEGATIVE_INFINITY;
  private isAway = false;
  private backSinceMs = Number.NEGATIVE_INFINITY;
  private heardOfOwnerMs: number;
  private readonly order: OrderJudge;
  private readonly answers: AnswersJudge;
  private readonly floor: FloorJudge;
  private readonly history: HistoryJudge;
  private readonly answer: AnswerJudge;
  private readonly sound: SoundJudge;
  private readonly survival: SurvivalJudge;
  private readonly store: StoreJudge;
  private readonly outages: Outages;
  /** Turns accepted and not over. */
  private readonly openTurns = new Map<string, string>();
  private lastAsked: { responseId: string | undefined } | undefined;
  /** What it asked last met an answer that was not over, and its policy refuses that. */
  private isRefused = false;

  constructor(
    connected: ObservationOf<'connected'>,
    { instructions, store, voices, outages }: Surroundings,
    private readonly fail: Fail,
  ) {
    this.store = store;
    this.outages = outages;
    const { habit, parley, atMs } = connected;
    this.habit = habit;
    this.heardOfOwnerMs = atMs;
    this.order = new OrderJudge(fail);
    this.answers = new AnswersJudge(outages, fail);
    this.floor = new FloorJudge(atMs, habit, parley, outages, fail);
    this.history = new HistoryJudge(instructions, atMs, habit, outages, fail);
    this.answer = new AnswerJudge(outages, fail);
    this.sound = new SoundJudge(voices, parley, outages, fail);
    this.survival = new SurvivalJudge(habit, outages, fail);
  }

  get responses(): readonly SeenResponse[] {
    return this.order.all;
  }

  sent(event: WireEvent, atMs: number): void {
    this.answers.sent(event, atMs);
    this.history.sent(event, atMs, this.responses);
    this.answer.sent(event);
    this.survival.sent(event, atMs);
    const asks = event.type === 'parley.transcript.final' || event.type === 'response.create';
    if (asks) [this.lastAsked, this.isRefused] = [{ responseId: undefined }, false];
    this.cutOff(event, atMs);
  }

  /** Whoever heard it the first time may be gone. */
  saidAgain(event: WireEvent, atMs: number): void {
    this.answers.sent(event, atMs);
    this.cutOff(event, atMs);
  }

  lost(atMs: number): void {
    this.isAway = true;
    for (const response of this.order.all) response.loseSocket(atMs);
  }

  back({ received, atMs }: ObservationOf<'back'>): void {
    [this.isAway, this.backSinceMs] = [false, atMs];
    this.order.back(atMs);
    this.sound.back(this.order.all);
    this.floor.back(atMs);
    for (const { response_id: id, played_ms: playedMs } of received)
      this.order.named(id)?.reports.push({ atMs, playedMs });
  }

  received(event: WireEvent, atMs: number): void {
    if (event.type === 'session.created') this.sessionId = String(fieldsOf(event['session'])['id']);
    if (this.sessionId === undefined) return this.fail('order events', `${event.type} before session.created`);
    this.store.received(this.sessionId, event, atMs, this.fail);
    if (OWNER_EVENT.test(String(event['event_id']))) this.heardOfOwnerMs = atMs;
    this.order.event(event, atMs);
    const response = this.order.responseOf(event);
    this.answers.received(event);
    this.floor.event(event, response, atMs, this.order.all);
    this.history.event(event, response, atMs, this.responses);
    this.answer.event(event, response);
    this.sound.event(event, response, atMs);
    this.survival.event(event, response, this.reading === 'well' ? this.readsSinceMs : atMs);
    this.turns(event);
  }

  audio(audio: ObservationOf<'audio'>): void {
    this.order.audio(audio);
    const response = this.order.named(audio.responseId);
    this.floor.audio(audio, response?.isSilenced === true);
    if (response) this.sound.audio(audio, response);
  }

  asked(asked: ObservationOf<'asked'>): void {
    this.floor.asked(asked.call, asked.atMs);
    this.history.asked(asked);
    this.answer.asked(asked);
  }

  answered(answered: ObservationOf<'answered'>): void {
    this.floor.answered(answered.call, answered.atMs);
    this.answer.answered(answered);
  }

  hungUp(call: number, atMs: number): void {
    this.floor.hungUp(call, atMs);
  }

  reads(how: 'well' | 'slowly' | 'not', atMs: number): void {
    this.reading = how;
    if (how === 'well') this.readsSinceMs = atMs;
  }

  closed({ by, code }: ObservationOf<'closed'>): void {
    this.history.judgeAsks(this.store.takeovers(this.sessionId));
    // Of what was away since it last heard of its owner an idle client learns late.
    const excused = this.reading !== 'well' || !this.outages.survivableSince(this.heardOfOwnerMs);
    if (by === 'server' && !excused) this.fail('G6 dropped', `closed with ${code} while everything was well`);
  }

  passed(nowMs: number): void {
    if (this.reading !== 'well' || this.isAway) return;
    if (nowMs < Math.max(this.readsSinceMs, this.backSinceMs) + RECOVERY_MS) return;
    this.answers.passed(nowMs);
    this.floor.passed(nowMs);
  }

  /** Everything has been well for long, and the last turn was asked. */
  finish(): void {
    this.answers.finish();
    if (this.sessionId !== undefined) this.store.finish(this.sessionId, this.fail);
    this.history.judgeAsks(this.store.takeovers(this.sessionId));
    for (const turnId of this.openTurns.values()) this.fail('G2 turn-ends', `${turnId} was accepted and never ended`);
    for (const { id, doneMs, isOver } of this.responses) {
      if (doneMs === undefined && !isOver) this.fail('G2 turn-ends', `${id} never ended`);
    }
    if (this.isRefused) return;
    const last = this.responses.find(({ id }) => id === this.lastAsked?.responseId);
    // A client whose speaker stands still cannot be spoken to; all that is owed to it is an end.
    if (this.habit === 'frozen' && last?.status === 'failed') return;
    if (last?.status !== 'completed' && last?.status !== 'incomplete') {
      this.fail('G2 next-turn', `the last turn came to ${String(last?.status)}`);
    }
  }

  private turns(event: WireEvent): void {
    if (event.type === 'error' && fieldsOf(event['error'])['code'] === 'turn_in_progress') this.isRefused = true;
    if (event.type === 'parley.turn.accepted') {
      this.openTurns.set(String(event['response_id']), String(event['turn_id']));
    }
    if (event.type === 'response.created' && this.lastAsked) {
      this.lastAsked.responseId ??= String(fieldsOf(event['response'])['id']);
    }
    if (event.type === 'response.done') this.openTurns.delete(String(fieldsOf(event['response'])['id']));
    if (event.type === 'parley.response.interrupted') this.openTurns.delete(String(event['response_id']));
  }

  /** What the client itself cut off: it plays no more of it, and gets no more of it. */
  private cutOff(event: WireEvent, atMs: number): void {
    const named = typeof event['response_id'] === 'string' ? event['response_id'] : undefined;
    switch (event.type) {
      case 'parley.interrupt':
        this.floor.cutOff(named, atMs);
        for (const response of this.order.all) if (named === undefined || response.id === named) response.fenced = true;
        return;
      case 'response.cancel': {
        const newest = this.order.all.at(-1);
        this.floor.cutOff(newest?.id, atMs);
        if (newest && newest.doneMs === undefined) newest.fenced = true;
        return;
      }
      case 'conversation.item.truncate': {
        const truncated = this.responses.find(({ itemId }) => itemId === event['item_id']);
        if (truncated) truncated.truncationSent = true;
        this.floor.cutOff(truncated?.id, atMs);
      }
    }
  }
}
