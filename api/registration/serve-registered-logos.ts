import Router from '@koa/router';
import { clientLogos } from '../../core/registration/client-logo.js';
import type { Storage } from '../../core/storage.js';

/**
 * `GET /client-logos/{client_id}` of clients that registered themselves: from our own origin, as it was
 * written anew. What is not there may be a logo of the configuration.
 */
export function serveRegisteredLogos(storage: Pick<Storage, 'get'>): Router {
  const router = new Router();
  router.get('/client-logos/:clientId', async (ctx, next) => {
    const logo = await storage.get(clientLogos, ctx.params.clientId ?? '');
    if (!logo) return next();
    ctx.set('cache-control', 'public, max-age=3600');
    ctx.type = 'image/png';
    ctx.body = Buffer.from(logo.value.png, 'base64');
  });
  return router;
}
