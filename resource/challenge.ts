export const schemes = ['Bearer', 'DPoP'] as const;
export type Scheme = (typeof schemes)[number];

export const dpopAlgorithms = ['ES256', 'PS256', 'EdDSA', 'Ed25519'];

/** One challenge of `WWW-Authenticate` (RFC 9110 §11.6.1). */
export interface Challenge {
  readonly scheme: Scheme;
  /** RFC 6750 §3.1, RFC 9449 §7.1 and §9, RFC 9470 §3; absent where no token came at all. */
  readonly error?:
    | 'invalid_request'
    | 'invalid_token'
    | 'insufficient_scope'
    | 'invalid_dpop_proof'
    | 'use_dpop_nonce'
    | 'insufficient_user_authentication'
    | undefined;
  readonly scope?: string | undefined;
  readonly acrValues?: string | undefined;
  readonly maxAge?: number | undefined;
}

/** @param description one sentence without quotes or backslashes. */
export function describeChallenge(challenge: Challenge, description: string): string {
  const { scheme, error, scope, acrValues, maxAge } = challenge;
  const parameters = [
    ...(error ? [`error="${error}"`, `error_description="${description}"`] : []),
    ...(scope === undefined ? [] : [`scope="${scope}"`]),
    ...(acrValues === undefined ? [] : [`acr_values="${acrValues}"`]),
    ...(maxAge === undefined ? [] : [`max_age="${maxAge}"`]),
    ...(scheme === 'DPoP' ? [`algs="${dpopAlgorithms.join(' ')}"`] : []),
  ];
  return [scheme, parameters.join(', ')].filter(Boolean).join(' ');
}
