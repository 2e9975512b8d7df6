import { z } from 'zod';

/** An object of exactly these fields; the message of another one names those that are allowed. */
export const closed = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `Allowed here: ${Object.keys(shape).join(', ') || 'nothing'}.` : undefined,
  });
