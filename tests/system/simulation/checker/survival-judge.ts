import { fieldsOf } from '../../support/fields';
import type { Habit, WireEvent } from './observation';
import type { Outages } from './outages';
import type { SeenResponse } from './seen-response';
import type { Fail } from './violation';

/** What a client can cut an answer off with, or have cut off. */
const CUTS = /^(parley\.(interrupt|transcript|speech|say)|response\.cancel|conversation\.item\.truncate)/;
/** A cut may have been sent before its client learnt of the answer. */
const UNAWARE_MS = 5_000;

/**
 * G6: an answer ends by itself or by its client, whichever processes die meanwhile. It may fail where more than that has gone
 * wrong (see `Outages.survivableSince`), and where its client does not play or read it.
 */
export class SurvivalJudge {
  private readonly turnOf = new Map<string, string>();
  private newest: SeenResponse | undefined;
  private readonly cuts: { atMs: number; turnId: unknown }[] = [];
  /** It has not said that its user is silent again. */
  private speaks = false;

  constructor(
    private readonly habit: Habit,
    private readonly outages: Outages,
    private readonly fail: Fail,
  ) {}

  sent(event: WireEvent, atMs: number): void {
    if (event.type === 'parley.speech.started') this.speaks = true;
    if (event.type === 'parley.speech.stopped') this.speaks = false;
    if (CUTS.test(event.type)) this.cuts.push({ atMs, turnId: event['turn_id'] });
  }

  /** `readsSinceMs`: since when the client has read all that it was sent. */
  event(event: WireEvent, response: SeenResponse | undefined, readsSinceMs: number): void {
    if (event.type === 'parley.turn.accepted') this.turnOf.set(String(event['response_id']), String(event['turn_id']));
    if (event.type === 'response.created') this.newest = response;
    this.judgeVoice(event);
    if (event.type !== 'response.done' || response === undefined) return;
    const { id, status, createdMs } = response;
    if (readsSinceMs > createdMs || !this.outages.survivableSince(createdMs)) return;
    // A speaker that stands still takes no more audio than the look-ahead.
    if (status === 'failed' && this.habit !== 'frozen') this.fail('G6 survives', `${id} failed`);
    if (status === 'cancelled' && !this.isCut(response)) this.fail('G6 survives', `${id} was cut off by nobody`);
  }

  /** A response whose voice is given up goes on without one, and its client is told. */
  private judgeVoice(event: WireEvent): void {
    const { newest } = this;
    if (event.type !== 'error' || fieldsOf(event['error'])['code'] !== 'tts_unavailable' || !newest) return;
    if (this.outages.survivableSince(newest.createdMs)) this.fail('G6 survives', `${newest.id} has lost its voice`);
  }

  private isCut({ id, createdMs }: SeenResponse): boolean {
    if (this.speaks) return true;
    const own = this.turnOf.get(id);
    return this.cuts.some(
      ({ atMs, turnId }) => atMs >= createdMs - UNAWARE_MS && (turnId === undefined || turnId !== own),
    );
  }
}
