import type { Context, Next } from 'koa';
import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../../core/clock.js';
import { intents, isGrantOf } from '../../core/intent.js';
import { readArrangementRequest } from '../../core/sharing-arrangement.js';
import type { Storage } from '../../core/storage.js';
import { profileOf } from '../profiles/profiles.js';

interface ArrangementDeps {
  readonly storage: Pick<Storage, 'get'>;
  readonly clock: Clock;
}

/** What stands beside `id_token` and `userinfo` in the `claims` of the Consumer Data Right. */
export const arrangementClaims = ['sharing_duration', 'cdr_arrangement_id'] as const;

/**
 * Holds `claims` of a client of the Consumer Data Right to its Request Object section, where they arrive.
 * Whose arrangement it is shows when they have signed in: `interactions/bank/asked.ts`.
 */
export function createArrangementCheck({ storage, clock }: ArrangementDeps) {
  return async function assertArrangement(claims: unknown, client: Client): Promise<void> {
    if (!profileOf(client).arrangements) return;
    const request = readArrangementRequest(claims);
    if (!request) {
      const [duration, id] = arrangementClaims;
      const description = `${duration} must be a number from 0, and ${id} an arrangement's`;
      throw new errors.InvalidRequest(description);
    }
    if (request.arrangementId === undefined) return;
    const intent = await storage.get(intents, request.arrangementId);
    if (intent && isGrantOf(intent.value, client.clientId, clock.now())) return;
    throw new errors.InvalidRequest('cdr_arrangement_id does not name an arrangement in force');
  };
}

/**
 * Whether tokens last beyond the first access token: sharing once gives no refresh token (Consumer Data
 * Standards, Requesting Sharing Duration).
 */
export function isShared(claims: unknown): boolean {
  return (readArrangementRequest(claims)?.sharingDuration ?? 0) > 0;
}

/**
 * Tells the id of its arrangement with the tokens and where they are introspected (Consumer Data
 * Standards, Security Endpoints).
 */
export async function returnArrangementId(ctx: Context, next: Next): Promise<void> {
  await next();
  const { oidc }: Partial<KoaContextWithOIDC> = ctx;
  if (!oidc || !routes.has(oidc.route) || ctx.status !== 200) return;
  const { Grant } = oidc.entities;
  const body: unknown = ctx.body;
  if (!Grant || !isTold(body)) return;
  const client = await oidc.provider.Client.find(Grant.clientId ?? '');
  if (client && profileOf(client).arrangements) {
    ctx.body = { ...body, cdr_arrangement_id: Grant.jti };
  }
}

const routes = new Set(['token', 'introspection']);

/** Not of a token that the asking client may know nothing of; nor what is signed. */
function isTold(body: unknown): body is object {
  if (typeof body !== 'object' || body === null) return false;
  return !('active' in body) || body.active === true;
}
