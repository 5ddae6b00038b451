import type { Context } from 'koa';

/**
 * Whether a posted form says that a page of another site has sent it: a second wall behind the secret
 * that is in it (SEC-11). Our own pages send `Origin: null`, because they send no referrer, so what a
 * browser says of the sender's site counts beside it.
 */
export function isForeignForm(ctx: Context, own: string): boolean {
  const [origin, site] = [ctx.get('origin'), ctx.get('sec-fetch-site')];
  const isForeign = origin !== '' && origin !== 'null' && origin !== own;
  return isForeign || site === 'cross-site' || site === 'same-site';
}
