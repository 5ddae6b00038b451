import type { Client, Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Configuration as Settings } from '../../config/schema.js';
import type { Clock } from '../../core/clock.js';
import { isCertificateTrusted, readClientCertificate } from '../../http/client-certificate.js';
import { clockTolerance, isFromFuture } from '../clock-tolerance.js';
import { jwtTypeOf } from '../jwt-type.js';
import { assertClientMetadata } from '../profiles/assert-client-metadata.js';
import { completeClientMetadata } from '../profiles/complete-client-metadata.js';
import type { OfferedProfiles } from '../profiles/offered-profiles.js';
import { profileOf } from '../profiles/profiles.js';
import { matchesCertificateSubject } from './certificate-subject.js';
import { responseSigningAlgorithms } from './signed-messages.js';

interface ClientPolicy {
  readonly role: Settings['role'];
  readonly clock: Clock;
  readonly signing: Settings['signing'];
  readonly offered: OfferedProfiles;
}

type ClientAuthMethod =
  NonNullable<Configuration['clientAuthMethods']> extends infer Methods
    ? Methods extends readonly (infer Method)[]
      ? Method
      : never
    : never;

const clientAuthMethods: ClientAuthMethod[] = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
];

/**
 * The library's own defaults would hide from a profile whether a client has said anything; where it has
 * not, the profile does.
 */
const unsaid: Readonly<Record<string, null>> = {
  require_signed_request_object: null,
  id_token_signed_response_alg: null,
  authorization_signed_response_alg: null,
  introspection_signed_response_alg: null,
};

/** What a client signs for something else, as a DPoP proof, does not authenticate it. */
const assertionTypes = new Set([undefined, 'jwt', 'client-authentication+jwt']);

/** How clients prove who they are, and how their tokens are bound to them. */
export function clientAuthenticationConfiguration({ role, clock, signing, offered }: ClientPolicy) {
  const signingAlgorithms = [...offered.signingAlgorithms];
  const answerAlgorithms = responseSigningAlgorithms({ signing });
  return {
    clientAuthMethods: clientAuthMethods.filter((method) =>
      offered.tokenEndpointAuthMethods.has(method),
    ),
    enabledJWA: {
      clientAuthSigningAlgValues: signingAlgorithms,
      requestObjectSigningAlgValues: signingAlgorithms,
      idTokenSigningAlgValues: signing.algorithms,
      userinfoSigningAlgValues: signing.algorithms,
      authorizationSigningAlgValues: answerAlgorithms,
      introspectionSigningAlgValues: answerAlgorithms,
      dPoPSigningAlgValues: ['ES256', 'PS256', 'EdDSA', 'Ed25519'],
      // The profiles name algorithms as strings, of which the library checks that it knows them.
    } as Configuration['enabledJWA'],
    clientDefaults: {
      response_types: ['code'],
      ...unsaid,
    },
    extraClientMetadata: {
      properties: [
        'profile',
        'ecosystem',
        'own_consent_screens',
        'resource_server',
        'audience',
        'unsigned_pushed_request_object',
        'registered_scope',
        'webhooks',
        'frontchannel_logout_uri',
        'frontchannel_logout_session_required',
        'access_token_lifetime',
        'id_token_lifetime',
        'authorization_code_lifetime',
      ],
      validator(_ctx, member, _value, metadata) {
        // Called once for each of our members; the rules look at the whole, so once is enough.
        if (member !== 'profile') return;
        completeClientMetadata(metadata, {
          id_token_signed_response_alg: signing.algorithms,
          authorization_signed_response_alg: answerAlgorithms,
          introspection_signed_response_alg: answerAlgorithms,
        });
        // The library compares scopes word by word, where `id:all` allows every bank. What a client may
        // ask for is checked by the rules of `core/scopes.ts`, from a member the library leaves alone.
        if (role === 'identity-service') {
          metadata.registered_scope = metadata.scope;
          delete metadata.scope;
        }
        assertClientMetadata({ ...metadata }, offered);
      },
    },
    assertJwtClientAuthClaimsAndHeader: createAssertionCheck(clock),
    clockTolerance,
  } satisfies Partial<Configuration>;
}

/** The slice of `features` about certificates and DPoP (RFC 8705, RFC 9449). */
export function senderConstraintFeatures(clock: Clock) {
  const readCertificate = (ctx: KoaContextWithOIDC) => readClientCertificate(ctx.req, clock);

  return {
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      tlsClientAuth: true,
      selfSignedTlsClientAuth: true,
      getCertificate: readCertificate,
      certificateAuthorized: (ctx) => isCertificateTrusted(ctx.req),
      certificateSubjectMatches(ctx, property, expected) {
        const certificate = readCertificate(ctx);
        return (
          certificate !== undefined && matchesCertificateSubject(certificate, property, expected)
        );
      },
    },
    dPoP: { enabled: true },
  } satisfies Configuration['features'];
}

/**
 * Client assertions: the profile's algorithms, a short life, and for FAPI clients one audience.
 * Everyone else may name the issuer, the token endpoint or both, as the published client's
 * generations do (identity-service.md §2.2).
 */
function createAssertionCheck(clock: Clock) {
  return function assertJwtClientAuthClaimsAndHeader(
    ctx: KoaContextWithOIDC,
    claims: Record<string, unknown>,
    header: Record<string, unknown>,
    client: Client,
  ): void {
    const profile = profileOf(client);
    if (!profile.signingAlgorithms.includes(String(header.alg))) {
      throw new errors.InvalidClientAuth('the assertion algorithm is not allowed in this profile');
    }
    if (!assertionTypes.has(jwtTypeOf(header))) {
      throw new errors.InvalidClientAuth('the assertion is a token of another type (typ)');
    }
    // FAPI 2.0 SP §5.3.2.1-8: the issuer identifier as a string, nothing else.
    if (profile.fapi === '2.0' && claims.aud !== ctx.oidc.issuer) {
      throw new errors.InvalidClientAuth('audience (aud) must equal the issuer identifier url');
    }
    if (isFromFuture(claims, clock)) {
      throw new errors.InvalidClientAuth('the assertion is from the future, by its iat');
    }
    // A long-lived assertion would be a password, and its replay mark would have to be kept as long.
    if (typeof claims.exp !== 'number' || claims.exp - clock.now() / 1000 > 3600) {
      throw new errors.InvalidClientAuth('the assertion must expire within an hour');
    }
  };
}
