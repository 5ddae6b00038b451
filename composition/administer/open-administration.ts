import type { Configuration } from '../../config/schema.js';
import type { BankLedger } from '../../core/bank-ledger.js';
import type { ClientRules } from '../../core/client-rules.js';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { Storage } from '../../core/storage.js';
import { createClientRules } from '../../provider/client-rules.js';
import { type Administration, createAdministration } from '../administration.js';
import { createBankRole } from '../bank-role.js';
import { createIdentityRole } from '../identity-role.js';
import { openFoundation, openProvider } from '../open-foundation.js';

/** What the command works with: the store that the running processes use. */
export interface OpenAdministration extends Administration {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly rules: ClientRules;
  close(): Promise<void>;
}

/** See {@link OpenAdministration}. Nothing is served, and no job is done. */
export async function openAdministration(deps: {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<OpenAdministration> {
  const { configuration, clock } = deps;
  const { foundation, close } = await openFoundation(deps);
  try {
    const role =
      configuration.role === 'bank'
        ? createBankRole(foundation, noLedger)
        : await createIdentityRole(foundation);
    const provider = await openProvider(foundation, role);
    const { storage } = foundation;
    const rules = createClientRules(provider, configuration.lifetimes);
    const administration = createAdministration({ storage, clock, rules, ...role });
    return { ...administration, storage, clock, rules, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** No customer is met here. */
async function refuse(): Promise<never> {
  throw new Error('The admin command has no ledger');
}

const noLedger: BankLedger = {
  bankName: '',
  authenticate: refuse,
  identify: refuse,
  accounts: refuse,
  transactions: refuse,
};
