import Router from '@koa/router';
import type { Context } from 'koa';
import type { Logo, Logos } from './read-logos.js';

/** Where our own origin serves a logo; undefined where there is none. */
export interface LogoPaths {
  bank(bankRef: string): string | undefined;
  client(clientId: string): string | undefined;
}

export function logoPaths({ banks, clients }: Logos): LogoPaths {
  return {
    bank: (bankRef) => (banks.has(bankRef) ? `/bank-icons/${bankRef}` : undefined),
    client: (clientId) => (clients.has(clientId) ? `/client-logos/${clientId}` : undefined),
  };
}

/**
 * `GET /bank-icons/{bankRef}` (identity-service.md §1.8) and `GET /client-logos/{client_id}`. The
 * answers rely on the security headers before them, which keep an SVG opened by itself from running
 * scripts.
 * @param defaultIcon shown for the ref `default`, and with `?defaultIcon=true` for a bank without one.
 */
export function serveLogos({ banks, clients }: Logos, defaultIcon: Logo): Router {
  const router = new Router();
  router.get('/bank-icons/:ref', (ctx) => {
    const { ref = '' } = ctx.params;
    const plain = ref.replace(/\.(?:svg|png|jpg)$/, '');
    const mayBeDefault = plain === 'default' || ctx.query.defaultIcon === 'true';
    // The published lists name these addresses, for the pages of clients.
    ctx.set('cross-origin-resource-policy', 'cross-origin');
    answer(ctx, banks.get(ref) ?? banks.get(plain) ?? (mayBeDefault ? defaultIcon : undefined));
  });
  router.get('/client-logos/:clientId', (ctx) =>
    answer(ctx, clients.get(ctx.params.clientId ?? '')),
  );
  return router;
}

/** A new logo is read at the next start, and soon after seen by everybody. */
function answer(ctx: Context, logo: Logo | undefined): void {
  if (!logo) return;
  ctx.set('cache-control', 'public, max-age=3600');
  ctx.type = logo.contentType;
  ctx.body = logo.body;
}
