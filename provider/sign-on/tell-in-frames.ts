import type { Context, Middleware, Next } from 'koa';
import type { Client, KoaContextWithOIDC } from 'oidc-provider';
import type { LogoutPages } from './sign-on.js';

/**
 * OpenID Connect Front-Channel Logout 1.0, which the library has no more: when a session has ended, a page
 * with a frame for each application that wants to be told that way, before the person goes on.
 */
export function tellInFrames(pages: Pick<LogoutPages, 'frames'>): Middleware {
  return async function tellApplications(ctx: Context, next: Next) {
    await next();
    const { oidc }: Partial<KoaContextWithOIDC> = ctx;
    if (oidc?.route !== 'end_session_confirm' || ctx.status !== 303 || !oidc.params?.logout) return;
    const addresses = await addressesOf(oidc);
    if (addresses.length === 0) return;
    const onward = String(ctx.response.get('location'));
    ctx.remove('location');
    ctx.status = 200;
    ctx.type = 'html';
    const origins = [...new Set(addresses.map((address) => new URL(address).origin))];
    const policy = ctx.response.get('content-security-policy');
    ctx.set('content-security-policy', `${policy};frame-src ${origins.join(' ')}`);
    ctx.body = pages.frames({ addresses, next: onward });
  };
}

async function addressesOf({ provider, session, issuer }: KoaContextWithOIDC['oidc']) {
  const signedIn = Object.entries(session?.authorizations ?? {});
  const addresses = await Promise.all(
    signedIn.map(async ([clientId, { sid }]) => {
      const client = await provider.Client.find(clientId).catch(() => undefined);
      return client && addressOf(client, issuer, sid);
    }),
  );
  return addresses.filter((address) => address !== undefined);
}

function addressOf(client: Client, issuer: string, sid: string | undefined): string | undefined {
  const { frontchannel_logout_uri: address } = client;
  if (typeof address !== 'string') return undefined;
  const url = new URL(address);
  url.searchParams.set('iss', issuer);
  if (sid !== undefined) url.searchParams.set('sid', sid);
  return url.href;
}
