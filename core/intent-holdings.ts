import { type ClientHoldings, nothingHeld, toHeld } from './client-holdings.js';
import type { Clock } from './clock.js';
import { findUpTo } from './find-up-to.js';
import { intents, isIntentLive } from './intent.js';
import type { IntentService } from './intent-service.js';
import type { Storage } from './storage.js';

interface IntentHoldingsDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly intentService: Pick<IntentService, 'withdraw'>;
}

/** Intents looked at to say what is live. */
const looked = 5000;
/** Intents ended in one run of the job. */
const atOnce = 100;

/** What a client of a bank has: the intents that customers authorised, each with a Grant of its id. */
export function createIntentHoldings(deps: IntentHoldingsDeps): ClientHoldings {
  const { storage, clock, intentService } = deps;

  return {
    async list(clientId) {
      const ofClient = { index: 'client', equals: clientId };
      const { records, isComplete } = await findUpTo(storage, intents, ofClient, looked);
      const live = records.filter(({ value }) => isIntentLive(value, clock.now()));
      return {
        grants: toHeld(
          live.map(({ id }) => id),
          isComplete,
        ),
        connections: nothingHeld,
      };
    },

    async endSome(clientId, after) {
      const query = { index: 'client', equals: clientId, limit: atOnce, after };
      const { records, next } = await storage.find(intents, query);
      for (const { id } of records) await intentService.withdraw(clientId, id);
      return next;
    },
  };
}
