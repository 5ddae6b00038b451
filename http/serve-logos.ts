import Router from '@koa/router';
import type { Context } from 'koa';
import { clientLogos } from '../core/client-logo.js';
import type { ClientMetadata } from '../core/clients.js';
import type { Storage } from '../core/storage.js';
import type { Logo } from './read-logos.js';

type Configured = ReadonlyMap<string, Logo>;

/** Where our own origin serves a client's logo; undefined where there is none. */
export type FindClientLogo = (client: ClientMetadata) => Promise<string | undefined>;

/** See {@link FindClientLogo}. @param configured those of the operator's folder, which come first. */
export function createClientLogoFinder(
  configured: Configured,
  storage: Pick<Storage, 'get'>,
): FindClientLogo {
  return async function findClientLogo({ client_id: clientId, logo_uri: uri }) {
    const isThere =
      configured.has(clientId) ||
      (uri !== undefined && (await storage.get(clientLogos, clientId))?.value.png !== undefined);
    return isThere ? `/client-logos/${encodeURIComponent(clientId)}` : undefined;
  };
}

/** Where our own origin serves a bank's logo; undefined where there is none. */
export function bankLogoPath(configured: Configured, bankRef: string): string | undefined {
  return configured.has(bankRef) ? `/bank-icons/${bankRef}` : undefined;
}

/**
 * `GET /bank-icons/{bankRef}` (identity-service.md §1.8). The answers rely on the security headers before
 * them, which keep an SVG opened by itself from running scripts.
 * @param defaultIcon shown for the ref `default`, and with `?defaultIcon=true` for a bank without one.
 */
export function serveBankIcons(configured: Configured, defaultIcon: Logo): Router {
  const router = new Router();
  router.get('/bank-icons/:ref', (ctx) => {
    const { ref = '' } = ctx.params;
    const plain = ref.replace(/\.(?:svg|png|jpg)$/, '');
    const mayBeDefault = plain === 'default' || ctx.query.defaultIcon === 'true';
    // The published lists name these addresses, for the pages of clients.
    ctx.set('cross-origin-resource-policy', 'cross-origin');
    answer(ctx, configured.get(ref) ?? configured.get(plain) ?? (mayBeDefault && defaultIcon));
  });
  return router;
}

/**
 * `GET /client-logos/{client_id}`: of the operator's folder as they are, and those that were fetched from
 * a `logo_uri` as they were written anew.
 */
export function serveClientLogos(configured: Configured, storage: Pick<Storage, 'get'>): Router {
  const router = new Router();
  router.get('/client-logos/:clientId', async (ctx) => {
    const { clientId = '' } = ctx.params;
    answer(ctx, configured.get(clientId) ?? (await readFetched(storage, clientId)));
  });
  return router;
}

async function readFetched(
  storage: Pick<Storage, 'get'>,
  clientId: string,
): Promise<Logo | undefined> {
  const png = (await storage.get(clientLogos, clientId))?.value.png;
  return png === undefined
    ? undefined
    : { contentType: 'image/png', body: Buffer.from(png, 'base64') };
}

/** A new logo is soon after seen by everybody. */
function answer(ctx: Context, logo: Logo | undefined | false): void {
  if (!logo) return;
  ctx.set('cache-control', 'public, max-age=3600');
  ctx.type = logo.contentType;
  ctx.body = logo.body;
}
