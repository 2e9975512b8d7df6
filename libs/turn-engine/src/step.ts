import { unreachable, type TurnPolicy } from '@parley/model';
import { failAvatar, freeAvatar, settleAvatar, startedAvatar } from './avatar';
import { applyClientInput } from './client-inputs';
import { loseConnection, reconnect } from './connection';
import { passDeadlines } from './deadlines';
import { Draft } from './draft';
import type { Effect } from './effects';
import { floorOf } from './floor';
import { failGeneration, finishGeneration, growAnswer, growCalls } from './generation';
import type { EngineInput } from './inputs';
import { applyReport, timeWords } from './playout';
import { resume } from './resume';
import { attach } from './session';
import { bufferCall, failSpeculation, finishSpeculation, growSpeculation } from './speculation';
import { bargeIn, settlePause } from './speech';
import type { EngineState } from './state';
import { takeOver } from './takeover';
import { startQueued } from './turns';
import { bindVoice, failVoice, goOnWithoutVoice, renderLost, repairHoles } from './voice';

export interface StepResult {
  state: EngineState;
  effects: Effect[];
}

/**
 * The turn engine: one fact in, the next state and orders out. Pure: no clock, timer, random or I/O; `nowMs` is any
 * monotonic clock of the owner. An input that is illegal now changes nothing and says so (`emit` of an error, or
 * silence for a late result of another response). Rules: SPEC.md.
 */
export function step(state: EngineState, input: EngineInput, nowMs: number, policy: TurnPolicy): StepResult {
  if (state.phase.name === 'closed') return { state, effects: [] };
  const draft = new Draft(state, nowMs, policy);
  apply(draft, input);
  settlePause(draft);
  startQueued(draft);
  settleAvatar(draft);
  // A new connection is greeted with it.
  if (input.kind !== 'attached' && input.kind !== 'resumed') announceFloor(draft, state);
  if (draft.state !== state) draft.set({ steppedAtMs: nowMs });
  return { state: draft.state, effects: draft.effects };
}

/** What the model writes is the speculation's or the live response's, as its ordinal says. */
function apply(draft: Draft, input: EngineInput): void {
  switch (input.kind) {
    case 'attached':
      return attach(draft);
    case 'client':
      return applyClientInput(draft, input);
    case 'text-generated':
      growSpeculation(draft, input);
      return growAnswer(draft, input);
    case 'tool-called':
      bufferCall(draft, input);
      return growCalls(draft, input);
    case 'generation-finished':
      finishSpeculation(draft, input);
      return finishGeneration(draft, input);
    case 'generation-failed':
      failSpeculation(draft, input);
      return failGeneration(draft, input);
    case 'voice-bound':
      return bindVoice(draft, input);
    case 'voice-refused':
      return goOnWithoutVoice(draft, input);
    case 'voice-failed':
      return failVoice(draft, input);
    case 'avatar-started':
      return startedAvatar(draft, input);
    case 'avatar-done':
      return freeAvatar(draft, input);
    case 'avatar-failed':
      return failAvatar(draft, input);
    case 'words-timed':
      return timeWords(draft, input);
    case 'reported':
      applyReport(draft, input.announcedOrdinal, input.responses);
      repairHoles(draft, input.responses);
      renderLost(draft, input.linkLosses);
      return bargeIn(draft);
    case 'deadline-passed':
      return passDeadlines(draft, input.drawn);
    case 'taken-over':
      return takeOver(draft, input);
    case 'gateway-lost':
      return loseConnection(draft, 'the gateway of its connection was lost');
    case 'gateway-found':
      return reconnect(draft);
    case 'resumed':
      return resume(draft, input.received);
    default:
      return unreachable(input);
  }
}

/** DR8: the client learns of a change of the floor here and nowhere else. */
function announceFloor(draft: Draft, before: EngineState): void {
  const was = floorOf(before);
  const is = floorOf(draft.state);
  if (draft.state.phase.name === 'closed') return;
  if (was.state === is.state && was.responseId === is.responseId) return;
  draft.emit({
    kind: 'event',
    event: {
      type: 'parley.state',
      state: is.state,
      ...(is.responseId === undefined ? {} : { response_id: is.responseId }),
    },
  });
}
