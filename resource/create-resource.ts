import type { Configuration } from 'openid-client';
import type { ReplayStore } from './access-token.js';
import { createDpopNonces } from './dpop-nonces.js';
import { createGuard } from './guard.js';
import { createIntrospectedTokens, type IntrospectedFacts } from './introspected-tokens.js';
import { createMemoryReplays } from './memory-replays.js';
import { createProtect, type Protect, type ProtectOptions } from './protect.js';

export interface ResourceOptions extends ProtectOptions {
  /** The issuer, discovered by `openid-client`, and this resource as one of its clients. */
  readonly issuer: Configuration;
  /** What tokens must be for (RFC 8707); those that the issuer names no audience of are refused. */
  readonly audience?: string;
  /** Lets tokens in that are bound to neither a certificate nor a key: whoever has one may use it. */
  readonly acceptUnbound?: boolean;
  /** Where used DPoP proofs are remembered; in this process alone by default. */
  readonly replays?: ReplayStore;
  /** Where given, DPoP proofs must carry a nonce made with it (RFC 9449 §9); 32 bytes or more. */
  readonly nonceSecret?: Uint8Array;
  /** Told why calls are answered with 503, for the log; by default a warning of the process. */
  readonly onOutage?: (cause: unknown) => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/**
 * Protects an API with the tokens of an issuer: middleware for Koa and Express that checks all that
 * RFC 6750, RFC 8705, RFC 9449, RFC 9470 and FAPI ask of a resource. See `docs/resource.md`.
 */
export function createResource(options: ResourceOptions): Protect<IntrospectedFacts> {
  const { issuer, audience, nonceSecret, onOutage = warn, now = Date.now } = options;
  const guard = createGuard({
    tokens: createIntrospectedTokens(issuer, { audience, onOutage, now }),
    replays: options.replays ?? createMemoryReplays(now),
    nonces: nonceSecret && createDpopNonces(nonceSecret, now),
    requiresBinding: !options.acceptUnbound,
    now,
  });
  return createProtect(guard, options);
}

function warn(cause: unknown): void {
  process.emitWarning(`the issuer did not say what an access token is: ${cause}`);
}
