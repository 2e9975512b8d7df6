export { nextDeadlineMs } from './deadlines';
export {
  startsAtOnce,
  type AtOnceEffect,
  type WrittenEffect,
  type ContextMessage,
  type Effect,
  type Observation,
} from './effects';
export { floorOf } from './floor';
export type { EngineInput } from './inputs';
export type { DrawnIds } from './presence';
export {
  initialState,
  liveResponse,
  liveResponses,
  NEVER_MS,
  underWay,
  type EngineState,
  type SessionConfig,
} from './state';
export { greetingOf, patchedSession, sessionObject, type Welcome } from './session';
export { step, type StepResult } from './step';
