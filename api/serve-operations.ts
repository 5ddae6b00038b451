import type Router from '@koa/router';
import type { Context, Middleware, Next } from 'koa';
import { ApiError } from './api-error.js';
import type { AnswerOnce } from './idempotency/answer-once.js';
import type { Operation } from './operation.js';
import { publicRequestUrl } from './public-request-url.js';

interface Serving {
  /** What comes before each: authentication first. */
  readonly guards: readonly Middleware[];
  readonly answerOnce: AnswerOnce;
  /** The origins clients call: `https://host[:port]`, the public one first. */
  readonly origins: readonly [string, ...string[]];
}

/** Routes operations to where they are answered. */
export function serveOperations(
  router: Router,
  operations: readonly Operation[],
  { guards, answerOnce, origins }: Serving,
): void {
  for (const operation of operations) {
    router[operation.method](toRoute(operation.path), ...guards, prepare(origins), (ctx) =>
      operation.run(ctx, answerOnce),
    );
  }
}

/** What every operation's answer needs. */
function prepare(origins: readonly [string, ...string[]]): Middleware {
  return async function prepareAnswer(ctx: Context, next: Next) {
    const url = publicRequestUrl(ctx.req, ctx.originalUrl, origins);
    if (!url) throw new ApiError('BadRequest', 'The request names no path');
    ctx.state.url = url.href;
    await next();
  };
}

/** A path as the router writes it. */
export function toRoute(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

/** Answers for a path or method that no operation has. @param ownPaths the route this is called from. */
export function refuseUnmatched(router: Router, ctx: Context, ownPaths: RegExp): never {
  const methods = router
    .match(ctx.path, ctx.method)
    .path.filter(({ path }) => path !== ownPaths)
    .flatMap((layer) => layer.methods);
  if (methods.length === 0) throw new ApiError('NotFound', 'There is no such resource');
  ctx.set('allow', [...new Set(methods)].join(', '));
  throw new ApiError('MethodNotAllowed', 'This method is not offered here');
}
