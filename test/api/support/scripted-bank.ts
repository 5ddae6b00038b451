import {
  type BankAccount,
  type BankSession,
  type BankTransaction,
  type ConnectorState,
  type ConsentTerms,
  type Institution,
  type InstitutionConnector,
  type InstitutionDirectory,
  InstitutionError,
  type PresentCustomer,
  type VisitOutcome,
} from '../../../core/institution.js';

/** A bank that says what the test sets, and remembers what it was asked. */
export interface ScriptedBank {
  /** Called whenever somebody wants to know it. */
  issuer: () => string;
  accounts: BankAccount[];
  /** By upstream account id. */
  transactions: Record<string, BankTransaction[]>;
  /** Thrown by the next calls of that name until it is cleared. */
  faults: {
    begin?: Error;
    open?: Error;
    accounts?: Error;
    transactions?: Error;
    revoke?: Error;
    inForce?: Error;
  };
  /** What it says of the person's consent there. */
  inForce: boolean;
  /** The upstream account whose transactions it refuses. */
  refuses: string | undefined;
  /** What visits come to, by what the bank's redirect brought. */
  answer: (callback: URLSearchParams) => Promise<VisitOutcome>;
  /** The terms of the visits that were begun. */
  readonly begun: ConsentTerms[];
  /** Called between two pages of transactions. */
  betweenPages: () => Promise<void>;
  readonly revoked: ConnectorState[];
  readonly opened: ConnectorState[];
  /** For whom each was opened. */
  readonly customers: (PresentCustomer | undefined)[];
  readonly windows: { from: Date; to: Date }[];
  readonly directory: InstitutionDirectory;
}

export const testInstitutions: readonly Institution[] = [
  institution({ id: 'north-bank', name: 'North Bank', kind: 'api', monthsInitialConsent: 12 }),
  institution({ id: 'demo-bank', name: 'Demo Bank', kind: 'test', isBeta: true }),
];

/** Known, and in no list. */
const legacyInstitution = institution({ id: 'old-bank', name: 'Old Bank', kind: 'legacy' });

function institution(given: Partial<Institution> & Pick<Institution, 'id' | 'name' | 'kind'>) {
  return {
    country: 'GB',
    bankRef: given.id,
    isBeta: false,
    accountTypes: ['cash', 'card'],
    userTypes: ['personal'],
    ...given,
  } satisfies Institution;
}

/** Each session gets the next token, as from a bank that rotates refresh tokens. */
export function createScriptedBank(): ScriptedBank {
  const pageSize = 100;

  function openSession(authorization: ConnectorState): BankSession {
    return {
      authorization,
      async accounts() {
        if (bank.faults.accounts) throw bank.faults.accounts;
        return bank.accounts;
      },
      async *transactions(upstreamAccountId, window) {
        if (bank.faults.transactions) throw bank.faults.transactions;
        bank.windows.push(window);
        if (bank.refuses === upstreamAccountId) throw new InstitutionError('refused', 'not this');
        const booked = (bank.transactions[upstreamAccountId] ?? []).filter(
          ({ bookedAt }) => bookedAt >= window.from && bookedAt < window.to,
        );
        for (let start = 0; start < booked.length; start += pageSize) {
          if (start > 0) await bank.betweenPages();
          yield booked.slice(start, start + pageSize);
        }
      },
    };
  }

  const connector: InstitutionConnector = {
    get issuer() {
      return bank.issuer();
    },
    async begin({ terms, state }) {
      if (bank.faults.begin) throw bank.faults.begin;
      bank.begun.push(terms);
      const redirectTo = `https://north-bank.example/authorize?state=${state}`;
      return { redirectTo, attempt: { visit: bank.begun.length } };
    },
    complete: ({ callback }) => bank.answer(callback),
    async open(authorization, customer) {
      if (bank.faults.open) throw bank.faults.open;
      bank.customers.push(customer);
      bank.opened.push(authorization);
      return openSession({ refreshToken: `after ${authorization.refreshToken}` });
    },
    async revoke(authorization) {
      if (bank.faults.revoke) throw bank.faults.revoke;
      bank.revoked.push(authorization);
    },
    async isConsentInForce() {
      if (bank.faults.inForce) throw bank.faults.inForce;
      return bank.inForce;
    },
  };

  const bank: ScriptedBank = {
    issuer: () => 'https://north-bank.example',
    accounts: [],
    transactions: {},
    faults: {},
    inForce: true,
    refuses: undefined,
    answer: async (callback) => ({
      outcome: 'authorised',
      authorization: { refreshToken: `of ${callback.get('code')}` },
    }),
    begun: [],
    betweenPages: async () => {},
    revoked: [],
    opened: [],
    customers: [],
    windows: [],
    directory: {
      all: testInstitutions,
      find: (id) => [...testInstitutions, legacyInstitution].find((each) => each.id === id),
      connector: () => connector,
    },
  };
  return bank;
}
