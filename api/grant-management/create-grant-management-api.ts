import Router from '@koa/router';
import type { Context, Middleware, Next } from 'koa';
import type { AccessTokenFacts } from '../../core/access-token.js';
import { stillGranted } from '../../core/authorization-details/detail-types.js';
import type { Clock } from '../../core/clock.js';
import type { GrantReader } from '../../core/grant-management.js';
import { isGrantOf } from '../../core/intent.js';
import type { IntentService } from '../../core/intent-service.js';
import type { Logger } from '../../core/logger.js';
import { noStore } from '../../http/security-headers.js';
import { ApiError } from '../api-error.js';
import { requireScope } from '../middleware/require-scope.js';

export interface GrantManagementApiDeps {
  readonly intentService: IntentService;
  readonly grants: GrantReader;
  /** Leaves the facts of the request's token in `ctx.state.token`, its sender constraint met. */
  readonly authenticate: Middleware;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Where it is, below the bank's URL; `grant_management_endpoint` of discovery. */
const grantManagementPath = '/grants';

/**
 * A client's look at its grants, and their end (Grant Management for OAuth 2.0, §6). A grant is the
 * intent that its customer authorised; another client's looks like none.
 */
export function createGrantManagementApi(deps: GrantManagementApiDeps): Router {
  const { intentService, grants, authenticate, clock, logger } = deps;
  const router = new Router({ prefix: grantManagementPath });
  router.use(answerOAuthErrors(logger), noStore, authenticate);

  async function assertOwn(
    ctx: Context,
  ): Promise<{ readonly clientId: string; readonly id: string }> {
    const { clientId, subject, grantId }: AccessTokenFacts = ctx.state.token;
    if (subject !== undefined || grantId !== undefined) {
      throw new ApiError('Forbidden', 'Grants are managed with the client’s own token');
    }
    const id = String(ctx.params.id);
    const intent = await intentService.find(clientId, id);
    if (!intent || !isGrantOf(intent, clientId, clock.now())) throw unknownGrant();
    return { clientId, id };
  }

  router.get('/:id', requireScope('grant_management_query'), async (ctx) => {
    const { id } = await assertOwn(ctx);
    const grant = await grants.read(id);
    if (!grant) throw unknownGrant();
    const details = stillGranted(grant.authorizationDetails, clock.now());
    ctx.body = {
      scopes: grant.scopes,
      claims: grant.claims,
      ...(details.length > 0 && { authorization_details: details }),
    };
  });

  router.delete('/:id', requireScope('grant_management_revoke'), async (ctx) => {
    const { clientId, id } = await assertOwn(ctx);
    await intentService.withdraw(clientId, id);
    ctx.status = 204;
  });

  router.all('/{*path}', () => {
    throw unknownGrant();
  });
  return router;
}

function unknownGrant(): ApiError {
  return new ApiError('NotFound', 'There is no such grant');
}

/** The error codes of RFC 6750 §3.1 by status; §6.6 wants the statuses. */
const codes: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'invalid_token',
  403: 'insufficient_scope',
  404: 'invalid_grant_id',
};

function answerOAuthErrors(logger: Logger): Middleware {
  return async function answerOAuthError(ctx: Context, next: Next) {
    try {
      await next();
    } catch (error) {
      const known = error instanceof ApiError ? error : undefined;
      if (!known) {
        logger.error({ traceId: ctx.state.traceId, cause: error }, 'grant management failed');
      }
      const { status = 500, message = 'The request could not be processed' } = known ?? {};
      ctx.status = status;
      ctx.body = { error: codes[status] ?? 'server_error', error_description: message };
    }
  };
}
