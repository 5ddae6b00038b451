import type { Context } from 'koa';
import { errors } from 'oidc-provider';

/** A page that tells a person what went wrong, in one sentence, with a way back if there is one. */
export type ProblemRenderer = (problem: {
  readonly title: string;
  readonly sentence: string;
  readonly traceId: string;
}) => string;

/**
 * The one place that answers protocol errors which cannot go back to the client: JSON for machines, a
 * page for a browser. Causes are in the log, under the trace id that the answer carries.
 */
export function createErrorRenderer(renderProblem: ProblemRenderer) {
  return function renderError(ctx: Context, error: Error): void {
    const traceId = String(ctx.state.traceId ?? '');
    const known = error instanceof errors.OIDCProviderError && error.expose ? error : undefined;
    ctx.status = known?.status ?? 500;
    if (ctx.accepts('json', 'html') === 'html') {
      ctx.type = 'html';
      const theirs = ctx.status < 500 ? known : undefined;
      ctx.body = renderProblem({ ...describeToPerson(theirs), traceId });
      return;
    }
    ctx.body = {
      error: known?.error ?? 'server_error',
      error_description: known?.error_description ?? 'the server could not handle the request',
    };
  };
}

function describeToPerson(error: errors.OIDCProviderError | undefined) {
  if (!error) {
    return {
      title: 'Something went wrong on our side',
      sentence: 'Nothing was shared. Please go back to the app and try again in a moment.',
    };
  }
  if (error instanceof errors.SessionNotFound) {
    return {
      title: 'This page is no longer valid',
      sentence:
        'It was open for too long, or was opened in another browser. Please go back to the app and start again.',
    };
  }
  return {
    title: 'This link does not work',
    sentence: `The app that sent you here asked for something we cannot do (${error.error}${
      error.error_description ? `: ${error.error_description}` : ''
    }). Nothing was shared. Please go back to the app.`,
  };
}
