import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import { remembersPeople } from '../profiles/profiles.js';

/** Tells the visits of clients that remember people, at the authorization endpoint and where it resumes. */
export function createRememberedVisits(provider: Provider) {
  return async function isRemembered(ctx: Context): Promise<boolean> {
    const clientId = await clientOf(provider, ctx);
    if (clientId === undefined) return false;
    // One that breaks the rules is refused where it is asked for next.
    const client = await provider.Client.find(clientId).catch(() => undefined);
    return remembersPeople(client);
  };
}

async function clientOf(provider: Provider, ctx: Context): Promise<string | undefined> {
  const [, , uid] = ctx.path.split('/');
  const named = uid
    ? (await provider.Interaction.find(uid))?.params.client_id
    : ctx.query.client_id;
  return typeof named === 'string' ? named : undefined;
}
