import { deliveredSamples, unreachable, type FloorState, type ResponseId } from '@parley/model';
import { liveResponse, type EngineState } from './state';

export interface Floor {
  state: FloorState;
  responseId: ResponseId | undefined;
}

/**
 * Who holds the floor, as a client sees it: the one place where "speaking" is decided (DR8). A tail is speech: the
 * agent is heard until its last sample was played (G5), whatever begins beside it. Responses play one after the other,
 * so the oldest tail is what is heard; one of which nothing is known to be delivered is not heard.
 */
export function floorOf(state: EngineState): Floor {
  const { phase } = state;
  const heard = state.tails.find((tail) => deliveredSamples(tail.delivery) > 0);
  switch (phase.name) {
    case 'speaking':
    case 'thinking':
    case 'listening':
      if (heard) return { state: 'speaking', responseId: heard.responseId };
      return { state: phase.name, responseId: liveResponse(state)?.responseId };
    case 'idle':
    case 'closed':
      return { state: 'idle', responseId: undefined };
    default:
      return unreachable(phase);
  }
}
