import {
  CONVERSATION_LANE,
  type ClientError,
  type OwnerOutput,
  type SessionPolicy,
  type TurnPolicy,
} from '@parley/model';
import type { Effect } from './effects';
import {
  isOfConversation,
  liveResponse,
  liveResponses,
  type EngineState,
  type LiveResponse,
  type Phase,
} from './state';

/** Names a response; no ordinal is used twice. */
export interface OfResponse {
  lane: number;
  ordinal: number;
}

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

  /** The conversation's. */
  get live(): LiveResponse | undefined {
    return liveResponse(this.state);
  }

  /** The conversation's, and those out of band. */
  get responses(): readonly LiveResponse[] {
    return liveResponses(this.state);
  }

  /** The live response a result belongs to; a late result of another one is nobody's. */
  response({ lane, ordinal }: OfResponse): LiveResponse | undefined {
    return this.responses.find((each) => each.ordinal === ordinal && each.lane === lane);
  }

  /** The name of the next answer of the model; none is used twice. */
  nextKey(lane = CONVERSATION_LANE): OfResponse {
    const ordinal = this.state.nextOrdinal;
    this.set({ nextOrdinal: ordinal + 1 });
    return { lane, ordinal };
  }

  set(patch: Partial<EngineState>): void {
    this.state = { ...this.state, ...patch };
  }

  enter(phase: Phase): void {
    this.set({ phase });
  }

  /** Changes a live response, and returns it as it is now; its phase stays. */
  patch(response: LiveResponse, patch: Partial<LiveResponse>): LiveResponse {
    const patched = { ...(this.response(response) ?? response), ...patch };
    const { phase, asides } = this.state;
    if (!isOfConversation(response)) {
      this.set({ asides: asides.map((each) => (each.ordinal === patched.ordinal ? patched : each)) });
    } else if (phase.name === 'thinking' || phase.name === 'speaking') {
      this.set({ phase: { ...phase, response: patched } });
    }
    return patched;
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
