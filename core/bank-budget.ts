import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { InstitutionDirectory } from './institution.js';
import { retryConflict } from './retry-conflict.js';
import {
  type Collection,
  insert,
  type Storage,
  type Stored,
  update,
  type Write,
} from './storage.js';

/** The fetches of a connection that nobody was present for, and when the bank takes more. */
export interface BankCalls {
  /** Of the last 24 hours, oldest first. */
  readonly unattended: readonly {
    /** ISO 8601 */
    readonly at: string;
    readonly accountIds: readonly string[];
  }[];
  /** ISO 8601: until when the bank said it takes no more calls (429). */
  readonly blockedUntil?: string | undefined;
}

/** What was called, by the connection's id. */
export const bankCalls: Collection<BankCalls> = {
  name: 'bank_calls',
  indexes: [],
  indexValues: () => ({}),
};

/** What is left for unattended fetches. */
export interface Allowance {
  readonly remaining: number;
  /** When there is more again; absent where all is left. */
  readonly resetsAt?: Date | undefined;
}

/** The budget of a connection: that of its account with the least left, and each of them. */
export interface BudgetState extends Allowance {
  /** In any 24 hours, per account. */
  readonly limit: number;
  readonly accounts: readonly (Allowance & { readonly accountId: string })[];
}

/**
 * How often a bank is asked about an account while the person is not there: banks count such calls
 * and refuse what is above (PSD2 RTS Art. 36(5)(b): four in 24 hours). Calls for a present person, the
 * first fetch and what follows a reauthentication count on nothing.
 */
export interface BankBudget {
  read(connection: Connection): Promise<BudgetState>;
  /**
   * Takes one fetch of the connection from its budget.
   * @returns the state then, and the write that takes it, conditional on nobody else having taken one
   * meanwhile; no write where nothing was left.
   */
  spend(
    connection: Connection,
  ): Promise<{ readonly state: BudgetState; readonly write?: Write | undefined }>;
  /** Leaves the budget empty until the bank takes calls again. */
  block(connectionId: string, until: Date): Promise<void>;
}

interface BudgetDeps {
  readonly storage: Storage;
  readonly directory: Pick<InstitutionDirectory, 'find'>;
  readonly clock: Clock;
}

const day = 86_400_000;
const defaultLimit = 4;

/** See {@link BankBudget}. */
export function createBankBudget({ storage, directory, clock }: BudgetDeps): BankBudget {
  async function load({ id, institutionId }: Connection) {
    const stored = await storage.get(bankCalls, id);
    const limit = directory.find(institutionId)?.unattendedCallsPerDay ?? defaultLimit;
    return { stored, limit, calls: recent(stored?.value, clock.now()) };
  }

  function keep(stored: Stored<BankCalls> | undefined, id: string, next: BankCalls): Write {
    const last = next.unattended.at(-1)?.at;
    const end = Math.max(
      last === undefined ? 0 : Date.parse(last) + day,
      Date.parse(next.blockedUntil ?? '1970-01-01'),
    );
    const expiresAt = new Date(end);
    return stored
      ? update(bankCalls, stored, next, expiresAt)
      : insert(bankCalls, id, next, expiresAt);
  }

  return {
    async read(connection) {
      const { limit, calls } = await load(connection);
      return stateOf(connection, limit, calls);
    },

    async spend(connection) {
      const { stored, limit, calls } = await load(connection);
      const before = stateOf(connection, limit, calls);
      if (before.remaining === 0) return { state: before };
      const at = new Date(clock.now()).toISOString();
      const call = { at, accountIds: connection.accountIds };
      const next = { ...calls, unattended: [...calls.unattended, call] };
      return {
        state: stateOf(connection, limit, next),
        write: keep(stored, connection.id, next),
      };
    },

    async block(connectionId, until) {
      await retryConflict(async () => {
        const stored = await storage.get(bankCalls, connectionId);
        const calls = recent(stored?.value, clock.now());
        const next = { ...calls, blockedUntil: until.toISOString() };
        await storage.commit([keep(stored, connectionId, next)]);
      });
    },
  };
}

/** What still counts. */
function recent(calls: BankCalls | undefined, now: number): BankCalls {
  const unattended = (calls?.unattended ?? []).filter(({ at }) => Date.parse(at) + day > now);
  const { blockedUntil } = calls ?? {};
  const isBlocked = blockedUntil !== undefined && Date.parse(blockedUntil) > now;
  return { unattended, ...(isBlocked && { blockedUntil }) };
}

function stateOf({ accountIds }: Connection, limit: number, calls: BankCalls): BudgetState {
  const accounts = accountIds.map((accountId) => ({
    accountId,
    ...allowance(calls, limit, (counted) => counted.includes(accountId)),
  }));
  // Accounts that no fetch has found yet: whatever was asked was asked for them.
  const whole = allowance(calls, limit, () => true);
  const least = [...accounts].sort((one, other) => one.remaining - other.remaining)[0] ?? whole;
  return { limit, remaining: least.remaining, resetsAt: least.resetsAt, accounts };
}

function allowance(
  { unattended, blockedUntil }: BankCalls,
  limit: number,
  counts: (accountIds: readonly string[]) => boolean,
): Allowance {
  if (blockedUntil !== undefined) return { remaining: 0, resetsAt: new Date(blockedUntil) };
  const counted = unattended.filter(({ accountIds }) => counts(accountIds));
  // The first whose end makes room.
  const next = counted[Math.max(0, counted.length - limit)];
  return {
    remaining: Math.max(0, limit - counted.length),
    ...(next && { resetsAt: new Date(Date.parse(next.at) + day) }),
  };
}
