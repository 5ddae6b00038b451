import type { Context, Middleware, Next } from 'koa';

const reading = ['GET', 'HEAD'];

/** How the endpoints are called, by their path; those that an installation has not are of no kind. */
export interface EndpointMethods {
  readonly read: readonly string[];
  readonly posted: readonly string[];
  readonly both: readonly string[];
}

/**
 * An endpoint that is called with a method that it has not answers 405 and names those that it has
 * (RFC 9126 §2.3, RFC 9110 §15.5.6), where the library's router finds nothing.
 */
export function nameMethods({ read, posted, both }: EndpointMethods): Middleware {
  const methods = new Map<string, readonly string[]>([
    ...read.map((path) => [path, reading] as const),
    ...posted.map((path) => [path, ['POST']] as const),
    ...both.map((path) => [path, [...reading, 'POST']] as const),
  ]);

  return async function answerMethod(ctx: Context, next: Next) {
    await next();
    const allowed = methods.get(ctx.path);
    if (ctx.status !== 404 || !allowed || allowed.includes(ctx.method)) return;
    const allow = allowed.join(', ');
    ctx.set('allow', allow);
    ctx.status = 405;
    ctx.body = { error: 'invalid_request', error_description: `only ${allow} can be called here` };
  };
}
