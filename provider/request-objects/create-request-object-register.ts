import { errors, type Provider } from 'oidc-provider';
import type { Clock } from '../../core/clock.js';
import { deriveUuid } from '../../core/derive-uuid.js';
import { Refusal } from '../../core/refusal.js';
import {
  type RequestObjectRegister,
  requestObjects,
  requestUrn,
} from '../../core/request-object.js';
import { put, type Storage } from '../../core/storage.js';
import { clockTolerance } from '../clock-tolerance.js';
import { assertReadable } from '../middleware/assert-readable.js';
import { profileOf } from '../profiles/profiles.js';
import { verifyRequestObject } from './verify-request-object.js';

/** Longest time for which a request object is kept (seconds); its own `exp` may end it earlier. */
const longestLife = 600;

interface RegisterDeps {
  readonly provider: Provider;
  readonly storage: Storage;
  readonly clock: Clock;
}

/**
 * `POST /request` of the identity service (§1.3): whoever brings a request object need not authenticate,
 * so only what a client has signed is kept, once however often it is brought: strangers can fill
 * nothing. The reference may be used until it expires, as the object itself could be.
 */
export function createRequestObjectRegister(deps: RegisterDeps): RequestObjectRegister {
  const { provider, storage, clock } = deps;

  return {
    async register(request) {
      assertReadableObject(request);
      const verified = await verifyRequestObject(provider, request);
      if (!verified) throw refuse('The request object is not one that a client of ours signed');
      const { client, claims } = verified;
      if (profileOf(client).requirePushedRequests || client.requirePushedAuthorizationRequests) {
        throw refuse('This client must push its requests to the PAR endpoint');
      }
      // Of what is signed: the signature of one request can be written in more than one way.
      const id = deriveUuid('request_object', request.slice(0, request.lastIndexOf('.')));
      const latest = clock.now() / 1000 + longestLife;
      const end = Math.min(claims.exp ?? latest, latest) + clockTolerance;
      const expiresAt = new Date(end * 1000);
      const { clientId } = client;
      await storage.commit([put(requestObjects, id, { clientId, request }, expiresAt)]);
      return `${requestUrn}${id}`;
    },
  };
}

function assertReadableObject(request: string): void {
  try {
    assertReadable(new URLSearchParams({ request }));
  } catch (error) {
    if (!(error instanceof errors.InvalidRequest)) throw error;
    throw refuse('The request object is nested too deeply, or has a malformed member');
  }
}

function refuse(message: string): Refusal {
  return new Refusal('invalid_request', message);
}
