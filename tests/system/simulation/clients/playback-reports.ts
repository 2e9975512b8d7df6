import type { VirtualSystem } from '@parley/harness';
import type { Ear } from '../checker/ear';
import type { Habit } from '../checker/observation';
import type { Dice } from '../world/streams';
import type { Connection } from './connection';

const REPORT_PERIOD_MS = 200;
/** A frozen client's speaker stands still from here on, and it goes on saying so. */
const FREEZES_AT_MS = 300;
/** What a client that says too much adds. */
const TOO_MUCH_MS = 5_000;

/** Where a client says its ear is, by its habit: truly or not, while it plays. */
export class PlaybackReports {
  private reporting: string | undefined;
  private isReporting = false;

  constructor(
    private readonly habit: Habit,
    private readonly dice: Dice,
    private readonly system: VirtualSystem,
    private readonly ear: Ear,
    private readonly connection: Connection,
  ) {}

  /** There is something to play. */
  begin(): void {
    if (this.habit === 'silent' || this.isReporting) return;
    this.isReporting = true;
    this.reportSoon();
  }

  report(): void {
    const current = this.ear.current(this.system.nowMs);
    if (this.reporting !== undefined && this.reporting !== current?.responseId) this.sayEnded(this.reporting);
    this.reporting = current?.responseId;
    const last = this.connection.responses.at(-1);
    if (!current && this.habit === 'frozen' && last) this.sayPosition(last.id, FREEZES_AT_MS);
    if (current) this.sayPosition(current.responseId, current.playedMs);
  }

  /** What it says of this position, when it says something. */
  stated(playedMs: number): number {
    switch (this.habit) {
      case 'honest':
      case 'stops':
      case 'silent':
        return Math.floor(playedMs);
      case 'too-much':
        return Math.floor(playedMs + TOO_MUCH_MS);
      case 'backwards':
        return Math.floor(this.dice.chance(0.3) ? playedMs / 2 : playedMs);
      case 'frozen':
        return Math.floor(Math.min(playedMs, FREEZES_AT_MS));
    }
  }

  private reportSoon(): void {
    this.system.timers.after(REPORT_PERIOD_MS, () => {
      const { connection } = this;
      if (connection.isOver) return;
      if (!connection.isAway) this.report();
      const stillSaysSo = this.habit === 'frozen' && connection.floor === 'speaking';
      this.isReporting = stillSaysSo || this.ear.current(this.system.nowMs) !== undefined;
      if (this.isReporting) this.reportSoon();
    });
  }

  private sayEnded(responseId: string): void {
    const { connection } = this;
    const response = connection.responses.find((each) => each.id === responseId);
    if (this.habit !== 'honest' || response?.done !== true || response.interrupted) return;
    const playedMs = connection.playedMs(responseId);
    if (playedMs < response.audioMs - 1) return;
    connection.send({ type: 'parley.playback', response_id: responseId, played_ms: Math.floor(playedMs), ended: true });
  }

  private sayPosition(responseId: string, playedMs: number): void {
    if (this.habit === 'silent' || (this.habit === 'stops' && playedMs >= FREEZES_AT_MS)) return;
    this.connection.send({ type: 'parley.playback', response_id: responseId, played_ms: this.stated(playedMs) });
  }
}
