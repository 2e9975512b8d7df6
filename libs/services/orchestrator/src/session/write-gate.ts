import type { CancelTimer, TimersPort } from '@parley/ports';
import { mayLeaveUnwritten, type Batch } from './batch';
import type { SessionClock } from './session-clock';
import type { SessionRecord } from './session-record';
import type { StateWriter } from './state-writer';

/** While the store cannot be reached, a write is tried again so often. */
const WRITE_RETRY_MS = 200;

/** `lost`: the session is none of this process any more, and nothing leaves. */
export type Passage = { kind: 'written'; record: SessionRecord } | { kind: 'unwritten' } | { kind: 'lost' };

/** Whose state it is. */
export interface GatedSession {
  isOwned(): boolean;
  /** The newest state. */
  snapshot(): SessionRecord;
  /** Another process owns it, with this epoch. */
  onFenced(epoch: number): void;
  /** It is time to try again. */
  onWriteDue(): void;
}

/**
 * What leaves waits here for the write that holds it. While the store cannot be reached, an answer that is in it goes on
 * unwritten, and what its client says is held back; everything else waits until a write has succeeded (ADR 0014).
 */
export class WriteGate {
  private isAway = false;
  private isDue = false;
  private retry: CancelTimer | undefined;

  constructor(
    private readonly session: GatedSession,
    private readonly writer: StateWriter,
    private readonly clock: SessionClock,
    private readonly timers: TimersPort,
  ) {}

  /** What a client says cannot be answered now. */
  get holdsBack(): boolean {
    return this.isAway;
  }

  get isWriteDue(): boolean {
    return this.isDue;
  }

  /** All of the state is to be written once more, changed or not. */
  demandWrite(): void {
    this.isDue = true;
  }

  /** Resolves when `batch` may leave. */
  async pass(batch: Batch): Promise<Passage> {
    if (!mayLeaveUnwritten(batch)) return this.settle();
    if (this.isAway && !this.isDue) return { kind: 'unwritten' };
    const passage = await this.write();
    if (passage.kind === 'unwritten') this.retry = this.timers.after(WRITE_RETRY_MS, () => this.tryAgain());
    return passage;
  }

  /** Resolves when the store has all that is known. */
  async settle(): Promise<Passage> {
    let passage = await this.write();
    while (passage.kind === 'unwritten') {
      await new Promise<void>((resolve) => this.timers.after(WRITE_RETRY_MS, resolve));
      passage = await this.write();
    }
    return passage;
  }

  close(): void {
    this.retry?.();
  }

  private tryAgain(): void {
    this.demandWrite();
    this.session.onWriteDue();
  }

  private async write(): Promise<Passage> {
    const { session } = this;
    if (!session.isOwned()) return { kind: 'lost' };
    this.close();
    this.isDue = false;
    const record = session.snapshot();
    const outcome = await this.writer.write(record);
    if (!session.isOwned()) return { kind: 'lost' };
    switch (outcome.kind) {
      case 'written':
      case 'already':
        this.isAway = false;
        this.clock.storeBack();
        return { kind: 'written', record };
      case 'fenced':
        session.onFenced(outcome.epoch);
        return { kind: 'lost' };
      case 'unavailable':
        this.isAway = true;
        this.clock.storeLost();
        return { kind: 'unwritten' };
    }
  }
}
