import { ERROR_CODES } from '@parley/model';
import { z } from 'zod';

export const clientError = z.object({
  type: z.enum(['invalid_request_error', 'server_error']),
  code: z.enum(ERROR_CODES),
  message: z.string(),
  param: z.string().nullable(),
});
