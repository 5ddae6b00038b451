import { randomBytes, randomUUID } from 'node:crypto';
import type { ClientAdministration } from '../core/client-administration.js';
import { createClientAdministration } from '../core/client-administration.js';
import {
  type ClientConfiguration,
  createClientConfiguration,
} from '../core/client-configuration.js';
import type { ClientHoldings } from '../core/client-holdings.js';
import { createClientPlanner } from '../core/client-plan.js';
import type { ClientRules } from '../core/client-rules.js';
import type { Clock } from '../core/clock.js';
import type { Storage } from '../core/storage.js';

interface AdministrationDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly rules: ClientRules;
  readonly holdings: Pick<ClientHoldings, 'list'>;
}

/** What operators do, by the Admin API and by the command alike. */
export interface Administration {
  readonly clients: ClientAdministration;
  readonly configuration: ClientConfiguration;
}

/** See {@link Administration}. */
export function createAdministration(deps: AdministrationDeps): Administration {
  const common = {
    ...deps,
    planClient: createClientPlanner(deps),
    newId: randomUUID,
    newSecret: () => randomBytes(32).toString('base64url'),
  };
  return {
    clients: createClientAdministration(common),
    configuration: createClientConfiguration(common),
  };
}
