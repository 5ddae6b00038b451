import { hash } from 'node:crypto';
import type { AuthRequest } from './auth-request.js';
import { Refusal } from './refusal.js';
import { visitIndex } from './visit.js';

/** What the bank's redirect brought, as the client hands it on. */
export interface AuthParams {
  readonly state?: string | undefined;
  readonly code?: string | undefined;
  readonly id_token?: string | undefined;
  readonly error?: string | undefined;
  readonly error_description?: string | undefined;
  readonly iss?: string | undefined;
}

/**
 * That it belongs to the visit, and says yes or no; checked before anything is changed.
 * @throws {Refusal} `invalid_request`
 */
export function assertAnswer({ state = '', code, error }: AuthParams, stateIndex: string): void {
  if (visitIndex(state) !== stateIndex) {
    throw new Refusal('invalid_request', 'authParams.state does not belong to this auth request');
  }
  const given = [code, error].filter((member) => member !== undefined);
  if (given.length !== 1 || given[0] === '') {
    throw new Refusal('invalid_request', 'authParams must hold either code or error');
  }
}

/** Whether it is from the bank itself, or does not say; a slash at the end makes no other issuer. */
export function isFromBank(iss: string | undefined, issuer: string | undefined): boolean {
  if (iss === undefined || issuer === undefined) return true;
  return URL.canParse(iss) && new URL(iss).href === new URL(issuer).href;
}

/**
 * The bank's answer as it came to our callback. Clients of the hosted service hand on no `iss`; then
 * the one that came with the very same code stands in, so that no other issuer's passes (RFC 9207).
 */
export function toCallback(params: AuthParams, { landed }: AuthRequest): URLSearchParams {
  const isSame = landed?.answer === fingerprint(params.code ?? params.error ?? '');
  const iss = params.iss ?? (isSame ? landed?.iss : undefined);
  const entries = Object.entries({ ...params, iss });
  return new URLSearchParams(
    entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** What makes two completions the same. */
export function fingerprintOf({
  state,
  code,
  id_token,
  error,
  error_description,
}: AuthParams): string {
  return fingerprint(JSON.stringify([state, code, id_token, error, error_description]));
}

/** What stands for a code or an error, which is not kept. */
export function fingerprint(text: string): string {
  return hash('sha256', text, 'base64url');
}
