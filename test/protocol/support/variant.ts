/** What a certification plan is run with: how its clients are registered, and how they ask. */
export interface Variant {
  readonly profile: 'fapi2-security' | 'fapi2-message-signing' | 'fapi1-advanced';
  /** At a bank of ours a request of either names an intent, or authorization details. */
  readonly ecosystem: 'plain_fapi' | 'openbanking_uk' | 'connectid_au';
  readonly authentication: 'private_key_jwt' | 'mtls';
  readonly constraint: 'mtls' | 'dpop';
  /** Without, the scope `openid` is not asked for, and what is shared is asked for in RAR. */
  readonly openid: boolean;
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
  request: 'signed',
};

/** As a line of the table says it. */
export function nameOf(variant: Variant): string {
  const { profile, ecosystem, authentication, constraint, openid, request } = variant;
  const words = profile.startsWith('fapi2')
    ? [constraint, openid ? 'openid_connect' : 'plain_oauth (rar)', request]
    : [variant.transport];
  return [ecosystem, authentication, ...words, variant.response].join(' ');
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
