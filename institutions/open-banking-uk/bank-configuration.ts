import {
  ClientError,
  type Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  PrivateKeyJwt,
  ResponseBodyError,
  TlsClientAuth,
  WWWAuthenticateChallengeError,
} from 'openid-client';
import type { Clock } from '../../core/clock.js';
import { InstitutionError } from '../../core/institution.js';
import { invalidAnswer } from '../institution-errors.js';
import type { BankFetch } from './bank-fetch.js';

/** A key to sign with, and the `kid` that the bank knows it by. */
export interface SigningKey {
  readonly key: CryptoKey;
  readonly kid: string;
}

export interface BankConfigurationDeps {
  readonly bankName: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly tokenEndpointAuthMethod: 'private_key_jwt' | 'tls_client_auth';
  readonly signingKey?: SigningKey | undefined;
  readonly timeoutSeconds: number;
  readonly bankFetch: BankFetch;
  readonly clock: Clock;
}

/**
 * Runs one step of OAuth with the bank's metadata and keys.
 * @throws {InstitutionError} for whatever goes wrong in it.
 */
export type WithBankConfiguration = <Result>(
  step: (configuration: Configuration) => Promise<Result>,
) => Promise<Result>;

// A bank that changes its keys or algorithms is followed within minutes, not at the next restart.
const freshMilliseconds = 300_000;

/** The bank's discovery document, fetched at first use, kept for 5 minutes or until a step fails. */
export function createBankConfiguration(deps: BankConfigurationDeps): WithBankConfiguration {
  const { bankName, clock } = deps;
  let kept: { configuration: Configuration; until: number } | undefined;
  let loading: Promise<Configuration> | undefined;

  async function refetch(): Promise<Configuration> {
    try {
      const configuration = await discover(deps);
      kept = { configuration, until: clock.now() + freshMilliseconds };
      return configuration;
    } catch (error) {
      // What was known may still be true; a person on the way back from the bank is not turned away.
      if (kept) return kept.configuration;
      throw error;
    }
  }

  async function load(): Promise<Configuration> {
    if (kept && kept.until > clock.now()) return kept.configuration;
    loading ??= refetch().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  return async (step) => {
    try {
      return await step(await load());
    } catch (error) {
      const failure = toInstitutionError(bankName, error);
      const mayBeOutdated = failure.code === 'invalid_answer' || failure.code === 'unavailable';
      if (kept && mayBeOutdated) kept = { ...kept, until: 0 };
      throw failure;
    }
  };
}

async function discover(deps: BankConfigurationDeps): Promise<Configuration> {
  const { issuer, clientId, tokenEndpointAuthMethod, signingKey, timeoutSeconds } = deps;
  const authentication =
    tokenEndpointAuthMethod === 'private_key_jwt' && signingKey
      ? PrivateKeyJwt(signingKey)
      : TlsClientAuth();
  return discovery(
    new URL(issuer),
    clientId,
    // RFC 8705 §5: endpoints under the bank's mTLS name, where it has one.
    { use_mtls_endpoint_aliases: true, tls_client_certificate_bound_access_tokens: true },
    authentication,
    {
      [customFetch]: deps.bankFetch,
      timeout: timeoutSeconds,
      // OIDC Core §3.1.3.7-6 lets TLS stand for the signature; an ID token is worth the check.
      execute: [enableNonRepudiationChecks],
    },
  );
}

/** The one place where failures of openid-client become the port's. */
function toInstitutionError(bankName: string, error: unknown): InstitutionError {
  const own = findInstitutionError(error);
  if (own) return own;
  if (error instanceof ResponseBodyError) {
    const cause = new Error(`${error.status} ${error.error}: ${error.error_description ?? ''}`);
    return refusedByBank(bankName, cause);
  }
  if (error instanceof WWWAuthenticateChallengeError) {
    return refusedByBank(bankName, new Error(`HTTP status ${error.status}`));
  }
  // The library keeps whole answers, tokens included, as causes of causes; only its words go on.
  const words = error instanceof Error ? error.message : 'unknown failure';
  const code = error instanceof ClientError ? `${error.code ?? ''}` : '';
  const detail = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
  const because = detail && detail.name !== 'SyntaxError' ? ` (${detail.message})` : '';
  return invalidAnswer(bankName, new Error(`${code} ${words}${because}`.trim()));
}

function refusedByBank(bankName: string, cause: Error): InstitutionError {
  return new InstitutionError('refused', `${bankName} refused the request.`, { cause });
}

/** What {@link BankFetch} threw comes back wrapped. */
function findInstitutionError(error: unknown): InstitutionError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof InstitutionError) return at;
  }
  return undefined;
}
