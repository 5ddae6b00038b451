import type { Context, Middleware, Next } from 'koa';
import { errors } from 'oidc-provider';
import type { Logger } from '../core/logger.js';
import { Refusal, type RefusalCode } from '../core/refusal.js';
import { answerPage } from './answer-page.js';
import { InteractionAnswered } from './interaction-session.js';
import type { RenderProblem } from './render-problem.js';
import { seeOther } from './see-other.js';

const statusOf: Partial<Record<RefusalCode, number>> = {
  not_found: 404,
  forbidden: 403,
  access_denied: 403,
  conflict: 409,
};

/** The one place where what goes wrong on a page becomes a page: a sentence, never a stack. */
export function answerPageErrors(logger: Logger, renderProblem: RenderProblem): Middleware {
  return async function answerPageError(ctx: Context, next: Next) {
    try {
      await next();
    } catch (error) {
      const { traceId } = ctx.state;
      if (error instanceof InteractionAnswered) return seeOther(ctx, error.returnTo);
      if (error instanceof Refusal) {
        const title = 'This did not work';
        const sentence = `${error.message} Please go back and try again.`;
        const page = renderProblem({ title, sentence, traceId });
        return answerPage(ctx, statusOf[error.code] ?? 400, page);
      }
      if (error instanceof errors.SessionNotFound) {
        const title = 'This page is no longer valid';
        const sentence =
          'It was open for too long, was already used, or was opened in another browser. Please go back to the app and start again.';
        return answerPage(ctx, 400, renderProblem({ title, sentence, traceId }));
      }
      logger.error({ traceId, cause: error }, 'page failed');
      const title = 'Something went wrong on our side';
      const sentence = 'Nothing was shared. Please try again in a moment.';
      return answerPage(ctx, 500, renderProblem({ title, sentence, traceId }));
    }
  };
}
