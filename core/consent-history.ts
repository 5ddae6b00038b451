import type { AccessTokenFacts } from './access-token.js';
import { accounts } from './account.js';
import type { Clock } from './clock.js';
import { type Consent, type ConsentStatus, consents, isLive } from './consent.js';
import { deriveUuid } from './derive-uuid.js';
import { findAll } from './find-all.js';
import type { BankAccount } from './institution.js';
import { permits } from './permissions.js';
import { Refusal } from './refusal.js';
import type { Storage } from './storage.js';
import { users } from './user.js';

/** One time that a person was asked for a consent, or gave it again. */
export interface Authorization {
  /** UUID: of the auth request it came through, else one that stands for it for ever. */
  readonly id: string;
  readonly consentId: string;
  readonly userId: string;
  readonly institutionId: string;
  /** Where the consent stands now, of which this may be one of several authorizations. */
  readonly status: ConsentStatus;
  readonly permissions: readonly string[];
  /** ISO 8601: when it was asked for or given, and its end as agreed then. */
  readonly at: string;
  readonly expiresAt: string;
  /** ISO 8601: when the consent was revoked, or came to nothing. */
  readonly cancelledAt?: string | undefined;
  readonly erroredAt?: string | undefined;
  /** The accounts that it shares, while it does and shares their details. */
  readonly accounts: readonly NonNullable<BankAccount['identification']>[];
}

export interface HistoryPage {
  readonly authorizations: readonly Authorization[];
  /** How many there are in all; only of one person, for whom they are counted. */
  readonly total?: number | undefined;
}

/** What people agreed to at a client, kept beyond their connections (identity-service.md §1.8). */
export interface ConsentHistory {
  /**
   * In the order in which consents were made, of one person or of all of the client's.
   * @throws {Refusal} `forbidden` for a token that speaks for somebody else, `not_found` for a person
   * of whom this client has neither a record nor a consent.
   */
  list(
    token: AccessTokenFacts,
    query: {
      readonly userId?: string | undefined;
      readonly limit: number;
      readonly offset: number;
    },
  ): Promise<HistoryPage>;
}

const pageSize = 100;

/** See {@link ConsentHistory}. */
export function createConsentHistory(deps: {
  readonly storage: Storage;
  readonly clock: Clock;
}): ConsentHistory {
  const { storage, clock } = deps;

  async function readAccounts(consent: Consent): Promise<Authorization['accounts']> {
    const isShared =
      isLive(consent, clock.now()) && permits(consent.permissions, 'ReadAccountsDetail');
    if (!isShared) return [];
    const query = { index: 'connection', equals: consent.connectionId };
    const held = await findAll(storage, accounts, query);
    return held.flatMap(({ value: { bank } }) =>
      bank.identification ? [bank.identification] : [],
    );
  }

  /** What a consent shares is read once, however often it was given. */
  async function complete(given: readonly Given[]): Promise<readonly Authorization[]> {
    const distinct = new Map(given.map(({ consent }) => [consent.id, consent]));
    const shared = new Map(
      await Promise.all(
        [...distinct].map(async ([id, consent]) => [id, await readAccounts(consent)] as const),
      ),
    );
    return given.map(({ consent, ...authorization }) => ({
      ...authorization,
      accounts: shared.get(consent.id) ?? [],
    }));
  }

  async function listOfUser(clientId: string, userId: string) {
    const given = await findAll(storage, consents, { index: 'user', equals: userId });
    const own = given.map(({ value }) => value).filter((consent) => consent.clientId === clientId);
    const user = own.length > 0 ? undefined : await storage.get(users, userId);
    // Of a deleted user the consents are left, as the record of what was agreed.
    if (own.length === 0 && user?.value.clientId !== clientId) {
      throw new Refusal('not_found', 'There is no such user');
    }
    return own.sort((one, other) => madeAt(one).localeCompare(madeAt(other))).flatMap(readSteps);
  }

  /** As many as it takes; their number is not known without reading them all. */
  async function listOfClient(clientId: string, wanted: number) {
    const given: Given[] = [];
    let after: string | undefined;
    do {
      const range = { index: 'made', from: `${clientId}|`, to: `${clientId}}` };
      const page = await storage.find(consents, { ...range, limit: pageSize, after });
      const own = page.records.filter(({ value }) => value.clientId === clientId);
      given.push(...own.flatMap(({ value }) => readSteps(value)));
      after = page.next;
    } while (after !== undefined && given.length < wanted);
    return given;
  }

  return {
    async list({ clientId, subject }, { userId = subject, limit, offset }) {
      if (subject !== undefined && userId !== subject) {
        throw new Refusal('forbidden', 'The access token speaks for another person');
      }
      const end = offset + limit;
      if (userId === undefined) {
        const given = await listOfClient(clientId, end);
        return { authorizations: await complete(given.slice(offset, end)) };
      }
      const given = await listOfUser(clientId, userId);
      return { authorizations: await complete(given.slice(offset, end)), total: given.length };
    },
  };
}

type Given = Omit<Authorization, 'accounts'> & { readonly consent: Consent };

function madeAt({ history: [made] }: Consent): string {
  return made?.at ?? '';
}

/** Each time it was given; where it never was, the one time it was asked for. */
function readSteps(consent: Consent): readonly Given[] {
  const { history, status } = consent;
  const last = history.at(-1);
  const steps = history.map((step, index) => ({ step, index }));
  const given = steps.filter(({ step }) => step.status === 'authorised');
  return (given.length > 0 ? given : steps.slice(0, 1)).map(({ step, index }) => ({
    id: step.authRequestId ?? deriveUuid('authorization', consent.id, String(index)),
    consentId: consent.id,
    userId: consent.userId,
    institutionId: consent.institutionId,
    status,
    permissions: step.permissions ?? consent.permissions,
    at: step.at,
    expiresAt: step.expiresAt ?? consent.expiresAt,
    cancelledAt: status === 'revoked' ? last?.at : undefined,
    erroredAt: status === 'rejected' ? last?.at : undefined,
    consent,
  }));
}
