import type { Context } from 'koa';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Refused, RuleOutcome } from '../../core/explanation.js';
import { describeInput, redact } from './describe-input.js';
import { authenticates, type ProtocolRule, protocolRules } from './protocol-rules.js';

/**
 * Why a protocol endpoint refused a request: the rules that it met, as far as can be told, and the one
 * that it did not (architecture decision 36).
 */
export function explainRefusal(ctx: Context, error: errors.OIDCProviderError): Refused {
  const oidc: KoaContextWithOIDC['oidc'] | undefined = ctx.oidc;
  const { error_description: description } = error;
  const clientId = oidc?.client?.clientId;
  const broken = findBroken(error);
  // The library names the client before it proves who it is, and says both in one way.
  const isStranger = error instanceof errors.InvalidClientAuth || broken?.isAuthentication === true;
  return {
    traceId: String(ctx.state.traceId).toLowerCase(),
    ...(clientId !== undefined && { clientId }),
    authenticated: oidc !== undefined && authenticates(oidc) && !isStranger,
    endpoint: oidc?.route ?? 'unknown',
    error: error.error,
    ...(description !== undefined && { description: redact(description) }),
    rules: [...traceRules(ctx, oidc, error, broken)],
  };
}

function findBroken(error: errors.OIDCProviderError): ProtocolRule | undefined {
  const { error: code, error_description: description = '', error_detail: detail = '' } = error;
  const text = `${code} ${detail} ${description}`;
  return (
    protocolRules.find((rule) => rule.codes?.includes(code)) ??
    protocolRules.find((rule) => rule.broken?.test(text))
  );
}

function* traceRules(
  ctx: Context,
  oidc: KoaContextWithOIDC['oidc'] | undefined,
  error: errors.OIDCProviderError,
  broken: ProtocolRule | undefined,
): Generator<RuleOutcome> {
  const { error: code, error_description: description = '', error_detail: detail = '' } = error;
  for (const rule of protocolRules.slice(0, broken && protocolRules.indexOf(broken))) {
    if (oidc && rule.met?.(oidc)) yield describe(rule, 'met');
  }
  const input = [broken?.parameter && describeInput(broken.parameter, read(ctx, broken.parameter))];
  const reason = detail && detail !== description ? redact(detail) : undefined;
  const told = [...input, reason].filter(Boolean).join('; ');
  yield {
    ...describe(broken ?? { rule: redact(description || code) }, 'not met'),
    ...(told && { input: told }),
  };
}

function describe(
  { rule, clause }: Pick<ProtocolRule, 'rule' | 'clause'>,
  outcome: RuleOutcome['outcome'],
): RuleOutcome {
  return { rule, ...(clause !== undefined && { clause }), outcome };
}

/** A parameter as the library read it, or else as it came. */
function read({ oidc, query }: Context, name: string): unknown {
  return oidc?.params?.[name] ?? oidc?.body?.[name] ?? query[name];
}
