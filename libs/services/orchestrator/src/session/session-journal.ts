import { effectsHash, STEP_THREW, subjects, type Incarnation, type JournalEntry, type SessionId } from '@parley/model';
import type { BusPort, LogPort } from '@parley/ports';
import { encodeEnvelope } from '@parley/schemas';
import type { Effect, EngineInput, EngineState } from '@parley/turn-engine';

/** Who keeps it, and from what on. */
export interface JournalOwner {
  sessionId: SessionId;
  epoch: number;
  owner: Incarnation;
  rev: number;
}

/**
 * What one owner did with a session, step by step, for replay and explanation (PROTOCOL.md, "The journal"). Nobody waits
 * for it and nothing is read back: an entry that does not arrive is a step that a replay misses.
 */
export class SessionJournal {
  private steps = 0;
  private readonly subject: string;

  constructor(
    private readonly bus: BusPort,
    private readonly log: LogPort,
    private readonly of: JournalOwner,
  ) {
    this.subject = subjects.journal(of.sessionId);
  }

  /** Once, before the first step: all that is needed to repeat the steps. */
  opened(engine: { state: EngineState; policy: object }, nowMs: number, traceparent: string): void {
    const { epoch, owner, rev } = this.of;
    this.publish(traceparent, () => ({ kind: 'opened', epoch, step: 0, nowMs, owner, rev, engine }));
  }

  stepped(input: EngineInput, nowMs: number, effects: readonly Effect[], traceparent: string): void {
    this.step(traceparent, input, nowMs, () => effectsHash(effects));
  }

  /** The step ended with an exception. */
  threw(input: EngineInput, nowMs: number, traceparent: string): void {
    this.step(traceparent, input, nowMs, () => STEP_THREW);
  }

  private step(traceparent: string, input: EngineInput, nowMs: number, effects: () => string): void {
    const step = ++this.steps;
    const { epoch } = this.of;
    this.publish(traceparent, () => ({ kind: 'stepped', epoch, step, nowMs, input, effects: effects() }));
  }

  /** Whatever goes wrong here is no reason to fail a turn. */
  private publish(traceparent: string, entry: () => JournalEntry): void {
    try {
      this.bus.publish(this.subject, encodeEnvelope(traceparent, entry()));
    } catch (error) {
      this.log.error('an entry of the journal is lost', { step: this.steps, error });
    }
  }
}
