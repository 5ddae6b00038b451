import { randomUUID } from 'node:crypto';
import { clientCredentialsGrant } from 'openid-client';
import { z } from 'zod';
import { type ConsentTerms, InstitutionError } from '../../core/institution.js';
import type { WithBankConfiguration } from './bank-configuration.js';
import type { BankFetch } from './bank-fetch.js';
import { readAnswer } from './read-answer.js';

export interface RegisteredIntent {
  /** The `ConsentId`. */
  readonly id: string;
  /** ISO 8601: its end, as asked for or as the bank sets it; absent where it has none. */
  readonly expiresAt?: string | undefined;
}

/** Consents registered at the bank before authorization (UK Open Banking v3.1). */
export interface Intents {
  /** `POST /account-access-consents` */
  register(terms: ConsentTerms): Promise<RegisteredIntent>;
  /**
   * Whether its status is `Authorised`: a bank says `Revoked` where the person ended it there (v3.1,
   * account access consents, status), and knows no more of what it has deleted (400, or 404).
   * @throws {InstitutionError} `refused` where it accepts us no more: that says nothing about the person.
   */
  isAuthorised(intentId: string): Promise<boolean>;
  /** `DELETE` of it; also fine for one that is already gone. */
  withdraw(intentId: string): Promise<void>;
}

interface IntentsDeps {
  readonly bankName: string;
  readonly resourceUrl: string;
  readonly bankFetch: BankFetch;
  readonly withConfiguration: WithBankConfiguration;
}

/** `OBReadConsentResponse1`, what is read of it. */
const consentResponse = z.object({
  Data: z.object({
    ConsentId: z.string().min(1).max(128),
    ExpirationDateTime: z.iso.datetime({ offset: true }).optional().catch(undefined),
  }),
});

const consentStatus = z.object({ Data: z.object({ Status: z.string() }) });

export function createIntents(deps: IntentsDeps): Intents {
  const { bankName, bankFetch, withConfiguration } = deps;
  const collection = `${deps.resourceUrl}/account-access-consents`;

  async function authorizedHeaders(): Promise<Record<string, string>> {
    const { access_token } = await withConfiguration((configuration) =>
      clientCredentialsGrant(configuration, { scope: 'accounts' }),
    );
    return { authorization: `Bearer ${access_token}`, 'x-fapi-interaction-id': randomUUID() };
  }

  const addressOf = (intentId: string) => `${collection}/${encodeURIComponent(intentId)}`;

  function refuse(status: number): never {
    throw new InstitutionError('refused', `${bankName} refused the request.`, {
      cause: new Error(`account-access-consents: HTTP status ${status}`),
    });
  }

  return {
    async register(terms) {
      const response = await bankFetch(collection, {
        method: 'POST',
        headers: { ...(await authorizedHeaders()), 'content-type': 'application/json' },
        body: JSON.stringify(describeTerms(terms)),
      });
      if (response.status >= 400) refuse(response.status);
      const { Data } = await readAnswer(bankName, response, consentResponse);
      return { id: Data.ConsentId, expiresAt: Data.ExpirationDateTime };
    },

    async isAuthorised(intentId) {
      const response = await bankFetch(addressOf(intentId), { headers: await authorizedHeaders() });
      if (isUnknown(response.status)) return false;
      if (response.status >= 400) refuse(response.status);
      const { Data } = await readAnswer(bankName, response, consentStatus);
      return Data.Status === 'Authorised';
    },

    async withdraw(intentId) {
      const { status } = await bankFetch(addressOf(intentId), {
        method: 'DELETE',
        headers: await authorizedHeaders(),
      });
      if (status >= 400 && !isUnknown(status)) refuse(status);
    },
  };
}

/** v3.1 answers 400 for a consent that is not there; banks also say 404. */
function isUnknown(status: number): boolean {
  return status === 400 || status === 404;
}

/** `OBReadConsent1`. */
function describeTerms({ permissions, expiresAt, transactionFrom }: ConsentTerms) {
  return {
    Data: {
      Permissions: permissions,
      ...(expiresAt && { ExpirationDateTime: expiresAt.toISOString() }),
      ...(transactionFrom && { TransactionFromDateTime: transactionFrom.toISOString() }),
    },
    Risk: {},
  };
}
