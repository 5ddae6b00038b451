import { type ClientHoldings, toHeld } from './client-holdings.js';
import type { Clock } from './clock.js';
import { consents, isLive } from './consent.js';
import { findUpTo } from './find-up-to.js';
import { Refusal } from './refusal.js';
import type { Storage } from './storage.js';
import { users } from './user.js';
import type { UsersService } from './users-service.js';

interface UserHoldingsDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly users: Pick<UsersService, 'remove'>;
}

/** Consents looked at to say what is live. */
const looked = 5000;
/** Users removed in one run of the job: each may wait for its banks. */
const atOnce = 10;

/** What a client of the identity service has: people with consents and connections. */
export function createUserHoldings(deps: UserHoldingsDeps): ClientHoldings {
  const { storage, clock } = deps;

  return {
    async list(clientId) {
      // `made` begins with the client: `<client id>|<time>`.
      const range = { index: 'made', from: `${clientId}|`, to: `${clientId}}` };
      const { records, isComplete } = await findUpTo(storage, consents, range, looked);
      const own = records.map(({ value }) => value).filter((given) => given.clientId === clientId);
      const grants = own.filter((consent) => isLive(consent, clock.now())).map(({ id }) => id);
      const connections = own
        .filter(({ status }) => status === 'authorised')
        .map(({ connectionId }) => connectionId);
      return {
        grants: toHeld(grants, isComplete),
        connections: toHeld([...new Set(connections)], isComplete),
      };
    },

    async endSome(clientId) {
      const query = { index: 'client', equals: clientId, limit: atOnce };
      const { records, next } = await storage.find(users, query);
      for (const { id } of records) await removeUser(deps.users, clientId, id);
      // Those are gone now, so the next part begins at the beginning again.
      return next;
    },
  };
}

async function removeUser(
  service: Pick<UsersService, 'remove'>,
  clientId: string,
  userId: string,
): Promise<void> {
  try {
    await service.remove(clientId, userId);
  } catch (error) {
    if (!(error instanceof Refusal && error.code === 'not_found')) throw error;
  }
}
