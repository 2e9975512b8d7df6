import {
  CONVERSATION_LANE,
  type ClientError,
  type OwnerOutput,
  type SessionPolicy,
  type TurnPolicy,
} from '@parley/model';
import type { Effect } from './effects';
import { liveResponse, type EngineState, type LiveResponse, type Phase } from './state';

/**
 * One step under way: the state so far and the effects so far. Rules replace `state` (never write into it), so the
 * state a step began with stays as it was and an illegal input can simply leave it alone.
 */
export class Draft {
  readonly effects: Effect[] = [];

  constructor(
    public state: EngineState,
    readonly nowMs: number,
    readonly policy: TurnPolicy,
  ) {}

  /** What the client chose for its session, and the server's choice where it has none. */
  chosen<Name extends keyof SessionPolicy>(name: Name): SessionPolicy[Name] {
    const choice = this.state.policy[name];
    // Null is a choice.
    return choice === undefined ? this.policy[name] : choice;
  }

  get live(): LiveResponse | undefined {
    return liveResponse(this.state);
  }

  /** The name of the next answer of the model; none is used twice. */
  nextKey(): { lane: number; ordinal: number } {
    const ordinal = this.state.nextOrdinal;
    this.set({ nextOrdinal: ordinal + 1 });
    return { lane: CONVERSATION_LANE, ordinal };
  }

  set(patch: Partial<EngineState>): void {
    this.state = { ...this.state, ...patch };
  }

  enter(phase: Phase): void {
    this.set({ phase });
  }

  /** Changes the live response; its phase stays. */
  patchLive(patch: Partial<LiveResponse>): void {
    const { phase } = this.state;
    if (phase.name !== 'thinking' && phase.name !== 'speaking') return;
    this.set({ phase: { ...phase, response: { ...phase.response, ...patch } } });
  }

  do(effect: Effect): void {
    this.effects.push(effect);
  }

  emit(output: OwnerOutput): void {
    this.do({ kind: 'emit', output });
  }

  reject(error: ClientError, clientEventId: string | undefined): void {
    this.emit(clientEventId === undefined ? { kind: 'error', error } : { kind: 'error', error, clientEventId });
  }
}
