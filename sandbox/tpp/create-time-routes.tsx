import Router from '@koa/router';
import type { Context } from 'koa';
import { TppTimePage } from '../../consent-ui/pages/tpp-time-page.js';
import { renderPage } from '../../consent-ui/render-page.js';
import { systemClock } from '../../core/clock.js';
import { Refusal } from '../../core/refusal.js';
import type { MovableClock } from '../movable-clock.js';
import { readMove } from '../read-move.js';
import { brand } from './brand.js';
import { readOwnForm } from './read-own-form.js';
import type { SessionStore } from './session-store.js';

interface TimeRoutesDeps {
  readonly clock: MovableClock;
  readonly sessions: SessionStore;
}

/** Where an operator moves the sandbox's time: a page, and the same as JSON for `npm run time`. */
export function createTimeRoutes({ clock, sessions }: TimeRoutesDeps): Router {
  const router = new Router();

  function show(ctx: Context, wrong: { readonly error?: string; readonly given?: string } = {}) {
    const now = new Date(clock.now());
    const { csrf } = sessions.of(ctx);
    if (wantsJson(ctx)) {
      ctx.body = wrong.error === undefined ? { now: now.toISOString(), csrf } : wrong;
      return;
    }
    ctx.type = 'html';
    ctx.body = renderPage(
      <TppTimePage
        {...{ brand, now, ...wrong }}
        realTime={new Date(systemClock.now())}
        move={{ action: '/time', csrf }}
      />,
    );
  }

  router.get('/time', (ctx) => show(ctx));

  router.post('/time', async (ctx) => {
    const { to = '' } = await readOwnForm(ctx, sessions.of(ctx));
    try {
      await clock.moveTo(readMove(to.trim(), clock.now()));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      ctx.status = 400;
      return show(ctx, { error: error.message, given: to });
    }
    if (wantsJson(ctx)) return show(ctx);
    ctx.redirect('/time');
    ctx.status = 303;
  });

  return router;
}

const wantsJson = (ctx: Context) => ctx.accepts('html', 'json') === 'json';
