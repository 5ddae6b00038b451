import { ButtonLink } from '../components/button.js';
import { Card } from '../components/card.js';
import { type Column, DataTable } from '../components/data-table.js';
import { type Exchange, ExchangeView } from '../components/exchange-view.js';
import { Link } from '../components/link.js';
import { Name } from '../components/name.js';
import { displayName } from '../display-name.js';
import { formatShortDate } from '../format-date.js';
import { formatMoney, type Money } from '../format-money.js';
import { maskAccountNumber } from '../mask-account-number.js';
import type { Brand } from '../party.js';
import { Layout } from '../render-page.js';
import { tppTrust } from './tpp-home-page.js';
import { Next, type TppNext } from './tpp-step-page.js';

export interface TppAccountsPageProps {
  readonly brand: Exclude<Brand, 'assent'>;
  readonly title: string;
  readonly intro: string;
  readonly accounts: readonly TppAccount[];
  readonly transactions?:
    | { readonly rows: readonly TppTransaction[]; readonly olderHref?: string | undefined }
    | undefined;
  /** The calls that brought the data. */
  readonly exchanges: readonly Exchange[];
  /** What can be done next, the main one first. */
  readonly actions?: readonly TppNext[] | undefined;
}

export interface TppAccount {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  /** Absent where the permission for details was not given. */
  readonly number?: string | undefined;
  readonly balance?: Money | undefined;
  /** Where this account's transactions are shown. */
  readonly href?: string | undefined;
}

export interface TppTransaction {
  readonly id: string;
  readonly date: Date;
  readonly description: string;
  readonly amount: Money;
}

/** The data that flowed, and the calls that brought it. */
export function TppAccountsPage(props: TppAccountsPageProps) {
  const { accounts, transactions, exchanges, actions = [] } = props;
  return (
    <Layout
      title={props.title}
      brand={props.brand}
      width="wide"
      lead={props.intro}
      trust={tppTrust}
    >
      <Card heading="Accounts">
        {accounts.length === 0 ? (
          <p>No accounts were shared.</p>
        ) : (
          <DataTable caption="Accounts" columns={accountColumns} rows={accounts} />
        )}
      </Card>
      {transactions === undefined ? null : (
        <Card heading="Transactions">
          {transactions.rows.length === 0 ? (
            <p>No transactions here.</p>
          ) : (
            <DataTable
              caption="Transactions"
              columns={transactionColumns}
              rows={transactions.rows}
            />
          )}
          {transactions.olderHref === undefined ? null : (
            <ButtonLink look="secondary" href={transactions.olderHref}>
              Older transactions
            </ButtonLink>
          )}
        </Card>
      )}
      {actions.length === 0 ? null : (
        <div class="actions">
          {actions.map((action, index) => (
            <Next key={action.label} look={index === 0 ? 'primary' : 'secondary'} {...action} />
          ))}
        </div>
      )}
      {exchanges.map((exchange, index) => (
        <ExchangeView key={`${index}-${exchange.title}`} of={exchange} number={index + 1} />
      ))}
    </Layout>
  );
}

const accountColumns: readonly Column<TppAccount>[] = [
  {
    heading: 'Account',
    cell: ({ name, href, kind, number }) => (
      <>
        <strong>
          {href === undefined ? (
            <Name of={name} />
          ) : (
            <Link href={href}>
              <Name of={name} />
            </Link>
          )}
        </strong>
        <span class="choice-detail">
          {displayName(kind)}{' '}
          <span class="number">{number ? maskAccountNumber(number) : '(number not shared)'}</span>
        </span>
      </>
    ),
  },
  {
    heading: 'Balance',
    numeric: true,
    cell: ({ balance }) => (balance ? formatMoney(balance) : 'Not shared'),
  },
];

const transactionColumns: readonly Column<TppTransaction>[] = [
  { heading: 'Date', cell: ({ date }) => <span class="number">{formatShortDate(date)}</span> },
  { heading: 'Description', cell: ({ description }) => <Name of={description} maxLength={120} /> },
  { heading: 'Amount', numeric: true, cell: ({ amount }) => formatMoney(amount) },
];
