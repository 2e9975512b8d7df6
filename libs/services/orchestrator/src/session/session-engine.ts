import type { Opening, TurnPolicy } from '@parley/model';
import type { ClockPort, LogPort } from '@parley/ports';
import {
  greetingOf,
  liveResponses,
  step,
  underWay,
  type Effect,
  type EngineInput,
  type EngineState,
  type Welcome,
} from '@parley/turn-engine';
import type { SessionJournal } from './session-journal';

/** The turn engine as one session runs it: where it stands, by which clock, and what is told of each of its steps. */
export class SessionEngine {
  constructor(
    private current: EngineState,
    private readonly policy: TurnPolicy,
    private readonly clock: Pick<ClockPort, 'nowMs'>,
    private readonly journal: SessionJournal | undefined,
    private readonly log: LogPort,
  ) {}

  get state(): EngineState {
    return this.current;
  }

  /** What a connection that begins now is told of the session. */
  opening(welcome: Welcome): Pick<Opening, 'greeting' | 'responses'> {
    return { greeting: greetingOf(this.current, welcome), responses: underWay(this.current) };
  }

  /** Such a connection would need the outputs of this response from the first one on. */
  isKept(ordinal: number): boolean {
    const { finished, finishedAsides } = this.current;
    return [finished, ...finishedAsides, ...underWay(this.current)].some((response) => response?.ordinal === ordinal);
  }

  /** Before the first step. */
  opened(traceparent: string): void {
    this.journal?.opened({ state: this.current, policy: this.policy }, this.clock.nowMs(), traceparent);
  }

  /**
   * An exception ends the responses that are live, whichever it was about, and not the process; the input counts as applied, or it
   * would come again.
   */
  apply(input: EngineInput, traceparent: string): Effect[] {
    const nowMs = this.clock.nowMs();
    try {
      const result = step(this.current, input, nowMs, this.policy);
      this.current = result.state;
      this.journal?.stepped(input, nowMs, result.effects, traceparent);
      return result.effects;
    } catch (error) {
      this.journal?.threw(input, nowMs, traceparent);
      this.log.error('a step failed', { input: input.kind, error });
      if (input.kind === 'generation-failed') return [];
      const failure = { kind: 'unavailable', message: 'An internal error ended this answer.' } as const;
      return liveResponses(this.current).flatMap(({ lane, ordinal }) =>
        this.apply({ kind: 'generation-failed', lane, ordinal, failure }, traceparent),
      );
    }
  }
}
