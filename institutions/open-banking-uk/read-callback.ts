import type { ServerMetadata } from 'openid-client';
import { InstitutionError } from '../../core/institution.js';

/** What the bank's redirect said, once it is known to be the answer to this visit. */
export type CallbackAnswer = { readonly code: string } | { readonly error: string };

/**
 * Checks that the callback belongs to the visit, before anything else in it is believed.
 * @throws {InstitutionError} `invalid_callback` for a foreign `state` or `iss`, a parameter given
 * twice, or an answer that is neither a code nor an error.
 */
export function readCallback(
  callback: URLSearchParams,
  expected: {
    readonly bankName: string;
    readonly state: string;
    readonly server: Readonly<ServerMetadata>;
  },
): CallbackAnswer {
  const { bankName, state, server } = expected;
  function reject(reason: string): never {
    throw new InstitutionError(
      'invalid_callback',
      `This answer does not belong to your visit to ${bankName}.`,
      { cause: new Error(reason) },
    );
  }

  const [code, error, givenState, iss] = ['code', 'error', 'state', 'iss'].map((name) => {
    const values = callback.getAll(name);
    if (values.length > 1) reject(`${name} given twice`);
    return values[0];
  });
  if (givenState !== state) reject('unexpected state');
  // RFC 9207 §2.4: compared where present, demanded where the bank announces it.
  const isIssuerRequired = server.authorization_response_iss_parameter_supported === true;
  if (iss === undefined ? isIssuerRequired : iss !== server.issuer) reject('unexpected iss');
  if (error !== undefined && code === undefined) return { error };
  if (code !== undefined && error === undefined) return { code };
  return reject('neither a code nor an error');
}

/** Why there is no connection, in one sentence for the person; the bank's own text is not trusted. */
export function describeRefusal(error: string, bankName: string): string {
  switch (error) {
    case 'access_denied':
      return `Your accounts at ${bankName} were not shared, because you or the bank declined.`;
    case 'temporarily_unavailable':
    case 'server_error':
      return `${bankName} could not complete your visit right now. Please try again later.`;
    default:
      return `${bankName} could not complete your visit, so your accounts were not shared.`;
  }
}
