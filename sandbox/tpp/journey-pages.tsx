import type { Exchange } from '../../consent-ui/components/exchange-view.js';
import { TppAccountsPage } from '../../consent-ui/pages/tpp-accounts-page.js';
import type { TppNext } from '../../consent-ui/pages/tpp-step-page.js';
import { TppStepPage } from '../../consent-ui/pages/tpp-step-page.js';
import { brand } from './brand.js';
import type { AccountDocument, TransactionsDocument } from './documents.js';
import type { Journey } from './journey.js';
import type { ConnectedJourney } from './read-data.js';

const startAgain = { href: '/', label: 'Start again' };

/** Before the person goes. */
export function RequestPage({ journey }: { journey: Journey }) {
  if ('authRequestId' in journey.redeems) {
    return (
      <TppStepPage
        brand={brand}
        title="The auth request is made"
        intro={`The person goes from a screen of this application straight to the bank: ${journey.authorizationUrl}`}
        exchanges={journey.requestExchanges}
        next={{ href: journey.authorizationUrl, label: 'Go to the bank as the person' }}
      />
    );
  }
  return (
    <TppStepPage
      brand={brand}
      title="The request is pushed"
      intro={`Secrets and tokens are shown whole, since all of them are the sandbox's own. The browser will carry a reference only: ${journey.authorizationUrl}`}
      exchanges={journey.requestExchanges}
      next={{ href: journey.authorizationUrl, label: 'Go to Assent as the person' }}
    />
  );
}

interface CallbackPageProps {
  readonly journey: Journey;
  readonly callback: URL;
  readonly csrf: string;
}

/** The person is back with a code: one of Assent's to exchange, or the bank's own to hand on. */
export function CallbackPage({ journey, callback, csrf }: CallbackPageProps) {
  const isOfBank = 'authRequestId' in journey.redeems;
  return (
    <TppStepPage
      brand={brand}
      title="The person is back"
      intro="The answer belongs to this browser's request, by its state. The code is worth nothing without this client's proof."
      exchanges={[
        {
          title: 'The browser returns',
          explanation: isOfBank
            ? 'From the bank, by way of Assent, which forwards what the bank said.'
            : 'From Assent, with code, state and iss (RFC 6749 §4.1.2, RFC 9207).',
          request: { method: 'GET', url: callback.href, headers: {} },
          response: { status: 200, headers: {}, body: Object.fromEntries(callback.searchParams) },
        },
      ]}
      next={{
        action: `/journeys/${journey.id}/redeem`,
        csrf,
        label: isOfBank ? 'Complete the auth request' : 'Exchange the code',
      }}
    />
  );
}

interface TokensPageProps {
  readonly journey: ConnectedJourney;
  /** Where the connection is, which a renewal finds again. */
  readonly connectionPath: string;
}

/** The code is redeemed; the connection exists. */
export function TokensPage({ journey, connectionPath }: TokensPageProps) {
  const { userId, connectionId, exchanges } = journey.connected;
  return (
    <TppStepPage
      brand={brand}
      title={journey.renews ? 'The connection is renewed' : 'The bank is connected'}
      intro={`User ${userId}, connection ${connectionId}`}
      exchanges={exchanges}
      next={{ href: `${connectionPath}/accounts`, label: 'Read the accounts' }}
    />
  );
}

interface DataPageProps {
  readonly journey: ConnectedJourney;
  readonly accounts: readonly AccountDocument[];
  readonly exchanges: readonly Exchange[];
}

interface AccountsPageProps extends DataPageProps {
  readonly renewals: readonly TppNext[];
}

/** The accounts that were shared. */
export function AccountsPage(props: AccountsPageProps) {
  const { journey, accounts, exchanges, renewals } = props;
  return (
    <TppAccountsPage
      brand={brand}
      title="The accounts"
      intro={
        journey.choice.access === 'one-time'
          ? 'Read with the access token that the code brought.'
          : 'Read with a token for the user, which this client can ask for at any time.'
      }
      accounts={accounts.map((account) => toTppAccount(journey, account))}
      exchanges={exchanges}
      actions={
        journey.choice.access === 'ongoing'
          ? [
              { href: `/journeys/${journey.id}/connections`, label: 'List the connections' },
              ...renewals,
              startAgain,
            ]
          : [startAgain]
      }
    />
  );
}

interface TransactionsPageProps extends DataPageProps {
  readonly page: TransactionsDocument;
}

/** One account and a page of what happened in it. */
export function TransactionsPage({ journey, accounts, page, exchanges }: TransactionsPageProps) {
  const [account] = accounts;
  const next = page.links?.next ? URL.parse(page.links.next, 'https://localhost') : undefined;
  return (
    <TppAccountsPage
      brand={brand}
      title="The transactions"
      intro="Newest first, a page of 25."
      accounts={accounts.map((one) => toTppAccount(journey, one))}
      transactions={{
        rows: page.data.map(({ id, date, longDescription, amount }) => ({
          id,
          date,
          description: longDescription,
          amount: { minorUnits: amount.value, currency: amount.currency },
        })),
        ...(next &&
          account && {
            olderHref: `/journeys/${journey.id}/accounts/${encodeURIComponent(account.id)}?${new URLSearchParams({ next: next.search })}`,
          }),
      }}
      exchanges={exchanges}
      actions={[
        { href: `/journeys/${journey.id}/accounts`, label: 'Back to the accounts' },
        startAgain,
      ]}
    />
  );
}

interface ConnectionsPageProps {
  readonly journey: Journey;
  readonly exchanges: readonly Exchange[];
  readonly renewals: readonly TppNext[];
  readonly csrf: string;
}

/** The user's connections, how this one goes on, and its end. */
export function ConnectionsPage({ journey, exchanges, renewals, csrf }: ConnectionsPageProps) {
  return (
    <TppStepPage
      brand={brand}
      title="The connections"
      intro="What the person connected, and how each connection is. It is renewed from here also when it has ended."
      exchanges={exchanges}
      next={{ href: `/journeys/${journey.id}/accounts`, label: 'Read the accounts' }}
      others={[
        ...renewals,
        { action: `/journeys/${journey.id}/delete`, csrf, label: 'Delete the connection' },
        startAgain,
      ]}
    />
  );
}

/** The consent goes on, without a visit. */
export function ExtendedPage({
  journey,
  exchanges,
}: Pick<ConnectionsPageProps, 'journey' | 'exchanges'>) {
  return (
    <TppStepPage
      brand={brand}
      title="The consent is extended"
      intro="This application asked the person on a screen of its own, and tells Assent what they agreed to."
      exchanges={exchanges}
      next={{ href: `/journeys/${journey.id}/connections`, label: 'Back to the connection' }}
    />
  );
}

/** The connection has ended. */
export function DeletedPage({ exchanges }: { exchanges: readonly Exchange[] }) {
  return (
    <TppStepPage
      brand={brand}
      title="The connection is deleted"
      intro="The bank was told that the consent has ended, and the data is removed."
      exchanges={exchanges}
      next={startAgain}
    />
  );
}

function toTppAccount({ id }: Journey, { details, balance, ...account }: AccountDocument) {
  return {
    id: account.id,
    name: account.accountName,
    kind: account.type,
    number: details?.sortCodeAccountNumber ?? details?.iban ?? undefined,
    balance: balance
      ? { minorUnits: balance.amount.value, currency: balance.amount.currency }
      : undefined,
    href: `/journeys/${id}/accounts/${encodeURIComponent(account.id)}`,
  };
}
