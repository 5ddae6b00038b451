import type { Client, Configuration, KoaContextWithOIDC } from 'oidc-provider';
import type { SignOn } from '../sign-on/sign-on.js';

/**
 * What plain OpenID Connect has besides: the end of a session at the client's request (OpenID Connect
 * RP-Initiated Logout 1.0, Back-Channel Logout 1.0).
 */
export function signOnFeatures({ pages }: Pick<SignOn, 'pages'>) {
  return {
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource(ctx: KoaContextWithOIDC) {
        const { client, session } = ctx.oidc;
        ctx.body = pages.confirm({
          action: ctx.oidc.urlFor('end_session_confirm'),
          xsrf: String(session?.state?.secret ?? ''),
          name: nameOf(client),
        });
      },
      postLogoutSuccessSource(ctx: KoaContextWithOIDC) {
        const { client, issuer } = ctx.oidc;
        ctx.type = 'html';
        ctx.body = pages.done({ name: nameOf(client), again: newVisitAt(client, issuer) });
      },
    },
  } satisfies Configuration['features'];
}

function nameOf(client: Client | undefined): string | undefined {
  return client && (client.clientName ?? client.clientId);
}

/** Initiating login from a third party (OpenID Connect Core §4): who they are, the person decides again. */
function newVisitAt(client: Client | undefined, issuer: string): string | undefined {
  if (client?.initiateLoginUri === undefined) return undefined;
  const url = new URL(client.initiateLoginUri);
  url.searchParams.set('iss', issuer);
  return url.href;
}
