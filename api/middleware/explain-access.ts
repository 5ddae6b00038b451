import type { Context, Middleware, Next } from 'koa';
import type { Explanations, Refused, RuleOutcome } from '../../core/explanation.js';
import { AccessRefused } from '../../resource/guard.js';

interface AccessRule {
  readonly rule: string;
  readonly clause: string;
  /** How `resource/guard.ts` says that it was not met. */
  readonly broken: RegExp;
  /** Whether every token that is refused for a later one has met it. */
  readonly isForAll: boolean;
}

/** In the order in which they are looked at. */
const rules: readonly AccessRule[] = [
  {
    rule: 'the access token comes in the Authorization header alone',
    clause: 'RFC 6750 §2.1; FAPI 2.0 SP §5.3.4-2',
    broken: /token is required|Authorization header/,
    isForAll: true,
  },
  {
    rule: 'the access token is live',
    clause: 'RFC 6750 §3.1',
    broken: /unknown, expired or revoked/,
    isForAll: true,
  },
  {
    rule: 'the client certificate is the one that the token is bound to',
    clause: 'RFC 8705 §3',
    broken: /another client certificate/,
    isForAll: false,
  },
  {
    rule: 'the scheme is the one of the token',
    clause: 'RFC 9449 §7.1',
    broken: /bound to a DPoP key/,
    isForAll: true,
  },
  {
    rule: 'the DPoP proof is for this request, fresh and new',
    clause: 'RFC 9449 §4.3',
    broken: /The DPoP proof/,
    isForAll: true,
  },
  {
    rule: 'the DPoP proof is made with the key that the token is bound to',
    clause: 'RFC 9449 §7.1',
    broken: /another DPoP key/,
    isForAll: true,
  },
];

const live = {
  rule: 'the access token is live and comes from the one it is bound to',
  clause: 'RFC 6750 §2.1; RFC 8705 §3; RFC 9449 §7',
};
const allowing = { rule: 'the token, and what was agreed to, allow this', clause: 'RFC 6750 §3.1' };

/**
 * Keeps why a call was refused for what its access token is or is not. What else may be wrong with a
 * call, its answer says.
 * @param check what comes before a resource: `authenticate`.
 */
export function explainAccess(
  explanations: Pick<Explanations, 'record'>,
  check: Middleware,
): Middleware {
  return async function explainRefusedAccess(ctx: Context, next: Next) {
    try {
      await check(ctx, next);
    } catch (error) {
      const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
      if (error instanceof Error && (status === 401 || status === 403)) {
        explanations.record(explain(ctx, status, error));
      }
      throw error;
    }
  };
}

function explain(ctx: Context, status: 401 | 403, { message, cause }: Error): Refused {
  const proved: unknown = ctx.state.token?.clientId;
  const authenticated = typeof proved === 'string';
  const named = cause instanceof AccessRefused ? cause.clientId : undefined;
  const clientId = authenticated ? proved : named;
  return {
    traceId: String(ctx.state.traceId).toLowerCase(),
    ...(clientId !== undefined && { clientId }),
    authenticated,
    // The route and not the path, which may hold whom it is about.
    endpoint: `${ctx.method} ${String(ctx._matchedRoute ?? '')}`.trim(),
    error: status === 401 ? 'Unauthorized' : 'Forbidden',
    description: message,
    rules:
      status === 401
        ? traceRules(ctx, message)
        : [
            { ...live, outcome: 'met' },
            { ...allowing, outcome: 'not met' },
          ],
  };
}

function traceRules(ctx: Context, message: string): readonly RuleOutcome[] {
  const at = rules.findIndex(({ broken }) => broken.test(message));
  const broken = rules[at];
  if (!broken) return [{ ...live, outcome: 'not met' }];
  const met = rules.slice(0, at).filter(({ isForAll }) => isForAll);
  const input = describeInput(ctx, message);
  return [
    ...met.map(({ rule, clause }) => ({ rule, clause, outcome: 'met' }) as const),
    {
      ...{ rule: broken.rule, clause: broken.clause, outcome: 'not met' },
      ...(input !== undefined && { input }),
    },
  ];
}

/** Of a proof, what is wrong with it; of anything else, how it came. Nothing of what was sent is in it. */
function describeInput(ctx: Context, message: string): string | undefined {
  const [, fault] = /^The DPoP proof was refused: (.+)$/.exec(message) ?? [];
  if (fault) return fault;
  const authorization = ctx.get('authorization');
  if (authorization === '') return 'no Authorization header';
  const [, scheme] = /^(bearer|dpop) /i.exec(authorization) ?? [];
  if (scheme) return `the scheme is ${scheme}`;
  return 'the scheme is neither Bearer nor DPoP';
}
