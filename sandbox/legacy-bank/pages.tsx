import type { ComponentChildren, VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { formatDateTime, formatShortDate } from '../../consent-ui/format-date.js';
import { formatMoney } from '../../consent-ui/format-money.js';
import type { LedgerAccount, LedgerTransaction } from '../../core/bank-ledger.js';
import type { TextMessage } from './visits.js';

export const legacyBankName = 'Old Mill Bank';

interface PageProps {
  /** What a reader of the page recognises it by. */
  readonly id: 'sign-in' | 'code' | 'accounts' | 'statement' | 'notice' | 'phone';
  readonly title: string;
  readonly children: ComponentChildren;
}

/** A whole document as HTML: plain, as such banks are. */
export function render(page: VNode): string {
  return `<!doctype html>${renderToString(page)}`;
}

function Page({ id, title, children }: PageProps) {
  return (
    <html lang="en-GB">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`${title} – ${legacyBankName}`}</title>
      </head>
      <body id={id}>
        <h1>{title}</h1>
        {children}
      </body>
    </html>
  );
}

/** Who are you? @param problem why the form is shown again. */
export function SignInPage({ problem }: { readonly problem?: string | undefined }) {
  return (
    <Page id="sign-in" title="Sign in">
      <Problem text={problem} />
      <form method="post" action="/sign-in">
        <p>
          <label for="user_name">User name</label>{' '}
          <input id="user_name" name="user_name" autocomplete="username" maxLength={200} />
        </p>
        <p>
          <label for="password">Password</label>{' '}
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            maxLength={200}
          />
        </p>
        <button type="submit">Sign in</button>
      </form>
    </Page>
  );
}

/** Is it your phone? @param problem why the form is shown again. */
export function CodePage({ problem }: { readonly problem?: string | undefined }) {
  return (
    <Page id="code" title="Enter your code">
      <Problem text={problem} />
      <p>We sent a code to your phone.</p>
      <form method="post" action="/code">
        <p>
          <label for="code">Code</label>{' '}
          <input id="code" name="code" autocomplete="one-time-code" inputMode="numeric" />
        </p>
        <button type="submit">Go on</button>
      </form>
    </Page>
  );
}

function Problem({ text }: { readonly text: string | undefined }) {
  return text === undefined ? null : (
    <p id="problem" role="alert">
      {text}
    </p>
  );
}

export function AccountsPage(props: {
  readonly login: string;
  readonly accounts: readonly LedgerAccount[];
}) {
  return (
    <Page id="accounts" title="Your accounts">
      <SignedIn login={props.login} />
      <table>
        <tr>
          <th>Account</th>
          <th>Kind</th>
          <th>Sort code</th>
          <th>Account number</th>
          <th>Balance</th>
        </tr>
        {props.accounts.map((account) => (
          <tr key={account.id}>
            <td>
              <a href={`/accounts/${account.id}`}>{account.nickname}</a>
            </td>
            <td>{kinds[account.accountSubType]}</td>
            <td>{account.sortCode}</td>
            <td>{account.accountNumber}</td>
            <td>{formatMoney({ minorUnits: account.balance, currency: account.currency })}</td>
          </tr>
        ))}
      </table>
    </Page>
  );
}

const kinds: Readonly<Record<LedgerAccount['accountSubType'], string>> = {
  CurrentAccount: 'Current account',
  Savings: 'Savings account',
  CreditCard: 'Credit card',
  Loan: 'Loan',
  Mortgage: 'Mortgage',
};

/** One page of an account's entries. @param next where the following one is. */
export function StatementPage(props: {
  readonly login: string;
  readonly account: LedgerAccount;
  readonly transactions: readonly LedgerTransaction[];
  readonly next?: string | undefined;
}) {
  return (
    <Page id="statement" title={props.account.nickname}>
      <SignedIn login={props.login} />
      <table>
        <tr>
          <th>Date</th>
          <th>Reference</th>
          <th>Description</th>
          <th>Status</th>
          <th>Amount</th>
        </tr>
        {props.transactions.map(({ id, bookedAt, information, status, amount, currency }) => (
          <tr key={id}>
            <td>
              <time dateTime={bookedAt.toISOString()}>{formatShortDate(bookedAt)}</time>
            </td>
            <td>{id}</td>
            <td>{information}</td>
            <td>{status}</td>
            <td>{formatMoney({ minorUnits: amount, currency })}</td>
          </tr>
        ))}
      </table>
      {props.next === undefined ? null : (
        <p>
          <a rel="next" href={props.next}>
            Earlier entries
          </a>
        </p>
      )}
    </Page>
  );
}

function SignedIn({ login }: { readonly login: string }) {
  return (
    <form method="post" action="/sign-out">
      <p>
        Signed in as <strong id="customer">{login}</strong>{' '}
        <button type="submit">Sign out and forget this device</button>
      </p>
    </form>
  );
}

/** Why the bank shows this customer nothing. */
export function NoticePage({ login, text }: { readonly login: string; readonly text: string }) {
  return (
    <Page id="notice" title="Not available online">
      <SignedIn login={login} />
      <p id="problem">{text}</p>
    </Page>
  );
}

/** Stands for the phones of all demo people: a real bank's messages would arrive there. */
export function PhonePage({ messages }: { readonly messages: readonly TextMessage[] }) {
  return (
    <Page id="phone" title="The phone of every demo person">
      <p>
        This is a sandbox: the codes that the bank sends are shown here. Reload it after you signed
        in.
      </p>
      {messages.length === 0 ? <p>No message.</p> : null}
      <ul>
        {messages.map(({ login, code, sentAt }) => (
          <li key={login}>
            To {login}, {formatDateTime(sentAt)}: your code is{' '}
            <strong id={`code-of-${login}`}>{code}</strong>
          </li>
        ))}
      </ul>
      <form method="post" action="/phone">
        <p>
          The bank trusts a device for twelve hours, and then asks for a code again. It can forget
          all devices now: <button type="submit">Forget every device</button>
        </p>
      </form>
    </Page>
  );
}
