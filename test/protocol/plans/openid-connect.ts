import { describe, expect, test } from '@jest/globals';
import * as core from '../rows/openid-connect.js';
import * as logout from '../rows/openid-logout.js';
import { discovery } from '../rows/openid-metadata.js';
import * as registration from '../rows/openid-registration.js';
import { includes, type OpenidRun, type OpenidVariant } from '../support/relying-party.js';
import type { Row } from '../support/walk.js';

type Flag = (variant: OpenidVariant) => boolean;
type Perform = Row<OpenidVariant, OpenidRun>['perform'];
type OpenidRow = Row<OpenidVariant, OpenidRun> & {
  /** False for what is deliberately not there; the row of discovery sees to it that it says so. */
  readonly offered: boolean;
};
type Entry = readonly [module: string, applies: Flag, perform: Perform | undefined];

const always: Flag = () => true;
const ifDynamic: Flag = ({ registration: how }) => how === 'dynamic';
const ifCode: Flag = (variant) => includes(variant, 'code');
const ifAccessToken: Flag = ({ responseType }) => responseType !== 'id_token';
/** Whether an ID token comes through the browser. */
const ifFront: Flag = (variant) => includes(variant, 'id_token');
const not =
  (flag: Flag): Flag =>
  (variant) =>
    !flag(variant);
const both =
  (...flags: readonly Flag[]): Flag =>
  (variant) =>
    flags.every((flag) => flag(variant));
const oneOf =
  (...types: readonly OpenidVariant['responseType'][]): Flag =>
  ({ responseType }) =>
    types.includes(responseType);

const notOffered = undefined;
const profile = ['name', 'family_name', 'given_name'];
const phone = ['phone_number', 'phone_number_verified'];
const email = ['email', 'email_verified'];
const all = [...profile, ...email, 'address', ...phone];

const coreRows: readonly Entry[] = [
  ['server', always, core.server],
  // Once for each plan.
  [
    'response-type-missing',
    oneOf('code', 'id_token token', 'code id_token'),
    core.responseTypeMissing,
  ],
  ['idtoken-signature', always, core.succeeds()],
  ['idtoken-unsigned', both(oneOf('code'), ifDynamic), notOffered],
  ['userinfo-get', ifAccessToken, core.userinfo('get')],
  ['userinfo-post-header', ifAccessToken, core.userinfo('header')],
  ['userinfo-post-body', ifAccessToken, core.userinfo('body')],
  [
    'ensure-request-without-nonce-succeeds-for-code-flow',
    not(ifFront),
    core.succeedsWith({ nonce: undefined }),
  ],
  [
    'ensure-request-without-nonce-fails',
    ifFront,
    core.refused({ nonce: undefined }, /^invalid_request$/),
  ],
  ['scope-profile', always, core.tells({ scope: 'openid profile' }, profile)],
  ['scope-email', always, core.tells({ scope: 'openid email' }, email)],
  ['scope-address', always, core.tells({ scope: 'openid address' }, ['address'])],
  ['scope-phone', always, core.tells({ scope: 'openid phone' }, phone)],
  ['scope-all', always, core.tells({ scope: 'openid profile email address phone' }, all)],
  [
    'ensure-other-scope-order-succeeds',
    not(oneOf('code token', 'code id_token token')),
    core.tells({ scope: 'email openid' }, email),
  ],
  ['display-page', always, core.succeedsWith({ display: 'page' })],
  ['display-popup', always, core.succeedsWith({ display: 'popup' })],
  ['prompt-login', always, core.signsInAgain({ prompt: 'login', max_age: '15000' })],
  [
    'prompt-none-not-logged-in',
    always,
    core.refused({ prompt: 'none' }, /^(login|interaction|consent|account_selection)_required$/),
  ],
  ['prompt-none-logged-in', always, core.staysSignedIn(() => ({ prompt: 'none' }))],
  ['max-age-1', always, core.signsInAgain({ max_age: '1' })],
  ['max-age-10000', always, core.staysSignedIn(() => ({ max_age: '10000' }))],
  [
    'ensure-request-with-unknown-parameter-succeeds',
    always,
    core.succeedsWith({ extra: 'foobar' }),
  ],
  [
    'id-token-hint',
    always,
    core.staysSignedIn(({ idToken }) => ({ prompt: 'none', id_token_hint: idToken })),
  ],
  ['login-hint', always, core.loginHint],
  ['ui-locales', always, core.succeedsWith({ ui_locales: 'se' })],
  ['claims-locales', always, core.succeedsWith({ claims_locales: 'se' })],
  ['ensure-request-with-acr-values-succeeds', always, core.succeedsWith({ acr_values: '1 2' })],
  ['codereuse', ifCode, core.codeUsedTwice(0)],
  ['codereuse-30seconds', ifCode, core.codeUsedTwice(30)],
  ['ensure-registered-redirect-uri', always, core.unregisteredRedirect],
  ['ensure-post-request-succeeds', oneOf('code'), core.posted],
  ['server-client-secret-post', ifCode, core.authenticated('client_secret_post')],
  [
    'request-uri-unsigned-supported-correctly-or-rejected-as-unsupported',
    ifDynamic,
    core.byReferenceRefused,
  ],
  [
    'unsigned-request-object-supported-correctly-or-rejected-as-unsupported',
    always,
    core.unsignedRefused,
  ],
  [
    'claims-essential',
    always,
    core.tells((place) => ({ claims: { [place]: { name: { essential: true } } } }), ['name']),
  ],
  ['ensure-request-object-with-redirect-uri', ifDynamic, core.signedRedirect],
  ['refresh-token', ifCode, core.refreshes],
  ['ensure-request-with-valid-pkce-succeeds', oneOf('code', 'code id_token'), core.withPkce],
];

const dynamicRows: readonly Entry[] = [
  [
    'idtoken-rs256',
    always,
    registration.registered(() => ({ id_token_signed_response_alg: 'RS256' })),
  ],
  ['idtoken-unsigned', not(ifFront), notOffered],
  ['userinfo-rs256', ifAccessToken, registration.signedUserinfo],
  ['ensure-redirect-uri-in-authorization-request', always, registration.withoutRedirect],
  ['redirect-uri-query-OK', always, registration.redirectWithQuery],
  [
    'redirect-uri-query-mismatch',
    always,
    registration.redirectWithOtherQuery('?foo=bar', '?bar=foo'),
  ],
  ['redirect-uri-query-added', always, registration.redirectWithOtherQuery('', '?foo=bar')],
  [
    'redirect-uri-regfrag',
    always,
    registration.notRegistered(
      ({ bank }) => ({ redirect_uris: [bank.at('/callback#foobar')] }),
      'invalid_redirect_uri',
    ),
  ],
  ['discovery-endpoint-verification', always, discovery],
  ['server', always, core.server],
  ['registration-logo-uri', always, registration.showsLogo],
  ['registration-policy-uri', always, registration.showsLink('policy_uri')],
  ['registration-tos-uri', always, registration.showsLink('tos_uri')],
  ['registration-jwks-uri', always, core.keysByAddress],
  ['registration-sector-uri', always, registration.inOneSector],
  [
    'registration-sector-bad',
    always,
    registration.notRegistered(
      registration.sector(({ bank }) => [bank.at('/another')]),
      'invalid_client_metadata',
    ),
  ],
  ['server-rotate-keys', always, registration.serverRotatesKeys],
  ['refresh-token-rp-key-rotation', ifCode, core.clientRotatesKeys],
  ['request-uri-unsigned', always, notOffered],
  ['request-uri-signed-rs256', always, notOffered],
  ['ensure-request-object-with-redirect-uri', always, core.signedRedirect],
  ['refresh-token', ifCode, core.refreshes],
  ['ensure-client-assertion-with-iss-aud-succeeds', ifCode, core.succeeds()],
];

const without =
  (...names: readonly string[]) =>
  (...given: Parameters<typeof logout.complete>) =>
    Object.fromEntries(
      Object.entries(logout.complete(...given)).filter(([name]) => !names.includes(name)),
    );

const rpInitiatedRows: readonly Entry[] = [
  ['-discovery-endpoint-verification', always, discovery],
  ['', always, logout.signsOut(logout.complete, 'with state')],
  [
    '-bad-post-logout-redirect-uri',
    always,
    logout.refusesToSignOut(logout.withRedirect('/elsewhere')),
  ],
  [
    '-query-added-to-post-logout-redirect-uri',
    always,
    logout.refusesToSignOut(logout.withRedirect('?foo=bar')),
  ],
  ['-modified-id-token-hint', always, logout.refusesToSignOut(logout.withHint(logout.modified))],
  ['-bad-id-token-hint', always, logout.refusesToSignOut(logout.withHint(() => 'not-a-token'))],
  ['-no-id-token-hint', always, logout.signsOut(without('id_token_hint'), 'no')],
  ['-no-params', always, logout.signsOut(() => ({}), 'no')],
  [
    '-no-post-logout-redirect-uri',
    always,
    logout.signsOut(without('post_logout_redirect_uri', 'state'), 'no'),
  ],
  ['-no-state', always, logout.signsOut(without('state'), 'without')],
  ['-only-state', always, logout.signsOut(() => ({ state: 'bye' }), 'no')],
];

const rows = (prefix: string, entries: readonly Entry[]): readonly OpenidRow[] =>
  entries.map(([module, applies, perform]) => ({
    module: `${prefix}${module}`,
    applies,
    offered: perform !== undefined,
    perform: perform ?? (() => Promise.reject(new Error('not offered'))),
  }));

/** `oidcc-{basic,implicit,hybrid}-certification-test-plan`, and those with `form_post`. */
export const corePlan = rows('oidcc-', coreRows);
/** `oidcc-dynamic-certification-test-plan`: clients with keys that register themselves. */
export const dynamicPlan = rows('oidcc-', dynamicRows);
/** `oidcc-config-certification-test-plan`. */
export const configPlan = rows('oidcc-', [['discovery-endpoint-verification', always, discovery]]);
export const rpInitiatedLogoutPlan = rows('oidcc-rp-initiated-logout', rpInitiatedRows);
export const backchannelLogoutPlan = rows('oidcc-backchannel-', [
  ['logout-discovery-endpoint-verification', always, discovery],
  ['rp-initiated-logout', always, logout.toldOnTheServer],
]);
export const frontchannelLogoutPlan = rows('oidcc-frontchannel-', [
  ['logout-discovery-endpoint-verification', always, discovery],
  ['rp-initiated-logout', always, logout.toldInFrame],
]);
/** Needs third-party cookies and scripts. */
export const sessionManagementPlan = rows('oidcc-session-management-', [
  ['discovery-endpoint-verification', always, notOffered],
  ['rp-initiated-logout', always, notOffered],
]);
export const thirdPartyLoginPlan = rows('oidcc-3rd_party-init-login', [
  [
    '',
    always,
    registration.registered(({ bank }) => ({ initiate_login_uri: bank.at('/initiate_login') })),
  ],
  [
    '-nonhttps',
    always,
    registration.notRegistered(
      () => ({ initiate_login_uri: 'http://application.example/initiate_login' }),
      'invalid_client_metadata',
    ),
  ],
]);

const base: OpenidVariant = {
  responseType: 'code',
  registration: 'dynamic',
  formPost: false,
  authentication: 'client_secret_basic',
};

/** Every response type given, with each way of being registered. */
export function variantsOf(
  responseTypes: readonly OpenidVariant['responseType'][],
  change: Partial<OpenidVariant> = {},
  ways: readonly OpenidVariant['registration'][] = ['dynamic', 'static'],
): readonly OpenidVariant[] {
  return responseTypes.flatMap((responseType) =>
    ways.map((way) => ({ ...base, responseType, registration: way, ...change })),
  );
}

/** Performs each row of a plan in each of its variants; a row that does not apply is skipped. */
export function walkOpenid(
  plan: string,
  planned: readonly OpenidRow[],
  variants: readonly OpenidVariant[],
  bank: () => OpenidRun['bank'],
): void {
  describe(plan, () => {
    for (const variant of variants) {
      describe(`${variant.responseType}, ${variant.registration} client`, () => {
        for (const { module, applies, offered, perform } of planned) {
          if (applies(variant) && offered) test(module, () => perform({ bank: bank(), variant }));
          else test.skip(module, () => {});
        }
      });
    }
  });
}

/** The test that a plan has as many modules as the public one: with dynamic and with static clients. */
export function expectModules(
  planned: readonly OpenidRow[],
  variants: readonly OpenidVariant[],
  expected: readonly number[],
): void {
  const counts = (['dynamic', 'static'] as const).map((way) =>
    variants
      .filter(({ registration: how }) => how === way)
      .map((variant) => planned.filter(({ applies }) => applies(variant)).length)
      .reduce((sum, count) => sum + count, 0),
  );
  expect(counts).toEqual(expected);
}
