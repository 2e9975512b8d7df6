import { z } from 'zod';
import { count, incarnation } from './id-schemas';
import { isRecord } from './record';

// `z.custom`, because these are the engine's own: it has to get them back as they were, unknown fields and order included.
const engineInput = z.custom<{ kind: string }>(
  (value) => isRecord(value) && typeof value['kind'] === 'string',
  'expected an input',
);
const engine = z.custom<{ state: object; policy: object }>(
  (value) => isRecord(value) && isRecord(value['state']) && isRecord(value['policy']),
  'expected a state and a policy',
);

export const journal = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('opened'),
    epoch: count,
    step: z.literal(0),
    nowMs: z.number(),
    owner: incarnation,
    rev: count,
    engine,
  }),
  z.object({
    kind: z.literal('stepped'),
    epoch: count,
    step: count,
    nowMs: z.number(),
    input: engineInput,
    effects: z.string(),
  }),
]);
