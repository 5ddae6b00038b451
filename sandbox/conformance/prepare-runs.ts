import type { ClientMetadata } from '../../core/clients.js';
import { subjectOf } from '../certificate-authority.js';
import { publicJwk } from '../client-keys.js';
import { fapiVisits, openidVisits, type VisitedPlaces } from './browser-visits.js';
import type { PlanClient, PlanDocument } from './plan-document.js';
import type { PlanIdentity } from './plan-identities.js';
import type { CibaRun, FapiRun, OpenidRun, PlannedRun } from './plan-variants.js';

/** The banks' origins, and where the demo person's phone is asked to decide. */
export interface ConformanceUrls {
  /** The bank whose clients ask for account data. */
  readonly bank: string;
  readonly bankMtls: string;
  /** The bank whose customers sign in to applications. */
  readonly signOn: string;
  readonly signOnMtls: string;
  readonly phone: string;
}

export interface PreparationDeps {
  readonly urls: ConformanceUrls;
  /** Of the suite, with a trailing slash. */
  readonly suite: string;
  readonly identities: { readonly first: PlanIdentity; readonly second: PlanIdentity };
  /** A customer of both banks. */
  readonly person: Pick<VisitedPlaces, 'login' | 'password'>;
  /** What their phone always shows. */
  readonly code: string;
}

/** A run that can begin: its configuration, and the clients to register for it. */
export interface PreparedRun {
  readonly run: PlannedRun;
  readonly document: PlanDocument;
  readonly clients: readonly ClientMetadata[];
}

const api = '/open-banking/v3.1/aisp';

/** What the Consumer Data Right has of its own: an API, with a version of its calls. */
const consumerData = {
  scope: 'bank:accounts.basic:read',
  path: '/cds-au/v1/banking/accounts',
  version: '2',
};
const accountDetail = {
  type: 'account_information',
  actions: ['list_accounts', 'read_balances'],
};

/** The configuration of a run, in the suite's words, and the clients that are in it. */
export function prepareRun(run: PlannedRun, deps: PreparationDeps): PreparedRun {
  if (run.kind === 'fapi') return prepareFapi(run, deps);
  if (run.kind === 'ciba') return prepareCiba(run, deps);
  return prepareOpenid(run, deps);
}

const aliasOf = ({ slug }: PlannedRun) => `assent-${slug}`;

function commonOf(run: PlannedRun, issuer: string) {
  const words = Object.values(run.variant).join(', ');
  return {
    alias: aliasOf(run),
    description: `Assent: ${run.plan}${words === '' ? '' : ` (${words})`}`,
    server: { discoveryUrl: `${issuer}/oidc/.well-known/openid-configuration` },
  };
}

/** Both clients of a run come back to either address. */
function addressesOf(run: PlannedRun, suite: string) {
  const home = `${suite}test/a/${aliasOf(run)}/`;
  return {
    home,
    redirects: [`${home}callback`, `${home}callback?dummy1=lorem&dummy2=ipsum`],
  };
}

/** How a client of the suite proves who it is. */
function proofOf(
  { name, jwk }: PlanIdentity,
  authentication: 'private_key_jwt' | 'mtls',
): Partial<ClientMetadata> {
  return {
    jwks: { keys: [publicJwk(jwk)] },
    ...(authentication === 'mtls'
      ? {
          token_endpoint_auth_method: 'tls_client_auth',
          tls_client_auth_subject_dn: subjectOf(name),
        }
      : { token_endpoint_auth_method: 'private_key_jwt' }),
  };
}

/** The resource of a run, and the scopes that open it. */
function resourceOf(run: FapiRun, origin: string) {
  const { ecosystem, openid, rar } = run;
  const words = openid ? ['openid'] : [];
  // Who somebody is: the suite asks UserInfo by itself.
  if (ecosystem === 'connectid_au') {
    return { scope: words.join(' '), resource: { resourceUrl: `${origin}/oidc/userinfo` } };
  }
  if (ecosystem === 'consumerdataright_au') {
    const { scope, path, version } = consumerData;
    return {
      scope: [...words, scope].join(' '),
      resource: { resourceUrl: `${origin}${path}`, cdrVersion: version },
    };
  }
  const resourceUrl = `${origin}${api}/accounts`;
  return {
    scope: [...words, ...(rar && !openid ? [] : ['accounts'])].join(' '),
    resource: {
      resourceUrl,
      ...(ecosystem === 'openbanking_uk' && {
        resourceUrlAccountRequests: `${origin}${api}/account-access-consents`,
        resourceUrlAccountsResource: resourceUrl,
      }),
      ...(rar && { richAuthorizationRequest: [accountDetail] }),
    },
  };
}

/** What an ecosystem wants of a client besides. */
function membershipOf(run: FapiRun): Partial<ClientMetadata> {
  if (run.ecosystem === 'connectid_au') {
    return { ecosystem: 'connectid-au', subject_type: 'pairwise' };
  }
  if (run.ecosystem === 'consumerdataright_au') {
    return {
      ecosystem: 'consumer-data-right-au',
      subject_type: 'pairwise',
      id_token_encrypted_response_alg: 'RSA-OAEP-256',
      id_token_encrypted_response_enc: 'A256GCM',
    };
  }
  return {};
}

function prepareFapi(run: FapiRun, deps: PreparationDeps): PreparedRun {
  const { urls, identities, suite, person, code } = deps;
  const { first, second } = identities;
  const { home, redirects } = addressesOf(run, suite);
  const { profile, authentication, constraint, signed, jarm } = run;
  const isFapi1 = profile === 'fapi1-advanced';
  const isArrangement = run.ecosystem === 'consumerdataright_au';
  const isHybrid = isFapi1 && !isArrangement;
  const usesDpop = constraint === 'dpop';
  // Where nothing needs a certificate, the suite shows none.
  const needsCertificate = authentication === 'mtls' || !usesDpop;
  const { scope, resource } = resourceOf(run, needsCertificate ? urls.bankMtls : urls.bank);
  const keysOf = ({ jwk, encryption }: PlanIdentity) => [
    jwk,
    ...(isArrangement ? [encryption] : []),
  ];

  const clientOf = (identity: PlanIdentity): ClientMetadata => ({
    client_id: `${run.slug}-${identity.name}`,
    client_name: `Certification ${identity === first ? 'one' : 'two'}`,
    profile,
    grant_types: [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      ...(isHybrid ? ['implicit'] : []),
    ],
    response_types: isHybrid ? ['code', 'code id_token'] : ['code'],
    redirect_uris: redirects,
    authorization_details_types: ['account_information'],
    id_token_signed_response_alg: 'PS256',
    tls_client_certificate_bound_access_tokens: !usesDpop,
    dpop_bound_access_tokens: usesDpop,
    ...(profile === 'fapi2-message-signing' && {
      require_signed_request_object: signed,
      ...(jarm ? {} : { response_modes: ['query'] }),
    }),
    ...(jarm && { authorization_signed_response_alg: 'PS256' }),
    ...membershipOf(run),
    ...proofOf(identity, authentication),
    jwks: { keys: keysOf(identity).map(publicJwk) },
  });
  const shown = (identity: PlanIdentity): PlanClient => ({
    client_id: `${run.slug}-${identity.name}`,
    scope,
    jwks: { keys: keysOf(identity) },
    ...(usesDpop && { dpop_signing_alg: 'ES256' }),
  });
  // FAPI 1.0's plan asks for whatever strength discovery offers, as the United Kingdom's do.
  const mayAskCode = isFapi1 || run.ecosystem === 'openbanking_uk';

  return {
    run,
    clients: [clientOf(first), clientOf(second)],
    document: {
      ...commonOf(run, urls.bank),
      client: shown(first),
      client2: shown(second),
      ...(needsCertificate && { mtls: first.certificate, mtls2: second.certificate }),
      resource,
      ...fapiVisits(
        { ...person, origin: urls.bank, suite: home, ...(mayAskCode && { code }) },
        run.prefix,
      ),
    },
  };
}

function prepareCiba(run: CibaRun, deps: PreparationDeps): PreparedRun {
  const { urls, identities, suite, person } = deps;
  const { first, second } = identities;
  const { home } = addressesOf(run, suite);
  const scope = 'openid accounts';
  const idOf = ({ name }: PlanIdentity) => `${run.slug}-${name}`;
  const clientOf = (identity: PlanIdentity): ClientMetadata => ({
    client_id: idOf(identity),
    client_name: `Certification ${identity === first ? 'one' : 'two'}`,
    profile: 'fapi-ciba',
    grant_types: ['urn:openid:params:grant-type:ciba', 'refresh_token', 'client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope,
    id_token_signed_response_alg: 'PS256',
    backchannel_authentication_request_signing_alg: 'PS256',
    backchannel_token_delivery_mode: run.mode,
    ...(run.mode === 'ping' && {
      backchannel_client_notification_endpoint: `${home}ciba-notification-endpoint`,
    }),
    tls_client_certificate_bound_access_tokens: true,
    ...proofOf(identity, run.authentication),
  });
  const shown = (identity: PlanIdentity): PlanClient => ({
    client_id: idOf(identity),
    scope,
    jwks: { keys: [identity.jwk] },
    hint_type: 'login_hint',
    hint_value: person.login,
  });
  return {
    run,
    clients: [clientOf(first), clientOf(second)],
    document: {
      ...commonOf(run, urls.bank),
      client: shown(first),
      client2: { ...shown(second), acr_value: 'urn:openbanking:psd2:ca' },
      mtls: first.certificate,
      mtls2: second.certificate,
      resource: { resourceUrl: `${urls.bankMtls}${api}/accounts` },
      automated_ciba_approval_url: `${urls.phone}/ciba-decide?auth_req_id={auth_req_id}&action={action}`,
      browser: [],
    },
  };
}

function prepareOpenid(run: OpenidRun, deps: PreparationDeps): PreparedRun {
  const { urls, identities, suite, person } = deps;
  const { first, second } = identities;
  const { home, redirects } = addressesOf(run, suite);
  const { server, ...common } = commonOf(run, urls.signOn);
  const visits = openidVisits({ ...person, origin: urls.signOn, suite: home });
  const document = {
    ...common,
    ...visits,
    server: { ...server, login_hint: person.login },
  };
  if (run.registration === 'dynamic_client') {
    const named = (word: string): PlanClient => ({ client_name: `Certification ${word}` });
    return {
      run,
      clients: [],
      document: { ...document, client: named('one'), client2: named('two') },
    };
  }
  const hasImplicit = run.responseTypes.some((type) => type !== 'code');
  const clientOf = (
    { name, jwk, secret }: PlanIdentity,
    method: 'client_secret_basic' | 'client_secret_post',
  ): ClientMetadata => ({
    client_id: `${run.slug}-${name}${method === 'client_secret_post' ? '-post' : ''}`,
    client_secret: secret,
    client_name: `Certification ${name === first.name ? 'one' : 'two'}`,
    profile: 'openid-connect',
    grant_types: ['authorization_code', 'refresh_token', ...(hasImplicit ? ['implicit'] : [])],
    response_types: run.responseTypes,
    redirect_uris: redirects,
    post_logout_redirect_uris: [`${home}post_logout_redirect`],
    token_endpoint_auth_method: method,
    id_token_signed_response_alg: 'RS256',
    jwks: { keys: [publicJwk(jwk)] },
    ...(run.logout === 'frontchannel' && {
      frontchannel_logout_uri: `${home}frontchannel_logout`,
      frontchannel_logout_session_required: true,
    }),
    ...(run.logout === 'backchannel' && {
      backchannel_logout_uri: `${home}backchannel_logout`,
      backchannel_logout_session_required: true,
    }),
  });
  const clients = [
    clientOf(first, 'client_secret_basic'),
    clientOf(second, 'client_secret_basic'),
    clientOf(first, 'client_secret_post'),
  ];
  const [client, client2, client_secret_post] = clients.map(
    ({ client_id, client_secret }): PlanClient => ({
      client_id,
      ...(client_secret !== undefined && { client_secret }),
    }),
  );
  return {
    run,
    clients,
    document: {
      ...document,
      client: { ...client, jwks: { keys: [first.jwk] } },
      client2: { ...client2, jwks: { keys: [second.jwk] } },
      ...(client_secret_post && { client_secret_post }),
    },
  };
}
