import * as requests from '../rows/authorization-requests.js';
import * as assertions from '../rows/client-assertions.js';
import * as codes from '../rows/codes.js';
import * as dpop from '../rows/dpop.js';
import * as ecosystems from '../rows/ecosystems.js';
import { discovery } from '../rows/metadata.js';
import * as pushed from '../rows/pushed-requests.js';
import * as objects from '../rows/request-objects.js';
import {
  always,
  type Flag,
  ifConnectId,
  ifDpop,
  ifOpenBankingUk,
  ifOpenid,
  ifOther,
  ifPlainFapi,
  ifPrivateKeyJwt,
  ifSigned,
  type Row,
} from '../support/walk.js';

type Perform = Row['perform'];

/** Of an ecosystem whose directory is not ours to run. */
const elsewhere: Perform = () => Promise.reject(new Error('needs a directory of its own'));

/** Where ConnectID has a module of its own, or none. */
const ifOthersOf =
  (flag: Flag): Flag =>
  (variant) =>
    flag(variant) && !ifConnectId(variant);
const ifEcosystem: Flag = (variant) => !ifPlainFapi(variant);

const rows: readonly (readonly [module: string, applies: Flag, perform: Perform])[] = [
  ['discovery-end-point-verification', always, discovery],
  ['happy-flow', always, requests.happyFlow],
  ['user-rejects-authentication', always, requests.rejected],
  [
    'ensure-request-object-with-multiple-aud-succeeds',
    ifSigned,
    objects.accepted(objects.claims.severalAudiences),
  ],
  ['ensure-authorization-request-without-state-success', always, requests.withoutState],
  ['ensure-authorization-request-without-nonce-success', ifOpenid, requests.withoutNonce],
  ['ensure-authorization-request-with-64-char-nonce-success', ifOpenid, requests.withNonceOf(64)],
  ['ensure-other-scope-order-succeeds', ifOthersOf(ifOpenid), requests.otherScopeOrder],
  ['test-claims-parameter-identity-claims', ifOpenid, requests.claimsAreReturned],
  ['access-token-type-header-case-sensitivity', always, requests.schemeCase],
  [
    'ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted',
    ifSigned,
    objects.accepted(objects.claims.nbfAhead),
  ],
  ['check-dpop-proof-nbf-exp', ifDpop, dpop.withNbfAndExp],
  ['ensure-dpopproof-with-iat-10seconds-before-succeeds', ifDpop, dpop.madeBefore(-10)],
  ['ensure-dpopproof-with-iat-10seconds-after-succeeds', ifDpop, dpop.madeBefore(10)],
  ['ensure-mismatched-dpop-jkt-fails', ifDpop, dpop.mismatchAtPush],
  ['ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt', ifDpop, dpop.bound.byProofStolen],
  ['ensure-token-endpoint-fails-with-mismatched-dpop-jkt', ifDpop, dpop.bound.byThumbprintStolen],
  ['ensure-dpopproof-at-par-endpoint-binding-success', ifDpop, dpop.bound.byProof],
  ['ensure-dpop-auth-code-binding-success', ifDpop, dpop.bound.byThumbprint],
  [
    'ensure-different-nonce-inside-and-outside-request-object',
    ifOpenid,
    requests.differentNonceOutside,
  ],
  [
    'ensure-different-state-inside-and-outside-request-object',
    always,
    requests.differentStateOutside,
  ],
  ['ensure-authorization-request-with-long-nonce', ifOpenid, requests.withNonceOf(384)],
  ['ensure-authorization-request-with-long-state', always, requests.withStateOf(384)],
  [
    'ensure-request-object-without-exp-fails',
    ifSigned,
    objects.refused(objects.claims.without('exp')),
  ],
  [
    'ensure-request-object-without-nbf-fails',
    ifSigned,
    objects.refused(objects.claims.without('nbf')),
  ],
  ['state-only-outside-request-object-not-used', always, requests.stateOnlyOutside],
  [
    'ensure-request-object-without-redirect-uri-fails',
    always,
    requests.refused({ redirect_uri: undefined }),
  ],
  ['ensure-expired-request-object-fails', ifSigned, objects.refused(objects.claims.expired)],
  [
    'ensure-request-object-with-bad-aud-fails',
    ifSigned,
    objects.refused(objects.claims.forAnotherServer),
  ],
  [
    'ensure-request-object-with-exp-over-60-fails',
    ifOthersOf(ifSigned),
    objects.refused(objects.claims.livingOverAnHour),
  ],
  [
    'australia-connectid-ensure-request-object-with-exp-over-10-fails',
    ifConnectId,
    objects.refused(objects.claims.livingOverTenMinutes),
  ],
  [
    'ensure-request-object-with-nbf-over-60-fails',
    ifOthersOf(ifSigned),
    objects.refused(objects.claims.madeOverAnHourAgo),
  ],
  [
    'australia-connectid-ensure-request-object-with-nbf-over-15-fails',
    ifConnectId,
    objects.refused(objects.claims.madeOverTenMinutesAgo),
  ],
  [
    'ensure-signed-request-object-with-RS256-fails',
    ifSigned,
    objects.signedBy(({ first }) => first.weakKeys),
  ],
  ['ensure-request-object-signature-algorithm-is-not-none', ifSigned, objects.signedByNobody],
  ['ensure-request-object-with-invalid-signature-fails', ifSigned, objects.brokenSignature],
  [
    'ensure-matching-key-in-authorization-request',
    ifSigned,
    objects.signedBy(({ second }) => second.keys),
  ],
  ['ensure-unsigned-request-at-par-endpoint-fails', ifSigned, objects.unsigned],
  ['ensure-registered-redirect-uri', ifEcosystem, requests.unregisteredRedirect],
  ['plain-fapi-tolerate-unregistered-redirect-uri', ifPlainFapi, requests.unregisteredRedirect],
  ['ensure-unsigned-authorization-request-without-using-par-fails', always, requests.notPushed],
  [
    'ensure-redirect-uri-in-authorization-request',
    always,
    requests.refused({ redirect_uri: undefined }, /^invalid_request/),
  ],
  [
    'ensure-response-type-code-idtoken-fails',
    always,
    requests.refused(
      { response_type: 'code id_token' },
      /^(unsupported_response_type|invalid_|unauthorized_client)/,
    ),
  ],
  ['australia-connectid-ensure-invalid-purpose-fails', ifConnectId, ecosystems.purposeTooLong],
  [
    'ensure-response-type-token-fails',
    always,
    requests.refused(
      { response_type: 'token' },
      /^(unsupported_response_type|invalid_|unauthorized_client)/,
    ),
  ],
  ['ensure-client-id-in-token-endpoint', always, codes.underAnotherName],
  ['ensure-holder-of-key-required', always, codes.withoutHolderOfKey],
  ['ensure-authorization-code-is-bound-to-client', always, codes.ofAnotherClient],
  ['attempt-reuse-authorization-code-after-one-second', always, codes.usedTwice],
  ['ensure-token-endpoint-fails-with-expired-auth-code', always, codes.expired],
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
  ['dpop-negative-tests', ifDpop, dpop.wrongProofs],
  ['refresh-token', always, codes.refreshed],
  ['ensure-server-handles-non-matching-intent-id', ifOpenBankingUk, ecosystems.intentOfAnother],
  ['test-essential-acr-sca-claim', ifOpenBankingUk, ecosystems.essentialStrongAuthentication],
  ['brazil-ensure-bad-payment-signature-fails', ifOther, elsewhere],
  [
    'australia-connectid-test-claims-parameter-idtoken-identity-claims',
    ifConnectId,
    ecosystems.identityClaims,
  ],
  [
    'par-ensure-reused-request-uri-prior-to-auth-completion-succeeds',
    always,
    pushed.visitedTwiceBeforeTheEnd,
  ],
  ['par-attempt-reuse-request_uri', always, pushed.reusedAfterTheEnd],
  ['par-attempt-to-use-expired-request_uri', always, pushed.expired],
  [
    'par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted',
    ifPrivateKeyJwt,
    assertions.acceptedAtPush(assertions.claims.aheadBy(8)),
  ],
  [
    'par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails',
    ifPrivateKeyJwt,
    assertions.refusedAtPush(assertions.claims.aheadBy(65)),
  ],
  ['par-attempt-to-use-request_uri-for-different-client', always, pushed.ofAnotherClient],
  ['par-authorization-request-containing-request_uri-form-param', always, pushed.withRequestUri],
  ['par-attempt-invalid-http-method', always, pushed.byAnotherVerb],
  [
    'par-ensure-pkce-required',
    always,
    requests.refused({ code_challenge: undefined, code_challenge_method: undefined }, /^invalid_/),
  ],
  ['ensure-pkce-code-verifier-required', always, codes.withoutVerifier],
  ['incorrect-pkce-code-verifier-rejected', always, codes.withAnotherVerifier],
  [
    'par-plain-pkce-rejected',
    always,
    requests.refused({ code_challenge_method: 'plain' }, /^invalid_/),
  ],
  [
    'par-authorization-request-containing-request_uri',
    ifSigned,
    objects.refused(objects.claims.withRequestUri),
  ],
  ['par-without-duplicate-parameters', always, requests.withoutDuplicates],
  [
    'par-test-array-as-audience-fails',
    ifPrivateKeyJwt,
    assertions.refusedAtPush(assertions.claims.forList),
  ],
  [
    'par-test-par-endpoint-url-as-audience-fails',
    ifPrivateKeyJwt,
    assertions.refusedAtPush(assertions.claims.forPushEndpoint),
  ],
  [
    'par-test-token-endpoint-url-as-audience-fails',
    ifPrivateKeyJwt,
    assertions.refusedAtPush(assertions.claims.forTokenEndpoint),
  ],
];

/** `fapi2-security-profile-final-*`, in the plans of the Security Profile and of Message Signing. */
export const fapi2Plan: readonly Row[] = rows.map(([module, applies, perform]) => ({
  module,
  applies,
  perform,
}));
