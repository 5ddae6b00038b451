import { z } from 'zod';
import { type ApiErrorCode, apiErrorStatus } from './api-error.js';

const codes = Object.keys(apiErrorStatus);

/** One rule that was broken. */
export const brokenRuleSchema = z
  .object({ member: z.string(), rule: z.string(), clause: z.string().optional() })
  .meta({ id: 'BrokenRule' });

/** The body of every error (identity-service.md §1.2). */
export const errorSchema = z
  .object({
    code: z.enum(codes),
    message: z.string(),
    correlationId: z.string().optional(),
    details: z.array(brokenRuleSchema).optional(),
  })
  .meta({ id: 'Error' });

/** The errors any call can be answered with. */
export const commonErrors: readonly ApiErrorCode[] = [
  'BadRequest',
  'Unauthorized',
  'Forbidden',
  'InternalServer',
];
