/** What a certification plan is run with: how its clients are registered, and how they ask. */
export interface Variant {
  readonly profile: 'fapi2-security' | 'fapi2-message-signing' | 'fapi1-advanced';
  /** In UK Open Banking a request names an intent; plain FAPI knows none. */
  readonly ecosystem: 'plain_fapi' | 'openbanking_uk' | 'connectid_au' | 'consumerdataright_au';
  readonly authentication: 'private_key_jwt' | 'mtls';
  readonly constraint: 'mtls' | 'dpop';
  /** Without, the scope `openid` is not asked for. */
  readonly openid: boolean;
  /** The plan's `authorization_request_type`: scopes alone, or authorization details beside them. */
  readonly asks: 'simple' | 'rar';
  /** What the tester configures as `resource.resourceUrl`, with the scopes that it needs. */
  readonly resource: 'accounts' | 'userinfo';
  readonly request: 'unsigned' | 'signed';
  readonly transport: 'pushed' | 'by_value';
  readonly response: 'plain' | 'jarm';
}

export const fapi2: Variant = {
  profile: 'fapi2-security',
  ecosystem: 'plain_fapi',
  authentication: 'private_key_jwt',
  constraint: 'dpop',
  openid: true,
  asks: 'simple',
  resource: 'accounts',
  request: 'unsigned',
  transport: 'pushed',
  response: 'plain',
};

export const fapi1: Variant = {
  ...fapi2,
  profile: 'fapi1-advanced',
  constraint: 'mtls',
  request: 'signed',
};

/** ConnectID's only one. */
export const connectId: Variant = {
  ...fapi2,
  profile: 'fapi2-message-signing',
  ecosystem: 'connectid_au',
  constraint: 'mtls',
  resource: 'userinfo',
  request: 'signed',
};

/** What the Consumer Data Right has of both generations. */
export const consumerDataRight = {
  ecosystem: 'consumerdataright_au',
  constraint: 'mtls',
} as const satisfies Partial<Variant>;

/** As a line of the table says it. */
export function nameOf(variant: Variant): string {
  const { profile, ecosystem, authentication, constraint, openid, request } = variant;
  const words = profile.startsWith('fapi2')
    ? [constraint, openid ? 'openid_connect' : 'plain_oauth', variant.asks, request]
    : [variant.transport];
  return [ecosystem, authentication, ...words, variant.response, variant.resource].join(' ');
}

/** Every combination of the values given, in the order of the members. */
export function combine(
  base: Variant,
  axes: { readonly [Member in keyof Variant]?: readonly Variant[Member][] },
): readonly Variant[] {
  let variants: readonly Variant[] = [base];
  for (const [member, values] of Object.entries(axes)) {
    variants = variants.flatMap((variant) =>
      values.map((value) => ({ ...variant, [member]: value })),
    );
  }
  return variants;
}
