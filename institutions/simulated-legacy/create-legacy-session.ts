import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import type { BankAccount, BankSession, BankTransaction } from '../../core/institution.js';
import { InstitutionError } from '../../core/institution.js';
import { parseMinorUnits } from '../../core/minor-units.js';
import { invalidAnswer } from '../institution-errors.js';
import type { Browser } from './browser.js';
import type { Authorization } from './credentials.js';
import type { Page } from './read-page.js';

/** The bank shows pounds only. */
const currency = 'GBP';

const text = z.object({ text: z.string().min(1).max(256) }).transform((cell) => cell.text);

/** "£1,234.50", "−£3.00" in pence. */
const money = text.transform((shown, context) => {
  const [, minus, digits = ''] = /^([-\u2212]?)£([\d,]{1,20}\.\d\d)$/.exec(shown) ?? [];
  try {
    const pence = parseMinorUnits(digits.replaceAll(',', ''), currency);
    return minus && pence !== 0 ? -pence : pence;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    context.addIssue(cause.message);
    return z.NEVER;
  }
});

const accountRow = z.object({
  Account: z.object({
    text: z.string().min(1).max(256),
    href: z.string().regex(/^\/accounts\/[\w-]{1,64}$/),
  }),
  Kind: text,
  'Sort code': text,
  'Account number': text,
  Balance: money,
});

const entryRow = z.object({
  Date: z.object({ dateTime: z.iso.datetime() }).transform((cell) => new Date(cell.dateTime)),
  Reference: text,
  Description: text,
  Status: text,
  Amount: money,
});

/** The identity service's types for the bank's kinds. */
const accountTypes: ReadonlyMap<string, string> = new Map([
  ['Current account', 'cash:current'],
  ['Savings account', 'savings'],
  ['Credit card', 'card'],
  ['Loan', 'loan'],
  ['Mortgage', 'mortgage:repayment'],
]);

const maxPages = 1000;

/** The port's session over the bank's pages, with a browser that is signed in. */
export function createLegacySession(deps: {
  readonly bankName: string;
  readonly browser: Browser;
  readonly authorization: Authorization;
  readonly clock: Clock;
}): BankSession {
  const { bankName, browser, authorization, clock } = deps;

  async function open(path: string, name: string): Promise<Page> {
    const page = await browser.open(path);
    if (page.name === name) return page;
    if (page.name === 'notice') {
      throw new InstitutionError('refused', `${bankName} does not show these accounts online.`);
    }
    if (page.name === 'sign-in') {
      throw new InstitutionError('unavailable', `${bankName} ended the session.`);
    }
    throw invalidAnswer(bankName, new Error('another page than the one asked for'));
  }

  function readRows<Row>(page: Page, row: z.ZodType<Row>): readonly Row[] {
    const parsed = z.array(row).safeParse(page.rows);
    if (parsed.success) return parsed.data;
    // Places only: the cells are personal data.
    const places = parsed.error.issues.map(({ path }) => path.join('.')).slice(0, 5);
    throw invalidAnswer(bankName, new Error(`cannot be read: ${places.join(', ')}`));
  }

  return {
    get authorization() {
      return { ...authorization, cookies: browser.cookies };
    },

    async accounts() {
      const at = new Date(clock.now());
      const rows = readRows(await open('/accounts', 'accounts'), accountRow);
      return rows.map((row): BankAccount => toBankAccount(row, at));
    },

    async *transactions(upstreamAccountId, { from, to }) {
      const account = encodeURIComponent(upstreamAccountId);
      const days = new URLSearchParams({ from: toDay(from), to: toDay(to) });
      let path: string | undefined = `/accounts/${account}?${days}`;
      for (let read = 0; path !== undefined; read += 1) {
        if (read === maxPages) throw invalidAnswer(bankName, new Error('pages without an end'));
        const page: Page = await open(path, 'statement');
        yield readRows(page, entryRow)
          .map(toBankTransaction)
          .filter(({ bookedAt }) => bookedAt >= from && bookedAt < to);
        path = page.next;
      }
    },
  };
}

function toBankAccount(row: z.output<typeof accountRow>, at: Date): BankAccount {
  const { Account, Kind, Balance } = row;
  return {
    upstreamId: Account.href.slice('/accounts/'.length),
    name: Account.text,
    type: accountTypes.get(Kind) ?? 'cash:current',
    holder: 'personal',
    currency,
    balance: { amount: Balance, at },
    identification: { sortCode: row['Sort code'], accountNumber: row['Account number'] },
  };
}

function toBankTransaction(row: z.output<typeof entryRow>): BankTransaction {
  return {
    upstreamId: row.Reference,
    bookedAt: row.Date,
    amount: row.Amount,
    currency,
    description: row.Description,
    status: row.Status === 'Booked' ? 'posted' : 'pending',
  };
}

/** Statements are asked for by whole days (UTC), the last one included. */
function toDay(date: Date): string {
  return date.toISOString().slice(0, 10);
}
