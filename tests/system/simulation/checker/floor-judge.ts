import { Ear } from './ear';
import type { Habit, ObservationOf, WireEvent } from './observation';
import type { Outages } from './outages';
import type { SeenResponse } from './seen-response';
import type { Fail } from './violation';

/** The waits of PROTOCOL.md and the turn policy, of which a session may be in several at a time. */
const FIRST_TOKEN_MS = 20_000;
const TOKEN_MS = 5_000;
const VOICE_MS = 5_000;
const LOOK_AHEAD_MS = 4_000;
const DRAIN_MS = 500;
const SLACK_MS = 2_000;
/** Clocks of whole milliseconds on both sides. */
const DRAINED_MS = 30;

/** Types of events that show a session at work; an error shows nothing. */
const PROGRESS = /^(response\.|parley\.(state|turn|response|output)|conversation\.item\.(added|done))/;

/** Who has the floor: G2 (never stuck) and G5 (speaking until drained, and silent at once). */
export class FloorJudge {
  private readonly ear = new Ear();
  private floor: { state: string; responseId: string | undefined; atMs: number } = {
    state: 'idle',
    responseId: undefined,
    atMs: 0,
  };
  private progressMs: number;
  /** Calls of the model that have given nothing yet. */
  private readonly silentCalls = new Set<number>();
  private backMs = Number.NEGATIVE_INFINITY;
  /** What had not been played when a new socket told that nobody speaks: an interruption of it may be the next thing that it tells. */
  private greeted: readonly string[] = [];
  private lastCut: { responseId: string; atMs: number } | undefined;

  constructor(
    connectedMs: number,
    private readonly habit: Habit,
    private readonly parley: boolean,
    private readonly outages: Outages,
    private readonly fail: Fail,
  ) {
    this.progressMs = connectedMs;
  }

  get isListening(): boolean {
    return this.floor.state === 'listening';
  }

  /** A client that cuts something off plays nothing more of it. */
  cutOff(responseId: string | undefined, nowMs: number): void {
    this.ear.drop(responseId, nowMs);
  }

  asked(call: number, atMs: number): void {
    this.silentCalls.add(call);
    this.progressMs = atMs;
  }

  answered(call: number, atMs: number): void {
    this.silentCalls.delete(call);
    this.progressMs = atMs;
  }

  /** Whoever gives up a call that has said nothing does something, which the client hears of only after the write. */
  hungUp(call: number, atMs: number): void {
    if (this.silentCalls.delete(call)) this.progressMs = atMs;
  }

  back(atMs: number): void {
    this.progressMs = atMs;
    this.backMs = atMs;
  }

  audio({ responseId, samples, atMs }: ObservationOf<'audio'>, isSilenced: boolean): void {
    this.progressMs = atMs;
    if (isSilenced) return;
    this.ear.arrived(responseId, samples / 24, atMs);
  }

  event(event: WireEvent, response: SeenResponse | undefined, atMs: number, all: Iterable<SeenResponse>): void {
    if (PROGRESS.test(event.type)) this.progressMs = atMs;
    this.judgeSilence(atMs);
    this.judgeGreeting(atMs, all);
    if (event.type === 'response.done' && response) this.ear.finished(response.id, atMs);
    if (event.type === 'parley.response.interrupted') {
      const responseId = String(event['response_id']);
      this.ear.drop(responseId, atMs);
      this.lastCut = { responseId, atMs };
    }
    if (event.type === 'parley.output.paused') this.ear.pause(String(event['response_id']), atMs);
    if (event.type === 'parley.output.resumed') this.ear.resume(String(event['response_id']), atMs);
    if (event.type !== 'parley.state') return;
    const named = event['response_id'];
    this.floor = { state: String(event['state']), responseId: typeof named === 'string' ? named : undefined, atMs };
    if (this.floor.state !== 'listening') return;
    if (atMs === this.backMs) this.greeted = [...this.ear.responses];
    else this.judgeDrained(atMs, all);
  }

  passed(nowMs: number): void {
    this.judgeSilence(nowMs);
    const busy = this.parley ? !this.isListening : this.silentCalls.size > 0;
    if (!busy) return;
    const tokenMs = this.silentCalls.size > 0 ? FIRST_TOKEN_MS : TOKEN_MS;
    const playMs = Math.max(LOOK_AHEAD_MS, this.ear.queuedMs(nowMs));
    const boundMs = tokenMs + VOICE_MS + playMs + DRAIN_MS + SLACK_MS;
    const fromMs = Math.max(this.progressMs, this.outages.recoveredMs);
    if (nowMs <= fromMs + boundMs) return;
    this.fail('G2 stuck', `${this.floor.state} since ${Math.round(this.floor.atMs)} ms, without a sign of life`);
  }

  private judgeGreeting(nowMs: number, all: Iterable<SeenResponse>): void {
    if (nowMs <= this.backMs) return;
    const isWaiting = this.greeted.some((id) => this.ear.responses.includes(id));
    this.greeted = [];
    if (isWaiting && this.floor.atMs === this.backMs) this.judgeDrained(nowMs, all);
  }

  /** G5: of those whose position is known, all that arrived was played before the floor is free. */
  private judgeDrained(nowMs: number, all: Iterable<SeenResponse>): void {
    if (this.habit !== 'honest' && this.habit !== 'silent') return;
    const queuedMs = this.ear.queuedMs(nowMs);
    if (queuedMs <= DRAINED_MS) return;
    const waiting = this.ear.responses;
    const calm = [...all]
      .filter(({ id }) => waiting.includes(id))
      .every(({ createdMs }) => this.outages.survivableSince(createdMs));
    if (calm) this.fail('G5 speaking-until-drained', `listening with ${Math.round(queuedMs)} ms unplayed`);
  }

  /** G5: the instant that tells of an interruption also takes the floor from it. */
  private judgeSilence(nowMs: number): void {
    const { lastCut, floor } = this;
    if (lastCut === undefined || nowMs <= lastCut.atMs) return;
    this.lastCut = undefined;
    if (floor.responseId !== lastCut.responseId || floor.state === 'listening') return;
    this.fail('G5 silent-at-once', `${floor.state} by ${lastCut.responseId} after its interruption`);
  }
}
