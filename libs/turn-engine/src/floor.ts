import type { FloorState } from '@parley/model';
import type { ResponseId } from '@parley/model';
import { liveResponse, type EngineState } from './state';

export interface Floor {
  state: FloorState;
  responseId: ResponseId | undefined;
}

/**
 * Who holds the floor, as a client sees it: the one place where "speaking" is decided (DR8). A tail is speech: the
 * agent is heard until its last sample was played (G5), whatever begins beside it.
 */
export function floorOf(state: EngineState): Floor {
  const tail = state.tails[0];
  const live = liveResponse(state);
  switch (state.phase.name) {
    case 'speaking':
      return { state: 'speaking', responseId: state.phase.response.responseId };
    case 'thinking':
    case 'listening':
      if (tail) return { state: 'speaking', responseId: tail.responseId };
      return live ? { state: 'thinking', responseId: live.responseId } : { state: 'listening', responseId: undefined };
    case 'idle':
    case 'closed':
      return { state: 'idle', responseId: undefined };
  }
}
