import { randomUUID } from 'node:crypto';
import { revokeGrant } from '../adapters/oidc/revoke-grant.js';
import {
  accountInformationPath,
  createOpenBankingApi,
} from '../api/open-banking/create-open-banking-api.js';
import type { BankLedger } from '../core/bank-ledger.js';
import { createIntentService } from '../core/intent-service.js';
import { createLoginBudget } from '../core/login-budget.js';
import { noStore } from '../http/security-headers.js';
import { answerPageErrors } from '../interactions/answer-page-errors.js';
import { createBankInteractions } from '../interactions/bank/create-bank-interactions.js';
import { createInteractionSessions } from '../interactions/interaction-session.js';
import { resourceOf } from '../provider/configuration/scopes.js';
import { type Foundation, protect, type Role } from './role.js';

/** A bank's own authorization server and account information API. */
export function createBankRole(foundation: Foundation, ledger: BankLedger): Role {
  const { configuration, storage, clock, logger } = foundation;
  const { mtlsUrl, lifetimes } = configuration;
  const intentService = createIntentService({ storage, clock, newId: randomUUID, revokeGrant });

  return {
    jobs: [],
    redeemGrant: async () => ({ writes: [] }),
    routes({ provider, unitOfWork }) {
      const resource = resourceOf(configuration);
      const sessions = createInteractionSessions({ provider, storage, unitOfWork, resource });
      const interactions = createBankInteractions({
        sessions,
        intentService,
        loginBudget: createLoginBudget({ storage, clock }),
        ledger,
        storage,
        clock,
        openEndedConsent: lifetimes.ongoingConsent,
      });
      const accountInformation = createOpenBankingApi({
        authenticate: protect(foundation, provider),
        intentService,
        ledger,
        storage,
        clock,
        logger,
        baseUrl: `${mtlsUrl}${accountInformationPath}`,
      });
      return [accountInformation, answerPageErrors(logger), noStore, interactions];
    },
  };
}
