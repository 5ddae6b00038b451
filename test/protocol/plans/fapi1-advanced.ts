import * as requests from '../rows/authorization-requests.js';
import * as assertions from '../rows/client-assertions.js';
import * as codes from '../rows/codes.js';
import * as ecosystems from '../rows/ecosystems.js';
import * as front from '../rows/front-channel.js';
import { discovery } from '../rows/metadata.js';
import * as pushed from '../rows/pushed-requests.js';
import * as objects from '../rows/request-objects.js';
import {
  always,
  type Flag,
  ifByValue,
  ifOpenBankingUk,
  ifOther,
  ifPrivateKeyJwt,
  ifPushed,
  type Row,
} from '../support/walk.js';

type Perform = Row['perform'];

const elsewhere: Perform = () => Promise.reject(new Error('needs a directory of its own'));
const ifPushedWithKey: Flag = (variant) => ifPushed(variant) && ifPrivateKeyJwt(variant);
const { claims } = objects;

const rows: readonly (readonly [module: string, applies: Flag, perform: Perform])[] = [
  ['discovery-end-point-verification', always, discovery],
  ['', always, requests.happyFlow],
  ['user-rejects-authentication', always, requests.rejected],
  [
    'ensure-request-object-with-multiple-aud-succeeds',
    always,
    objects.accepted(claims.severalAudiences),
  ],
  ['ensure-authorization-request-without-state-success', always, requests.withoutState],
  ['ensure-valid-pkce-succeeds', ifByValue, front.withPkce],
  ['ensure-other-scope-order-succeeds', always, requests.otherScopeOrder],
  ['access-token-type-header-case-sensitivity', always, requests.schemeCase],
  ['ensure-response-mode-query', always, requests.refused({ response_mode: 'query' })],
  [
    'ensure-different-nonce-inside-and-outside-request-object',
    always,
    requests.differentNonceOutside,
  ],
  ['ensure-registered-redirect-uri', always, requests.unregisteredRedirect],
  ['ensure-request-object-with-long-nonce', always, requests.withNonceOf(384)],
  ['ensure-request-object-with-64-char-nonce-success', always, requests.withNonceOf(64)],
  ['ensure-request-object-with-long-state', always, requests.withStateOf(384)],
  ['ensure-request-object-without-exp-fails', always, objects.refused(claims.without('exp'))],
  ['ensure-request-object-without-nbf-fails', always, objects.refused(claims.without('nbf'))],
  ['ensure-request-object-without-scope-fails', always, objects.refused(claims.without('scope'))],
  ['state-only-outside-request-object-not-used', always, requests.stateOnlyOutside],
  ['ensure-request-object-without-nonce-fails', always, objects.refused(claims.without('nonce'))],
  [
    'ensure-request-object-without-redirect-uri-fails',
    always,
    objects.refused(claims.without('redirect_uri')),
  ],
  ['ensure-expired-request-object-fails', always, objects.refused(claims.expired)],
  ['ensure-request-object-with-bad-aud-fails', always, objects.refused(claims.forAnotherServer)],
  [
    'ensure-request-object-with-exp-over-60-fails',
    always,
    objects.refused(claims.livingOverAnHour),
  ],
  [
    'ensure-request-object-with-nbf-over-60-fails',
    always,
    objects.refused(claims.madeOverAnHourAgo),
  ],
  [
    'ensure-signed-request-object-with-RS256-fails',
    always,
    objects.signedBy(({ first }) => first.weakKeys),
  ],
  ['ensure-request-object-signature-algorithm-is-not-none', always, objects.signedByNobody],
  ['ensure-request-object-with-invalid-signature-fails', always, objects.brokenSignature],
  [
    'ensure-matching-key-in-authorization-request',
    always,
    objects.signedBy(({ second }) => second.keys),
  ],
  ['ensure-authorization-request-without-request-object-fails', always, front.withoutRequestObject],
  [
    'ensure-redirect-uri-in-authorization-request',
    always,
    requests.refused({ redirect_uri: undefined }, /^invalid_request/),
  ],
  [
    'ensure-response-type-code-fails',
    always,
    requests.refused(
      { response_type: 'code', response_mode: undefined },
      /^(invalid_request|unsupported_response_type)/,
    ),
  ],
  ['ensure-client-id-in-token-endpoint', always, codes.underAnotherName],
  ['ensure-mtls-holder-of-key-required', always, codes.withoutHolderOfKey],
  ['ensure-authorization-code-is-bound-to-client', always, codes.ofAnotherClient],
  ['attempt-reuse-authorisation-code-after-one-second', always, codes.usedTwice],
  ['ensure-signed-client-assertion-with-RS256-fails', ifPrivateKeyJwt, assertions.signedWithRs256],
  ['ensure-client-assertion-in-token-endpoint', ifPrivateKeyJwt, assertions.missing],
  [
    'ensure-client-assertion-with-exp-is-5-minutes-in-past-fails',
    ifPrivateKeyJwt,
    assertions.refusedAtToken(assertions.claims.expired),
  ],
  [
    'ensure-client-assertion-with-wrong-aud-fails',
    ifPrivateKeyJwt,
    assertions.refusedAtToken(assertions.claims.forSomebodyElse),
  ],
  [
    'ensure-client-assertion-with-no-sub-fails',
    ifPrivateKeyJwt,
    assertions.refusedAtToken(assertions.claims.withoutSubject),
  ],
  [
    'ensure-client-assertion-with-wrong-iss-fails',
    ifPrivateKeyJwt,
    assertions.refusedAtToken(assertions.claims.ofAnotherIssuer),
  ],
  [
    'ensure-client-assertion-with-wrong-sub-fails',
    ifPrivateKeyJwt,
    assertions.refusedAtToken(assertions.claims.ofAnotherSubject),
  ],
  [
    'ensure-client-assertion-with-iss-aud-succeeds',
    ifPrivateKeyJwt,
    assertions.acceptedAtToken(assertions.claims.forIssuer),
  ],
  ['refresh-token', always, codes.refreshed],
  ['ensure-server-handles-non-matching-intent-id', ifOpenBankingUk, ecosystems.intentOfAnother],
  ['test-essential-acr-sca-claim', ifOpenBankingUk, ecosystems.essentialStrongAuthentication],
  ['brazil-ensure-encryption-required', ifOther, elsewhere],
  ['brazil-ensure-bad-payment-signature-fails', ifOther, elsewhere],
  [
    'par-ensure-reused-request-uri-prior-to-auth-completion-succeeds',
    ifPushed,
    pushed.visitedTwiceBeforeTheEnd,
  ],
  ['par-attempt-reuse-request_uri', ifPushed, pushed.reusedAfterTheEnd],
  ['par-attempt-to-use-expired-request_uri', ifPushed, pushed.expired],
  [
    'par-test-pushed-authorization-url-as-audience-for-client-JWT-assertion',
    ifPushedWithKey,
    assertions.acceptedAtPush(assertions.claims.forPushEndpoint),
  ],
  [
    'par-token-endpoint-url-as-audience-for-client-JWT-assertion',
    ifPushedWithKey,
    assertions.acceptedAtPush(assertions.claims.forTokenEndpoint),
  ],
  [
    'test-array-as-audience-for-client-JWT-assertion',
    ifPrivateKeyJwt,
    assertions.acceptedAtToken(assertions.claims.forList),
  ],
  [
    'par-ensure-client-assertion-with-wrong-aud-fails',
    ifPushedWithKey,
    assertions.refusedAtPush(assertions.claims.forSomebodyElse),
  ],
  [
    'par-ensure-client-assertion-with-wrong-iss-fails',
    ifPushedWithKey,
    assertions.refusedAtPush(assertions.claims.ofAnotherIssuer),
  ],
  [
    'par-ensure-client-assertion-with-wrong-sub-fails',
    ifPushedWithKey,
    assertions.refusedAtPush(assertions.claims.ofAnotherSubject),
  ],
  ['par-attempt-to-use-request_uri-for-different-client', ifPushed, pushed.ofAnotherClient],
  ['par-authorization-request-containing-request_uri-form-param', ifPushed, pushed.withRequestUri],
  ['par-attempt-invalid-http-method', ifPushed, pushed.byAnotherVerb],
  [
    'par-ensure-pkce-required',
    ifPushed,
    requests.refused({ code_challenge: undefined, code_challenge_method: undefined }, /^invalid_/),
  ],
  ['ensure-pkce-code-verifier-required', ifPushed, codes.withoutVerifier],
  ['incorrect-pkce-code-verifier-rejected', ifPushed, codes.withAnotherVerifier],
  [
    'par-plain-pkce-rejected',
    ifPushed,
    requests.refused({ code_challenge_method: 'plain' }, /^invalid_/),
  ],
  [
    'par-pushed-authorization-url-as-audience-in-request-object',
    ifPushed,
    objects.refused(claims.forPushEndpoint),
  ],
  ['par-attempt-invalid-redirect_uri', ifPushed, requests.unregisteredRedirect],
  [
    'par-authorization-request-containing-request_uri',
    ifPushed,
    objects.refused(claims.withRequestUri),
  ],
  ['par-without-duplicate-parameters', ifPushed, requests.withoutDuplicates],
];

/** `fapi1-advanced-final-*`; the module without a name of its own is the flow from end to end. */
export const fapi1AdvancedPlan: readonly Row[] = rows.map(([name, applies, perform]) => ({
  module: name === '' ? '(happy flow)' : name,
  applies,
  perform,
}));
