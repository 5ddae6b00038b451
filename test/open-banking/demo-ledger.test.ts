import { describe, expect, test } from '@jest/globals';
import type { LedgerAccount } from '../../core/bank-ledger.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { demoCustomers, demoPeople } from '../../sandbox/bank/demo-people.js';

const ledgerAt = (now: string) => createDemoLedger({ clock: { now: () => Date.parse(now) } });
const whole = { offset: 0, limit: 100_000 };

async function accountsOf(login: string, now = '2026-11-21T09:00:00Z'): Promise<LedgerAccount[]> {
  const customer = demoCustomers.find((candidate) => candidate.login === login);
  const accounts = await ledgerAt(now).accounts(customer?.id ?? '');
  if ('refused' in accounts) throw new Error(accounts.reason);
  return [...accounts];
}

describe('demo people', () => {
  test('are the five that a demonstration needs', async () => {
    expect(await accountsOf('amelia')).toHaveLength(3);
    expect((await accountsOf('daniel')).map(({ jointWith }) => jointWith)).toEqual([
      ['Grace Okafor'],
      [],
    ]);
    expect(await accountsOf('noah')).toEqual([]);
    const [main] = await accountsOf('priya');
    const { total } = await ledgerAt('2026-11-21').transactions(main?.id ?? '', {}, whole);
    expect(total).toBeGreaterThan(3_000);
    const refused = await ledgerAt('2026-11-21').accounts('cust-7d28e650');
    expect(refused).toEqual({ refused: true, reason: expect.stringMatching(/\w.*\.$/) });
  });

  test('sign in with what is announced, and with nothing else', async () => {
    const ledger = ledgerAt('2026-11-21');
    for (const { login, password } of demoPeople) {
      expect(await ledger.authenticate(` ${login.toUpperCase()} `, password)).toBeDefined();
      for (const wrong of ['', password.toUpperCase(), `${password} `, `${password}-`]) {
        expect(await ledger.authenticate(login, wrong)).toBeUndefined();
      }
    }
    expect(await ledger.authenticate('nobody', 'harbour-lantern-42')).toBeUndefined();
    expect(await ledger.authenticate('constructor', '')).toBeUndefined();
  });

  test('never have an account number twice', async () => {
    const all = demoCustomers.flatMap(({ accounts }) => accounts);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(new Set(all.map(({ accountNumber }) => accountNumber)).size).toBe(all.length);
    expect(all.every(({ accountNumber }) => /^\d{8}$/.test(accountNumber))).toBe(true);
  });
});

describe('the books', () => {
  test('say tomorrow what they said today, and no more than has happened', async () => {
    const today = await ledgerAt('2026-11-21T09:00:00Z').transactions('22289', {}, whole);
    const tomorrow = await ledgerAt('2026-11-22T09:00:00Z').transactions('22289', {}, whole);
    const settled = (entry: object) => ({ ...entry, status: 'Booked' });
    const known = new Map(tomorrow.transactions.map((entry) => [entry.id, settled(entry)]));
    const still = today.transactions.filter(({ id }) => known.has(id));
    expect(still.length).toBeGreaterThan(today.total - 10);
    for (const entry of still) expect(known.get(entry.id)).toEqual(settled(entry));
    expect(today.transactions[0]?.bookedAt.toISOString().localeCompare('2026-11-21T09')).toBe(-1);
  });

  test('balance: what changed between two days is what was booked between them', async () => {
    const [before, after] = [new Date('2026-08-01T00:00:00Z'), new Date('2026-11-21T09:00:00Z')];
    for (const login of ['amelia', 'daniel', 'priya']) {
      const then = await accountsOf(login, before.toISOString());
      for (const account of await accountsOf(login, after.toISOString())) {
        const window = { from: new Date(before.getTime() + 1) };
        const { transactions } = await ledgerAt(after.toISOString()).transactions(
          account.id,
          window,
          whole,
        );
        const booked = transactions.reduce((sum, { amount }) => sum + amount, 0);
        const start = then.find(({ id }) => id === account.id)?.balance ?? Number.NaN;
        expect(account.balance).toBe(start + booked);
      }
    }
  });

  test('go back 24 months and stay plausible for years', async () => {
    for (const now of ['2026-03-17T12:00:00Z', '2027-08-30T12:00:00Z', '2029-12-24T12:00:00Z']) {
      const { transactions } = await ledgerAt(now).transactions('60233', {}, whole);
      const oldest = transactions.at(-1)?.bookedAt.getTime() ?? 0;
      expect(Math.round((Date.parse(now) - oldest) / 86_400_000)).toBeGreaterThan(727);
      for (const login of ['amelia', 'daniel', 'priya']) {
        for (const { balance } of await accountsOf(login, now)) {
          expect(Math.abs(balance)).toBeLessThan(5_000_000);
        }
      }
    }
  });

  test('page without gaps, newest first, and filter by time and direction', async () => {
    const ledger = ledgerAt('2026-11-21T09:00:00Z');
    const window = { from: new Date('2026-10-01'), to: new Date('2026-11-01') };
    const all = await ledger.transactions('60233', window, whole);
    const paged = [];
    for (let offset = 0; offset < all.total; offset += 7) {
      const page = await ledger.transactions('60233', window, { offset, limit: 7 });
      expect(page.total).toBe(all.total);
      paged.push(...page.transactions);
    }
    expect(paged).toEqual(all.transactions);
    const times = all.transactions.map(({ bookedAt }) => bookedAt.getTime());
    expect(times).toEqual(times.toSorted((one, other) => other - one));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(window.from.getTime());
    expect(Math.max(...times)).toBeLessThan(window.to.getTime());
    const credits = await ledger.transactions('60233', { ...window, direction: 'credit' }, whole);
    const debits = await ledger.transactions('60233', { ...window, direction: 'debit' }, whole);
    expect(credits.total + debits.total).toBe(all.total);
    expect(credits.transactions.every(({ amount }) => amount > 0)).toBe(true);
  });
});
