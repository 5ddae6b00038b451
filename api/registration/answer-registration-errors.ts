import type { Context, Middleware, Next } from 'koa';
import { type BrokenRule, BrokenRules } from '../../core/broken-rule.js';
import { OutdatedClient } from '../../core/change-client.js';
import { topMember } from '../../core/client-metadata.js';
import type { Explanations } from '../../core/explanation.js';
import type { Logger } from '../../core/logger.js';
import { RegistrationRefused } from '../../core/registration/registration-refused.js';
import { StorageConflict } from '../../core/storage.js';

interface ErrorAnswer {
  readonly status: number;
  readonly error: string;
  readonly description: string;
  readonly rules?: readonly BrokenRule[];
}

/** The one place where a registration's error becomes an answer (RFC 7591 §3.2.2, RFC 7592 §2). */
export function answerRegistrationErrors(deps: {
  readonly logger: Logger;
  readonly explanations: Pick<Explanations, 'record'>;
}): Middleware {
  const { logger, explanations } = deps;

  return async function answerRegistrationError(ctx: Context, next: Next) {
    try {
      await next();
    } catch (cause) {
      const { status, error, description, rules = [] } = toAnswer(cause);
      ctx.status = status;
      if (status === 401) {
        // RFC 6750 §3.1: whoever showed no token is told of no error in it.
        const fault = ctx.get('authorization') === '' ? '' : ` error="${error}"`;
        ctx.set('www-authenticate', `Bearer${fault}`);
      }
      if (status === 429) ctx.set('retry-after', '900');
      ctx.body = {
        error,
        error_description: description,
        ...(rules.length > 0 && { broken_rules: rules }),
      };
      const traceId = String(ctx.state.traceId);
      const fields = { traceId, error, status, description, cause };
      if (status >= 500) logger.error(fields, 'registration failed');
      else logger.info(fields, 'registration refused');
      if (status < 500) {
        const clientId: unknown = ctx.state.clientId;
        explanations.record({
          ...{ traceId: traceId.toLowerCase(), error, description },
          ...(typeof clientId === 'string' && { clientId }),
          authenticated: typeof clientId === 'string',
          endpoint: `${ctx.method} registration`,
          rules: (rules.length > 0 ? rules : [{ rule: description, clause: clauseOf(error) }]).map(
            ({ rule, clause, ...rest }) => ({
              rule: 'member' in rest ? `${rest.member} ${rule}` : rule,
              clause,
              outcome: 'not met',
            }),
          ),
        });
      }
    }
  };
}

function clauseOf(error: string): string {
  return error === 'invalid_token' ? 'RFC 7592 §2; RFC 6750 §3.1' : 'RFC 7591 §3.2.2';
}

function toAnswer(error: unknown): ErrorAnswer {
  if (error instanceof RegistrationRefused) {
    const { code, status, message } = error;
    return { status, error: code, description: message };
  }
  if (error instanceof BrokenRules) {
    const isRedirect = error.rules.some((rule) => topMember(rule) === 'redirect_uris');
    return {
      status: 400,
      error: isRedirect ? 'invalid_redirect_uri' : 'invalid_client_metadata',
      // RFC 6749 §5.2: which characters it may have; UK Open Banking DCR v3.2: how many.
      description: error.message.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "'").slice(0, 500),
      rules: error.rules,
    };
  }
  if (error instanceof OutdatedClient || error instanceof StorageConflict) {
    const description =
      'The client was changed by somebody else at the same time; please try again';
    return { status: 409, error: 'invalid_request', description };
  }
  const description = 'The request could not be processed';
  return { status: 500, error: 'server_error', description };
}
