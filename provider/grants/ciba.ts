import { errors, type Provider } from 'oidc-provider';
import type { UnitOfWork } from '../../adapters/oidc/unit-of-work.js';
import type { Clock } from '../../core/clock.js';
import { notePoll } from '../../core/poll-pace.js';
import type { Storage } from '../../core/storage.js';
import { builtInGrant } from '../internals.js';

export const ciba = 'urn:openid:params:grant-type:ciba';

interface CibaDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly unitOfWork: UnitOfWork;
}

/**
 * `urn:openid:params:grant-type:ciba` (CIBA Core §10.1): as the library does it, and a client that polls
 * too fast while the person has not decided is told to slow down, by whichever process it asks.
 */
export function registerCiba(provider: Provider, { storage, clock, unitOfWork }: CibaDeps): void {
  const { parameters, handle } = builtInGrant(provider, 'ciba');

  provider.registerGrantType(
    ciba,
    async function backchannelAuthentication(ctx) {
      try {
        // A client that polls asks twice by nature, where an answer was lost or two of its processes
        // poll. The second gets nothing, and takes nothing from the first: its Grant stays.
        await unitOfWork.attempt(() => handle(ctx));
      } catch (error) {
        if (!(error instanceof errors.AuthorizationPending)) throw error;
        const { auth_req_id: authReqId } = ctx.oidc.params;
        const request = await provider.BackchannelAuthenticationRequest.find(String(authReqId));
        const until = new Date((request?.exp ?? 0) * 1000);
        const isInTime = await notePoll({ storage, clock }, String(authReqId), until);
        throw isInTime ? error : new errors.SlowDown();
      }
    },
    [...parameters, 'resource', 'authorization_details'],
  );
}
