import type { Context, Middleware, Next } from 'koa';

/**
 * Answers whatever is thrown further in, where Koa would answer in a way of its own, past our log.
 * @param answer reports and renders it; what it renders passes the middleware further out as any answer.
 */
export function answerErrors(answer: (ctx: Context, error: Error) => void): Middleware {
  return async function answerError(ctx: Context, next: Next) {
    try {
      await next();
    } catch (error) {
      ctx.remove('location');
      answer(ctx, toError(error));
    }
  };
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('not an error was thrown', { cause: error });
}
