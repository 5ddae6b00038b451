import type { Context, Middleware, Next } from 'koa';
import { errors } from 'oidc-provider';
import type { Logger } from '../core/logger.js';
import { Refusal, type RefusalCode } from '../core/refusal.js';
import { InteractionAnswered } from './interaction-session.js';
import { renderProblem } from './render-problem.js';

const statusOf: Partial<Record<RefusalCode, number>> = {
  not_found: 404,
  forbidden: 403,
  access_denied: 403,
  conflict: 409,
};

/** The one place where what goes wrong on a page becomes a page: a sentence, never a stack. */
export function answerPageErrors(logger: Logger): Middleware {
  return async function answerPageError(ctx: Context, next: Next) {
    try {
      await next();
    } catch (error) {
      const { traceId } = ctx.state;
      if (error instanceof InteractionAnswered) {
        ctx.status = 303;
        ctx.redirect(error.returnTo);
        return;
      }
      ctx.type = 'html';
      if (error instanceof Refusal) {
        ctx.status = statusOf[error.code] ?? 400;
        ctx.body = renderProblem({
          title: 'This did not work',
          sentence: `${error.message} Please go back and try again.`,
          traceId,
        });
      } else if (error instanceof errors.SessionNotFound) {
        ctx.status = 400;
        ctx.body = renderProblem({
          title: 'This page is no longer valid',
          sentence:
            'It was open for too long, was already used, or was opened in another browser. Please go back to the app and start again.',
          traceId,
        });
      } else {
        logger.error({ traceId, cause: error }, 'page failed');
        ctx.status = 500;
        ctx.body = renderProblem({
          title: 'Something went wrong on our side',
          sentence: 'Nothing was shared. Please try again in a moment.',
          traceId,
        });
      }
    }
  };
}
