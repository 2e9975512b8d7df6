import type { TurnPolicy } from '@parley/model';
import { EngineDriver } from './engine-driver';

export const LONG = 'It is sunny today and it will stay so for the rest of the week. ';

/** The agent speaks: 1 s of a longer answer was played. */
export function speaking(policy: Partial<TurnPolicy> = {}): EngineDriver {
  const talk = EngineDriver.attached(policy).says('A question?').binds().writes(LONG);
  return talk.hears({ segmentsMs: [4_000], playedMs: 1_000 });
}

/** The response was closed, its last 3 s play on. */
export const tailing = (policy: Partial<TurnPolicy> = {}): EngineDriver =>
  speaking(policy)
    .finishes()
    .hears({ segmentsMs: [4_000], complete: true, playedMs: 1_000, closed: true });

export const later = (talk: EngineDriver, ms: number): EngineDriver => {
  talk.nowMs += ms;
  return talk;
};
