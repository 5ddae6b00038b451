import type { Context, Middleware, Next } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { replaceBody, rewritePath } from '../internals.js';
import { profileOf } from '../profiles/profiles.js';

/** Below the issuer; `cdr_arrangement_revocation_endpoint` of discovery. */
export const arrangementRevocationPath = '/arrangements/revoke';

/** Ends a client's arrangement; false where it has none of this id. */
export type WithdrawArrangement = (clientId: string, id: string) => Promise<boolean>;

/**
 * The CDR Arrangement Revocation Endpoint of Australia's Consumer Data Standards. {@link authenticateForRevocation}
 * has the library authenticate the client; what happens then waits until its assertion is marked as used.
 */
export function revokeArrangements(withdraw: WithdrawArrangement): Middleware {
  return async function revokeArrangement(ctx: Context, next: Next) {
    const isAsked = ctx.method === 'POST' && ctx.path === arrangementRevocationPath;
    await next();
    if (!isAsked || ctx.status !== 200) return;
    const { oidc }: Partial<KoaContextWithOIDC> = ctx;
    const client = oidc?.client;
    const id: unknown = ctx.state.arrangementId;
    const isKnown = typeof id === 'string' && client && profileOf(client).arrangements;
    if (isKnown && (await withdraw(client.clientId, id))) {
      ctx.status = 204;
      return;
    }
    ctx.status = 422;
    ctx.body = {
      errors: [
        {
          code: 'urn:au-cds:error:cds-all:Authorisation/InvalidArrangement',
          title: 'Invalid Consent Arrangement',
          detail: 'There is no such arrangement of this client',
        },
      ],
    };
  };
}

/**
 * Asks the library to revoke a token that nobody has (RFC 7009 §2.2): it authenticates the client, and has
 * nothing else to do. Reads the body that `boundRequest` left.
 */
export async function authenticateForRevocation(ctx: Context, next: Next): Promise<void> {
  const { body } = ctx.state;
  const isAsked = ctx.method === 'POST' && ctx.path === arrangementRevocationPath;
  if (isAsked && Buffer.isBuffer(body)) {
    const form = new URLSearchParams(body.toString('utf8'));
    ctx.state.arrangementId = form.get('cdr_arrangement_id');
    form.delete('cdr_arrangement_id');
    form.delete('token');
    form.append('token', 'none');
    replaceBody(ctx.req, Buffer.from(form.toString()));
    rewritePath(ctx.req, arrangementRevocationPath, '/token/revocation');
  }
  await next();
}
