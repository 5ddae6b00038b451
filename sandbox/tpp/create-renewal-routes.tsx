import Router from '@koa/router';
import { renderPage } from '../../consent-ui/render-page.js';
import { beginAuthRequest } from './auth-requests.js';
import { beginRenewal } from './begin-journey.js';
import type { RoutesDeps } from './create-routes.js';
import { findConnection } from './find-journey.js';
import { type Journey, renewals } from './journey.js';
import { ExtendedPage } from './journey-pages.js';
import { extendConnection } from './read-data.js';
import { readOwnForm } from './read-own-form.js';
import { keepJourney } from './session-store.js';

/**
 * How a connection goes on: by a visit to Assent for each of the scopes that renew, and for a client
 * with screens of its own also without one. Each visit is a journey of its own, and the connection
 * stays where it is until that is done.
 */
export function createRenewalRoutes({ tpp, clients, sessions, clock }: RoutesDeps): Router {
  const router = new Router();
  const depsOf = ({ choice }: Journey) => ({
    client: clients[choice.client],
    api: tpp.api,
    clock,
  });

  for (const by of [...renewals, 'auth-request'] as const) {
    router.post(`/journeys/:id/${by}`, async (ctx) => {
      const session = sessions.of(ctx);
      await readOwnForm(ctx, session);
      const connection = findConnection(ctx, session);
      const journey = await (by === 'auth-request'
        ? beginAuthRequest(depsOf(connection), connection)
        : beginRenewal(depsOf(connection), connection, by));
      keepJourney(session, journey);
      ctx.redirect(`/journeys/${journey.id}/request`);
      ctx.status = 303;
    });
  }

  router.post('/journeys/:id/extend', async (ctx) => {
    const session = sessions.of(ctx);
    await readOwnForm(ctx, session);
    const connection = findConnection(ctx, session);
    const { exchanges } = await extendConnection(depsOf(connection), connection, clock.now());
    ctx.type = 'html';
    ctx.body = renderPage(<ExtendedPage journey={connection} exchanges={exchanges} />);
  });

  return router;
}
