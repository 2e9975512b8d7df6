import type { InputNumber } from '@parley/model';
import type { RandomPort } from '@parley/ports';
import type { DrawnIds } from '@parley/turn-engine';

/** For a response that nobody asked for, begun after the input `cause`: the engine draws nothing itself. */
export const drawIds = (random: RandomPort, cause: InputNumber): DrawnIds => ({
  turnId: `turn_${random.hex(12)}`,
  responseId: `resp_${random.hex(12)}`,
  answerId: `item_${random.hex(12)}`,
  cause,
});
