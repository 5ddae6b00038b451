import { randomUUID } from 'node:crypto';
import type { Context, Next } from 'koa';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Gives every request a trace id: the caller's `x-fapi-interaction-id` where it is a UUID, else a new
 * one. It is echoed (FAPI 2.0 implementation advice; UK Open Banking), stands in every error, and
 * leads to the cause in the log.
 */
export async function traceRequest(ctx: Context, next: Next): Promise<void> {
  const given = ctx.get('x-fapi-interaction-id');
  ctx.state.traceId = uuid.test(given) ? given : randomUUID();
  ctx.set('x-fapi-interaction-id', ctx.state.traceId);
  await next();
}
