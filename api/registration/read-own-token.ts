import type { Context } from 'koa';
import { AccessRefused, createGuard } from '../../resource/guard.js';
import type { AuthenticateDeps } from '../middleware/authenticate.js';
import { createProofReplays } from '../middleware/dpop-proof.js';
import { publicRequestUrl } from '../public-request-url.js';

/**
 * Whose access token of the client credentials grant a request shows, by which clients of UK Open
 * Banking manage themselves (DCR v3.2 §Endpoints). Only one that is bound to its sender counts: it can do
 * what a registration access token can.
 * @returns how to read it; undefined for every other token, or none.
 */
export function createOwnTokenReader(deps: AuthenticateDeps) {
  const { tokens, storage, clock, origins, readCertificate } = deps;
  const guard = createGuard({
    tokens,
    replays: createProofReplays(storage),
    now: () => clock.now(),
  });

  return async function readOwnToken(ctx: Context): Promise<string | undefined> {
    const url = publicRequestUrl(ctx.req, ctx.originalUrl, origins);
    if (!url) return undefined;
    try {
      const { method, headers } = ctx;
      const certificate = readCertificate(ctx.req);
      const facts = await guard.admit({ method, url, headers, certificate });
      const isBound = (facts.certificateThumbprint ?? facts.keyThumbprint) !== undefined;
      return isBound && facts.grantId === undefined ? facts.clientId : undefined;
    } catch (error) {
      if (error instanceof AccessRefused) return undefined;
      throw error;
    }
  };
}
