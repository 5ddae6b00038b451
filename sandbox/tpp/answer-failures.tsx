import { randomUUID } from 'node:crypto';
import type { Context, Next } from 'koa';
import { TppErrorPage } from '../../consent-ui/pages/tpp-error-page.js';
import { renderPage } from '../../consent-ui/render-page.js';
import { Refusal } from '../../core/refusal.js';
import { brand } from './brand.js';
import { describeFailure, StepFailure } from './step-failure.js';

/** Turns what a step could not do into a page with the error as it came back, and a way on. */
export async function answerFailures(ctx: Context, next: Next): Promise<void> {
  try {
    await next();
  } catch (error) {
    const failure = describeFailure(error);
    if (!failure) throw error;
    ctx.status = statusOf(error);
    ctx.type = 'html';
    ctx.body = renderPage(
      <TppErrorPage
        brand={brand}
        title="This step did not work"
        {...failure}
        traceId={ctx.state.traceId ?? randomUUID()}
        exchanges={error instanceof StepFailure ? error.exchanges : []}
        next={ctx.state.wayBack ?? { href: '/', label: 'Start again' }}
      />,
    );
    return;
  }
  if (ctx.status === 404 && ctx.body === undefined) ctx.redirect('/');
}

function statusOf(error: unknown): number {
  if (!(error instanceof Refusal)) return 400;
  return { not_found: 404, forbidden: 403, conflict: 409 }[String(error.code)] ?? 400;
}
