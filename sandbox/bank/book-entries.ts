import type { LedgerTransaction } from '../../core/bank-ledger.js';
import type { DemoAccount, MonthlyPayment } from './demo-people.js';
import { createSeededRandom } from './seeded-random.js';
import { drawPurchase } from './spending.js';

const dayMs = 86_400_000;

/** Card purchases are pending until the shop has settled them. */
const settlementMs = 36 * 3_600_000;

/** An account's book as of a moment: every entry, newest first. */
export interface Book {
  readonly entries: readonly LedgerTransaction[];
  /** Pence, pending entries included. */
  readonly balance: number;
}

/**
 * Books every day from `since` until `now`. A day's entries depend on the account, the date and the
 * days before alone, so that they are the same tomorrow, after a restart and on another machine.
 */
export function bookEntries(account: DemoAccount, since: Date, now: Date): Book {
  const entries: LedgerTransaction[] = [];
  let balance = account.openingBalance;
  for (let midnight = since.getTime(); midnight <= now.getTime(); midnight += dayMs) {
    for (const entry of bookDay(account, balance, new Date(midnight), now)) {
      balance += entry.amount;
      entries.push(entry);
    }
  }
  return { entries: entries.reverse(), balance };
}

/** The entries of one day (UTC) that have happened by `now`, oldest first. */
function bookDay(
  account: DemoAccount,
  balance: number,
  midnight: Date,
  now: Date,
): LedgerTransaction[] {
  const date = midnight.toISOString().slice(0, 10);
  const random = createSeededRandom(`${account.id} ${date}`);
  const planned = [...planTopUp(account, balance), ...account.monthly]
    .filter(({ day }) => day === midnight.getUTCDate())
    .map((payment) => ({ ...payment, minute: random.between(5, 180), card: false }));
  const visits = Math.floor(account.purchasesPerDay * 2 * random.next() + random.next());
  const purchases = Array.from({ length: visits }, () => ({
    ...drawPurchase(random),
    minute: random.between(7 * 60, 22 * 60),
    card: true,
  }));
  return [...planned, ...purchases]
    .map(({ information, amount, minute, card }, index) => {
      const bookedAt = new Date(midnight.getTime() + minute * 60_000);
      const settled = !card || now.getTime() - bookedAt.getTime() > settlementMs;
      const status = settled ? ('Booked' as const) : ('Pending' as const);
      const id = `${account.id}-${date.replaceAll('-', '')}-${index + 1}`;
      return { id, bookedAt, amount, currency: 'GBP', information, status };
    })
    .filter(({ bookedAt }) => bookedAt <= now)
    .sort((one, other) => one.bookedAt.getTime() - other.bookedAt.getTime());
}

/** The transfer of the first of the month, in whole tens of pounds; none for little. */
function planTopUp({ topUp }: DemoAccount, balance: number): MonthlyPayment[] {
  if (!topUp) return [];
  const amount = Math.round((topUp.target - balance) / 1000) * 1000;
  if (Math.abs(amount) < 10_000) return [];
  return [{ day: 1, information: amount > 0 ? topUp.moneyIn : topUp.moneyOut, amount }];
}
