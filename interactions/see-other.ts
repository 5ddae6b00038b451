import type { Context } from 'koa';

/** Sends the browser on with 303, so that it never repeats a form at the next address (SEC-17). */
export function seeOther(ctx: Context, location: string): void {
  ctx.status = 303;
  ctx.redirect(location);
}
