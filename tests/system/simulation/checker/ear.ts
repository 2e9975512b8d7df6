interface Track {
  responseId: string;
  availableMs: number;
  playedMs: number;
  /** No more audio of it comes. */
  finished: boolean;
}

/**
 * A client's speaker: plays what arrived in real time, one response after the other, and the next one only when the one
 * before has come to its end. Times in ms.
 */
export class Ear {
  private tracks: Track[] = [];
  private readonly heardMs = new Map<string, number>();
  private advancedToMs = 0;
  private pausedBy: string | undefined;

  arrived(responseId: string, ms: number, nowMs: number): void {
    this.advance(nowMs);
    const track = this.tracks.find((each) => each.responseId === responseId);
    if (track) track.availableMs += ms;
    else this.tracks.push({ responseId, availableMs: ms, playedMs: 0, finished: false });
  }

  finished(responseId: string, nowMs: number): void {
    this.advance(nowMs);
    const track = this.tracks.find((each) => each.responseId === responseId);
    if (track) track.finished = true;
    this.prune();
  }

  /** Flushed: of this response, or of everything, nothing more is played. */
  drop(responseId: string | undefined, nowMs: number): void {
    this.advance(nowMs);
    if (responseId === undefined || responseId === this.pausedBy) this.pausedBy = undefined;
    for (const track of this.tracks) this.heardMs.set(track.responseId, track.playedMs);
    this.tracks = responseId === undefined ? [] : this.tracks.filter((each) => each.responseId !== responseId);
  }

  /** Holds its voice, until `resume` of the same response or until that is dropped. */
  pause(responseId: string, nowMs: number): void {
    this.advance(nowMs);
    this.pausedBy = responseId;
  }

  resume(responseId: string, nowMs: number): void {
    this.advance(nowMs);
    if (this.pausedBy === responseId) this.pausedBy = undefined;
  }

  playedMs(responseId: string, nowMs: number): number {
    this.advance(nowMs);
    const track = this.tracks.find((each) => each.responseId === responseId);
    return track?.playedMs ?? this.heardMs.get(responseId) ?? 0;
  }

  /** Audio that has arrived and is not played yet, of all responses. */
  queuedMs(nowMs: number): number {
    this.advance(nowMs);
    return this.tracks.reduce((sum, track) => sum + track.availableMs - track.playedMs, 0);
  }

  /** What is being heard, with its position. */
  current(nowMs: number): { responseId: string; playedMs: number; ended: boolean } | undefined {
    this.advance(nowMs);
    const [first] = this.tracks;
    if (first === undefined) return undefined;
    const { responseId, playedMs } = first;
    return { responseId, playedMs, ended: first.finished && playedMs >= first.availableMs };
  }

  /** Responses that have audio left, oldest first. */
  get responses(): string[] {
    return this.tracks.filter((track) => track.playedMs < track.availableMs).map((track) => track.responseId);
  }

  private advance(nowMs: number): void {
    let budgetMs = nowMs - this.advancedToMs;
    if (budgetMs <= 0) return;
    this.advancedToMs = nowMs;
    if (this.pausedBy !== undefined) return;
    for (const track of this.tracks) {
      const queuedMs = track.availableMs - track.playedMs;
      if (queuedMs > budgetMs) {
        track.playedMs += budgetMs;
        break;
      }
      track.playedMs = track.availableMs;
      budgetMs -= queuedMs;
      if (!track.finished) break;
    }
    this.prune();
  }

  private prune(): void {
    let first = this.tracks[0];
    while (first?.finished === true && first.playedMs >= first.availableMs) {
      this.heardMs.set(first.responseId, first.playedMs);
      this.tracks.shift();
      first = this.tracks[0];
    }
  }
}
