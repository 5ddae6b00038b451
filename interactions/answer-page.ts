import type { Context } from 'koa';

/** Answers with a page. @param page a whole document. */
export function answerPage(ctx: Context, status: number, page: string): void {
  ctx.status = status;
  ctx.type = 'html';
  ctx.body = page;
}
