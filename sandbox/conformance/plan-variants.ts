/** One run of a public plan: its name, its variant, and how its clients are registered. */
export type PlannedRun = FapiRun | CibaRun | OpenidRun;

interface Run {
  /** The file's name and the suite's alias; of no other run. */
  readonly slug: string;
  readonly plan: string;
  /** As the suite takes it; what the plan fixes itself is left out. */
  readonly variant: Readonly<Record<string, string>>;
}

/** A run whose clients ask for account data in a browser. */
export interface FapiRun extends Run {
  readonly kind: 'fapi';
  readonly profile: 'fapi2-security' | 'fapi2-message-signing' | 'fapi1-advanced';
  /** What the names of its modules begin with. */
  readonly prefix: string;
  readonly ecosystem: keyof typeof ecosystemShorts;
  readonly authentication: 'private_key_jwt' | 'mtls';
  readonly constraint: 'mtls' | 'dpop';
  readonly openid: boolean;
  readonly rar: boolean;
  readonly signed: boolean;
  readonly jarm: boolean;
}

/** A run whose clients ask for account data without a browser. */
export interface CibaRun extends Run {
  readonly kind: 'ciba';
  readonly authentication: 'private_key_jwt' | 'mtls';
  readonly mode: 'poll' | 'ping';
}

/** A run whose clients sign people in. */
export interface OpenidRun extends Run {
  readonly kind: 'openid';
  readonly registration: 'static_client' | 'dynamic_client';
  readonly responseTypes: readonly ResponseType[];
  /** Which addresses a static client is told of a session's end at. */
  readonly logout?: 'frontchannel' | 'backchannel' | undefined;
}

export type ResponseType =
  | 'code'
  | 'id_token'
  | 'id_token token'
  | 'code id_token'
  | 'code token'
  | 'code id_token token';

const ecosystemShorts = {
  plain_fapi: [],
  openbanking_uk: ['uk'],
  connectid_au: ['connectid'],
  consumerdataright_au: ['cdr'],
} as const;

const authentications = ['private_key_jwt', 'mtls'] as const;
const constraints = ['mtls', 'dpop'] as const;
const yesNo = [true, false] as const;
const shortNames = { private_key_jwt: 'key', mtls: 'mtls' } as const;

/** Every combination, in the order of the lists. */
function* combinations<One, Two>(
  ones: readonly One[],
  twos: readonly Two[],
): Generator<[One, Two]> {
  for (const one of ones) for (const two of twos) yield [one, two];
}

const clients = [...combinations(authentications, constraints)];

type Fapi2 = Pick<
  FapiRun,
  'authentication' | 'constraint' | 'openid' | 'rar' | 'ecosystem' | 'signed' | 'jarm'
>;

function fapi2Run(plan: 'security' | 'message-signing', run: Fapi2): FapiRun {
  const { authentication, constraint, openid, rar, ecosystem, signed, jarm } = run;
  const isMessageSigning = plan === 'message-signing';
  return {
    ...run,
    kind: 'fapi',
    profile: `fapi2-${plan}`,
    prefix: 'fapi2-security-profile-final',
    plan: isMessageSigning
      ? 'fapi2-message-signing-final-test-plan'
      : 'fapi2-security-profile-final-test-plan',
    slug: [
      isMessageSigning ? 'fapi2-ms' : 'fapi2-sp',
      ...ecosystemShorts[ecosystem],
      ...[shortNames[authentication], constraint, openid ? 'openid' : 'oauth'],
      ...(rar ? ['rar'] : []),
      ...(isMessageSigning ? [signed ? 'signed' : 'unsigned', jarm ? 'jarm' : 'plain'] : []),
    ].join('-'),
    variant: {
      fapi_profile: ecosystem,
      client_auth_type: authentication,
      sender_constrain: constraint,
      openid: openid ? 'openid_connect' : 'plain_oauth',
      authorization_request_type: rar ? 'rar' : 'simple',
      ...(isMessageSigning && {
        fapi_request_method: signed ? 'signed_non_repudiation' : 'unsigned',
        fapi_response_mode: jarm ? 'jarm' : 'plain_response',
      }),
    },
  };
}

const plain = { ecosystem: 'plain_fapi', signed: false, jarm: false, rar: false } as const;

const fapi2SecurityRuns = clients.flatMap(([authentication, constraint]) =>
  [...combinations(yesNo, yesNo)].map(([openid, rar]) =>
    fapi2Run('security', { ...plain, authentication, constraint, openid, rar }),
  ),
);

const fapi2MessageSigningRuns = clients.flatMap(([authentication, constraint]) =>
  [...combinations(yesNo, yesNo)].flatMap(([openid, jarm]) =>
    yesNo
      .filter((signed) => signed || jarm)
      .map((signed) =>
        fapi2Run('message-signing', { ...plain, authentication, constraint, openid, jarm, signed }),
      ),
  ),
);

const uk = { ...plain, ecosystem: 'openbanking_uk', constraint: 'mtls', openid: true } as const;

const openBankingUkRuns = authentications.flatMap((authentication) => [
  fapi2Run('security', { ...uk, authentication }),
  fapi2Run('message-signing', { ...uk, authentication, signed: true }),
]);

const australian = { ...uk, authentication: 'private_key_jwt' } as const;

const australianRuns = [
  fapi2Run('message-signing', { ...australian, ecosystem: 'connectid_au', signed: true }),
  fapi2Run('security', { ...australian, ecosystem: 'consumerdataright_au' }),
];

function fapi1Run(
  authentication: FapiRun['authentication'],
  { pushed, jarm, ecosystem }: Pick<FapiRun, 'jarm' | 'ecosystem'> & { readonly pushed: boolean },
): FapiRun {
  return {
    kind: 'fapi',
    profile: 'fapi1-advanced',
    prefix: 'fapi1-advanced-final',
    plan: 'fapi1-advanced-final-test-plan',
    slug: [
      'fapi1',
      ...ecosystemShorts[ecosystem],
      ...[shortNames[authentication], pushed ? 'pushed' : 'value', jarm ? 'jarm' : 'plain'],
    ].join('-'),
    variant: {
      fapi_profile: ecosystem,
      client_auth_type: authentication,
      fapi_auth_request_method: pushed ? 'pushed' : 'by_value',
      fapi_response_mode: jarm ? 'jarm' : 'plain_response',
    },
    ...{ authentication, ecosystem, jarm, constraint: 'mtls', openid: true },
    ...{ rar: false, signed: true },
  };
}

const fapi1Runs = authentications.flatMap((authentication) => [
  ...[...combinations(yesNo, yesNo)].map(([pushed, jarm]) =>
    fapi1Run(authentication, { pushed, jarm, ecosystem: 'plain_fapi' }),
  ),
  fapi1Run(authentication, { pushed: false, jarm: false, ecosystem: 'openbanking_uk' }),
]);

const fapi1CdrRuns = yesNo.map((pushed) =>
  fapi1Run('private_key_jwt', { pushed, jarm: true, ecosystem: 'consumerdataright_au' }),
);

const cibaRuns: readonly CibaRun[] = [
  ...combinations(authentications, ['poll', 'ping'] as const),
].map(([authentication, mode]) => ({
  kind: 'ciba',
  plan: 'fapi-ciba-id1-test-plan',
  slug: `fapi-ciba-${shortNames[authentication]}-${mode}`,
  variant: {
    fapi_ciba_profile: 'plain_fapi',
    ciba_mode: mode,
    client_auth_type: authentication,
    client_registration: 'static_client',
  },
  ...{ authentication, mode },
}));

const implicit = ['id_token', 'id_token token'] as const;
const hybrid = ['code id_token', 'code token', 'code id_token token'] as const;
const allTypes = ['code', ...implicit, ...hybrid] as const;
const registrations = ['dynamic_client', 'static_client'] as const;
const wayOf = { dynamic_client: 'dynamic', static_client: 'static' } as const;

const corePlans = [
  ['basic', ['code']],
  ['implicit', implicit],
  ['hybrid', hybrid],
  ['formpost-basic', ['code']],
  ['formpost-implicit', implicit],
  ['formpost-hybrid', hybrid],
] as const;

const coreRuns: readonly OpenidRun[] = corePlans.flatMap(([name, responseTypes]) =>
  registrations.map(
    (registration): OpenidRun => ({
      kind: 'openid',
      plan: `oidcc-${name}-certification-test-plan`,
      slug: `oidcc-${name}-${wayOf[registration]}`,
      variant: { server_metadata: 'discovery', client_registration: registration },
      ...{ registration, responseTypes },
    }),
  ),
);

const wordsOf = (type: ResponseType) => type.replaceAll(' ', '-').replaceAll('_', '');

const dynamicRuns: readonly OpenidRun[] = allTypes.map((type) => ({
  kind: 'openid',
  plan: 'oidcc-dynamic-certification-test-plan',
  slug: `oidcc-dynamic-${wordsOf(type)}`,
  variant: { response_type: type },
  registration: 'dynamic_client',
  responseTypes: [type],
}));

const logoutPlans = [
  ['rp-initiated-logout', undefined],
  ['frontchannel-rp-initiated-logout', 'frontchannel'],
  ['backchannel-rp-initiated-logout', 'backchannel'],
] as const;

const logoutRuns: readonly OpenidRun[] = logoutPlans.flatMap(([name, logout]) =>
  registrations.map(
    (registration): OpenidRun => ({
      kind: 'openid',
      plan: `oidcc-${name}-certification-test-plan`,
      slug: `oidcc-${name}-${wayOf[registration]}`,
      variant: { response_type: 'code', client_registration: registration },
      ...{ registration, logout, responseTypes: ['code'] },
    }),
  ),
);

const otherOpenidRuns: readonly OpenidRun[] = [
  {
    kind: 'openid',
    plan: 'oidcc-config-certification-test-plan',
    slug: 'oidcc-config',
    variant: {},
    registration: 'dynamic_client',
    responseTypes: ['code'],
  },
  {
    kind: 'openid',
    plan: 'oidcc-3rdparty-init-login-certification-test-plan',
    slug: 'oidcc-3rdparty-init-login',
    variant: { response_type: 'code' },
    registration: 'dynamic_client',
    responseTypes: ['code'],
  },
];

/** Every plan that applies to a bank of ours, in each variant that it offers. */
export const plannedRuns: readonly PlannedRun[] = [
  ...fapi2SecurityRuns,
  ...fapi2MessageSigningRuns,
  ...openBankingUkRuns,
  ...australianRuns,
  ...fapi1Runs,
  ...fapi1CdrRuns,
  ...cibaRuns,
  ...otherOpenidRuns,
  ...coreRuns,
  ...dynamicRuns,
  ...logoutRuns,
];
