import type { VNode } from 'preact';
import type { Exchange } from '../../consent-ui/components/exchange-view.js';
import { AccessPage } from '../../consent-ui/pages/access-page.js';
import { AccountSelectionPage } from '../../consent-ui/pages/account-selection-page.js';
import { ApprovalOutcomePage } from '../../consent-ui/pages/approval-outcome-page.js';
import { ApprovalPage } from '../../consent-ui/pages/approval-page.js';
import { ApprovalsPage } from '../../consent-ui/pages/approvals-page.js';
import { BankLoginPage } from '../../consent-ui/pages/bank-login-page.js';
import { ConsentPage } from '../../consent-ui/pages/consent-page.js';
import { CredentialsPage } from '../../consent-ui/pages/credentials-page.js';
import { DetailsPage } from '../../consent-ui/pages/details-page.js';
import { InstitutionChooserPage } from '../../consent-ui/pages/institution-chooser-page.js';
import { LoggedOutPage } from '../../consent-ui/pages/logged-out-page.js';
import { LogoutFramesPage } from '../../consent-ui/pages/logout-frames-page.js';
import { LogoutPage } from '../../consent-ui/pages/logout-page.js';
import { ProblemPage } from '../../consent-ui/pages/problem-page.js';
import { RenewalPage } from '../../consent-ui/pages/renewal-page.js';
import { SecondFactorPage } from '../../consent-ui/pages/second-factor-page.js';
import { SignOnConsentPage } from '../../consent-ui/pages/sign-on-consent-page.js';
import { TppAccountsPage } from '../../consent-ui/pages/tpp-accounts-page.js';
import { TppErrorPage } from '../../consent-ui/pages/tpp-error-page.js';
import { TppHomePage } from '../../consent-ui/pages/tpp-home-page.js';
import { TppStepPage } from '../../consent-ui/pages/tpp-step-page.js';
import { TppTimePage } from '../../consent-ui/pages/tpp-time-page.js';
import { defaultPermissions, describePermissions } from '../../core/permissions.js';
import { describePersonalData } from '../../core/person-claims.js';

/** The text that stands for every name and free text from outside; hostile in the tests. */
export type Wording = (text: string) => string;

const now = new Date('2026-11-21T09:30:00Z');
const post = { action: '/interaction/k3y/step', csrf: 'csrf-token' };
const cancel = { action: '/interaction/k3y/cancel', csrf: 'csrf-token' };

/** Every page with representative props, by file name. */
export function samplePages(word: Wording = (text) => text) {
  const client = { name: word('Ledgerlight'), host: word('ledgerlight.example') };
  const bank = { name: word('Northbank') };
  const access = {
    kind: 'ongoing' as const,
    transactionFrom: new Date('2025-11-21T00:00:00Z'),
    expiresAt: new Date('2027-02-19T09:30:00Z'),
    now,
  };
  const clusters = describePermissions(defaultPermissions).map(({ title, detail }) => ({
    title: word(title),
    detail: detail.map(word),
  }));
  const bankBrand = { ...bank, accent: 'forest' as const };
  const app = { name: word('Ledgerlight'), accent: 'plum' as const };
  const hints = [
    {
      login: 'amara',
      password: 'amara-demo',
      what: word('Three accounts, one of them savings'),
    },
    { login: 'bruno', password: 'bruno-demo', what: word('A joint account') },
  ];
  const selection = { ...post, ...access, bank: bankBrand, client, clusters };
  const accounts = [
    { id: 'a', name: word('Everyday'), kind: word('Current account'), number: '20-11-43 31926819' },
    {
      id: 'b',
      name: word('Household'),
      kind: word('Current account'),
      number: '31926820',
      jointWith: [word('Bruno Silva')],
    },
    { id: 'c', name: word('Rainy day'), kind: word('Savings'), number: '31926821' },
  ];
  const granted = {
    title: 'to see data from your accounts',
    accounts,
    sees: clusters.map(({ title }) => title),
    rows: [],
    until: access.expiresAt,
  };
  const earlier = {
    stays: false,
    agreedAt: new Date('2026-08-23T09:30:00Z'),
    parts: [{ ...granted, accounts: accounts.slice(0, 1) }],
  };
  const detail = {
    title: 'to see data from your accounts',
    clusters,
    rows: [],
    choose: 'several' as const,
    field: 'account-0',
    accounts,
    until: access.expiresAt,
  };
  const finishBy = new Date('2026-11-21T10:30:00Z');
  const approval = {
    ...post,
    ...{ bank: bankBrand, client, askedAt: now, expiresAt: finishBy },
    bindingMessage: word('TILL-7'),
  };
  const chooser = {
    ...post,
    client,
    searchAction: '/interaction/k3y',
    cancel,
    journey: { step: 1, of: 3, finishBy },
  };
  const renewal = {
    ...{ ...post, ...access, client, institution: bank, clusters },
    connectedOn: new Date('2026-08-23T09:30:00Z'),
    endsAt: new Date('2026-11-23T09:30:00Z'),
    isChanged: false,
  };
  return {
    'consent-reconsent': <RenewalPage {...renewal} purpose="reconsent" />,
    'consent-reconsent-expired': (
      <RenewalPage {...renewal} purpose="reconsent" endsAt={new Date('2026-11-01T09:30:00Z')} />
    ),
    'consent-reconsent-shorter': (
      <RenewalPage {...renewal} purpose="reconsent" endsAt={new Date('2027-03-21T09:30:00Z')} />
    ),
    'consent-reconsent-alike': (
      <RenewalPage {...renewal} purpose="reconsent" endsAt={new Date('2027-02-19T09:40:00Z')} />
    ),
    'consent-reauth': <RenewalPage {...renewal} purpose="reauth" isChanged />,
    'consent-reauth-legacy': <RenewalPage {...renewal} purpose="reauth" signIn="here" />,
    'consent-refresh': <RenewalPage {...renewal} purpose="refresh" kind="one-time" signIn="here" />,
    'institution-chooser': (
      <InstitutionChooserPage
        {...chooser}
        institutions={[
          { id: 'northbank', name: bank.name, tag: word('Test') },
          { id: 'harbour', name: word('Harbour Building Society'), tag: word('Test') },
          { id: 'meridian', name: word('Meridian Bank') },
          { id: 'oak', name: word('Oak & Co'), tag: word('Older login') },
        ]}
        total={212}
      />
    ),
    'institution-chooser-empty': (
      <InstitutionChooserPage {...chooser} query={word('nrthbnk')} institutions={[]} total={0} />
    ),
    consent: (
      <ConsentPage
        {...post}
        {...access}
        client={client}
        institution={bank}
        clusters={clusters}
        journey={{ step: 2, of: 3, finishBy }}
      />
    ),
    'consent-legacy': (
      <ConsentPage
        {...post}
        {...access}
        client={client}
        institution={bank}
        clusters={clusters}
        signIn="here"
      />
    ),
    'consent-one-time': (
      <ConsentPage
        {...post}
        client={client}
        institution={bank}
        clusters={clusters}
        kind="one-time"
        now={now}
        expiresAt={new Date('2026-11-22T09:30:00Z')}
        resumeNote="You came back to where you left off. Nothing has been shared so far."
      />
    ),
    'bank-unreachable': (
      <ProblemPage
        title={word('We could not reach Northbank')}
        sentence={word('Northbank did not answer in time. Nothing has been shared.')}
        traceId={word('93bac548-d2de-4546-b106-880a5018460d')}
        retry={post}
        back={{ ...cancel, label: word('Go back to Ledgerlight') }}
      />
    ),
    problem: (
      <ProblemPage
        title={word('This page has expired')}
        sentence={word('Please start again in the app that sent you here.')}
        back={{ href: 'https://ledgerlight.example/', label: word('Go back to Ledgerlight') }}
      />
    ),
    'bank-code': (
      <SecondFactorPage
        {...post}
        bank={bankBrand}
        client={client}
        device={word('your phone ending in 142')}
        simulatedMessage={word('Northbank: 482913 is your code.')}
        sendAgain={cancel}
        cancel={cancel}
        error="mismatch"
      />
    ),
    'bank-login': (
      <BankLoginPage {...post} bank={bankBrand} client={client} cancel={cancel} hints={hints} />
    ),
    'bank-login-error': (
      <BankLoginPage
        {...post}
        bank={bankBrand}
        client={client}
        cancel={cancel}
        login="grace"
        error="mismatch"
      />
    ),
    'bank-login-missing': (
      <BankLoginPage {...post} bank={bankBrand} login="grace" error="password-missing" />
    ),
    credentials: (
      <CredentialsPage
        {...post}
        client={client}
        institution={bank}
        cancel={cancel}
        fields={[
          {
            name: 'user_name',
            label: word('User name'),
            secret: false,
            autocomplete: 'username',
          },
          {
            name: 'password',
            label: word('Password'),
            secret: true,
            autocomplete: 'current-password',
          },
        ]}
      />
    ),
    'credentials-code-error': (
      <CredentialsPage
        {...post}
        client={client}
        institution={bank}
        cancel={cancel}
        problem={word('Northbank did not take that code. Check it and try again.')}
        fields={[
          {
            name: 'code',
            label: word('Code'),
            hint: word('Northbank sent it to your phone.'),
            secret: false,
            autocomplete: 'one-time-code',
            inputMode: 'numeric',
          },
        ]}
      />
    ),
    'account-selection': <AccountSelectionPage {...selection} accounts={accounts} />,
    'account-selection-open-ended': (
      <AccountSelectionPage {...selection} accounts={accounts} expiresAt={undefined} />
    ),
    'account-selection-error': (
      <AccountSelectionPage {...selection} accounts={accounts} noneChosen />
    ),
    'account-selection-others': (
      <AccountSelectionPage
        {...selection}
        accounts={accounts}
        others={[{ name: word('Northbank Cards'), what: [word('See your cards')] }]}
      />
    ),
    'authorization-details': (
      <DetailsPage
        {...post}
        bank={bankBrand}
        client={client}
        noneChosen
        details={[
          {
            title: 'to see data from your accounts',
            clusters,
            rows: [{ term: 'Transactions since', value: { at: access.transactionFrom } }],
            choose: 'several',
            field: 'account-0',
            accounts,
            until: access.expiresAt,
          },
          {
            title: 'to make a payment',
            clusters: [],
            rows: [
              { term: 'Amount', value: { minorUnits: 12_350, currency: 'GBP' } },
              { term: 'To', value: word('Merchant A') },
            ],
            choose: 'one',
            field: 'account-1',
            accounts,
            until: new Date('2026-11-22T09:30:00Z'),
          },
        ]}
      />
    ),
    'authorization-details-one': (
      <DetailsPage {...post} bank={bankBrand} client={client} details={[detail]} />
    ),
    'authorization-details-merge': (
      <DetailsPage
        {...post}
        bank={bankBrand}
        client={client}
        earlier={{ ...earlier, stays: true }}
        details={[{ ...detail, accounts: accounts.slice(1) }]}
      />
    ),
    'authorization-details-merge-nothing': (
      <DetailsPage
        {...post}
        bank={bankBrand}
        client={client}
        earlier={{ ...earlier, stays: true }}
        details={[{ ...detail, accounts: [], isComplete: true }]}
      />
    ),
    'authorization-details-replace': (
      <DetailsPage
        {...post}
        bank={bankBrand}
        client={client}
        earlier={earlier}
        details={[detail]}
      />
    ),
    'account-selection-merge': (
      <AccountSelectionPage
        {...selection}
        accounts={accounts.slice(1)}
        earlier={{ ...earlier, stays: true }}
      />
    ),
    'account-selection-merge-nothing': (
      <AccountSelectionPage {...selection} accounts={[]} earlier={{ ...earlier, stays: true }} />
    ),
    'account-selection-replace': (
      <AccountSelectionPage {...selection} accounts={accounts} earlier={earlier} />
    ),
    'sign-on-login': (
      <BankLoginPage
        {...post}
        bank={bankBrand}
        client={{
          ...client,
          policyUrl: 'https://ledgerlight.example/privacy',
          termsUrl: 'https://ledgerlight.example/terms',
        }}
        cancel={cancel}
        asks="identity"
      />
    ),
    'sign-on-consent': (
      <SignOnConsentPage
        {...post}
        bank={bankBrand}
        client={client}
        details={describePersonalData({
          scopes: ['profile', 'email', 'address', 'phone'],
          claims: [],
        })}
        lasting
      />
    ),
    'sign-on-consent-nothing': (
      <SignOnConsentPage {...post} bank={bankBrand} client={client} details={[]} lasting={false} />
    ),
    'identity-for-a-day': (
      <SignOnConsentPage
        {...post}
        bank={bankBrand}
        client={client}
        details={[]}
        lasting={false}
        expiresAt={new Date('2026-11-22T09:30:00Z')}
      />
    ),
    'identity-with-purpose': (
      <SignOnConsentPage
        {...post}
        bank={bankBrand}
        client={client}
        purpose={word('To see who rents the flat in Harbour Row')}
        details={describePersonalData({ scopes: [], claims: ['name', 'birthdate', 'address'] })}
        lasting={false}
        expiresAt={new Date('2026-11-22T09:30:00Z')}
      />
    ),
    logout: <LogoutPage {...post} bank={bankBrand} application={word('Ledgerlight')} />,
    'logout-alone': <LogoutPage {...post} bank={bankBrand} />,
    'logged-out': (
      <LoggedOutPage
        bank={bankBrand}
        application={word('Ledgerlight')}
        again="https://ledgerlight.example/"
      />
    ),
    'logged-out-everywhere': <LoggedOutPage bank={bankBrand} />,
    'logout-frames': (
      <LogoutFramesPage
        bank={bankBrand}
        addresses={['https://ledgerlight.example/signed-out', 'https://budget.example/signed-out']}
        next="https://ledgerlight.example/"
      />
    ),
    'account-selection-none': <AccountSelectionPage {...selection} accounts={[]} />,
    access: (
      <AccessPage
        bank={bankBrand}
        customer={word('Amelia Hart')}
        hasEnded
        signOut={cancel}
        shared={[
          {
            client,
            parts: [{ ...granted, until: undefined }],
            since: new Date('2026-08-23T09:30:00Z'),
            end: { ...post, action: '/access/a/end' },
          },
          {
            client,
            parts: [
              { ...granted, accounts: accounts.slice(0, 1) },
              {
                title: 'to make a payment',
                accounts: accounts.slice(0, 1),
                sees: [],
                rows: [
                  { term: 'Amount', value: { minorUnits: 12_350, currency: 'GBP' } },
                  { term: 'To', value: word('Merchant A') },
                ],
                until: new Date('2026-11-22T09:30:00Z'),
              },
            ],
            since: now,
            end: { ...post, action: '/access/b/end' },
          },
          {
            client,
            knows: ['Who you are', 'Your email address'],
            since: now,
            until: new Date('2027-02-19T09:30:00Z'),
            end: { ...post, action: '/access/apps/c/end' },
          },
        ]}
      />
    ),
    'access-none': (
      <AccessPage bank={bankBrand} customer={word('Amelia Hart')} shared={[]} signOut={cancel} />
    ),
    'approvals-login': (
      <BankLoginPage
        {...post}
        bank={bankBrand}
        hints={hints}
        lead="After you sign in, you see what waits for your approval, and decide."
      />
    ),
    'approvals-login-again': (
      <BankLoginPage
        {...post}
        bank={bankBrand}
        lead="This request needs your password again and a code. After you sign in, you see what waits for your approval, and decide."
      />
    ),
    approvals: (
      <ApprovalsPage
        bank={bankBrand}
        customer={word('Amelia Hart')}
        href="/approvals"
        signOut={cancel}
        waiting={[
          {
            href: '/approvals/a',
            client,
            bindingMessage: word('TILL-7'),
            what: word('Data'),
            expiresAt: finishBy,
          },
          { href: '/approvals/b', client, what: 'To know that it is you', expiresAt: finishBy },
        ]}
      />
    ),
    'approvals-none': (
      <ApprovalsPage
        bank={bankBrand}
        customer={word('Amelia Hart')}
        href="/approvals"
        signOut={cancel}
        waiting={[]}
      />
    ),
    approval: (
      <ApprovalPage {...approval} access={{ period: access, clusters, accounts }} noneChosen />
    ),
    'approval-identity': (
      <ApprovalPage {...approval} knownUntil={new Date('2026-11-22T09:30:00Z')} />
    ),
    'approval-refused': (
      <ApprovalPage
        {...approval}
        access={{ period: access, clusters, accounts: [] }}
        refusal={word('Online sharing is switched off for your accounts.')}
      />
    ),
    'approval-none': (
      <ApprovalPage {...approval} access={{ period: access, clusters, accounts: [] }} />
    ),
    'approval-outcome': <ApprovalOutcomePage bank={bankBrand} client={client} outcome="expired" />,
    'tpp-home': (
      <TppHomePage
        brand={app}
        start={post}
        clients={[
          {
            value: 'identity-service',
            label: 'Identity service',
            detail: 'identity-service',
            checked: true,
          },
          { value: 'fapi2-security', label: 'FAPI 2.0, mutual TLS', detail: 'fapi2-security' },
          { value: 'fapi2-security-dpop', label: 'FAPI 2.0, DPoP', detail: 'fapi2-security-dpop' },
        ]}
        scopes={[
          {
            value: 'id:test',
            label: 'Choose among the test banks',
            detail: 'id:test',
            checked: true,
          },
          { value: 'id:northbank', label: bank.name, detail: 'id:northbank' },
        ]}
        permissions={defaultPermissions.map((code) => ({
          value: code,
          label: code,
          checked: true,
        }))}
        connections={[
          {
            href: '/connections/1',
            title: word('Northbank'),
            detail: word('Connected 21 November 2026'),
          },
        ]}
        time={{ now, href: '/time' }}
        eventsHref="/events"
      />
    ),
    'tpp-time': (
      <TppTimePage
        brand={app}
        now={new Date('2027-02-19T09:30:00Z')}
        realTime={now}
        move={{ ...post, action: '/time' }}
        error="Time moves forwards only."
        given={word('2026-01-01')}
      />
    ),
    'tpp-step': (
      <TppStepPage
        brand={app}
        title="The request is pushed"
        intro="Nothing sensitive travels through the browser: only a reference does."
        exchanges={exchanges(word)}
        next={{ href: 'https://assent.example/oidc/auth?request_uri=urn:x', label: 'Go to Assent' }}
        others={[
          { ...post, label: 'Keep sharing for longer (reconsent)' },
          { href: '/', label: 'Start again' },
        ]}
      />
    ),
    'tpp-accounts': (
      <TppAccountsPage
        brand={app}
        title="Your accounts"
        intro="Read with an access token that is bound to the certificate of this application."
        accounts={[
          {
            id: 'a',
            name: word('Everyday'),
            kind: 'Current account',
            number: '31926819',
            balance: { minorUnits: 123_456, currency: 'GBP' },
            href: '/accounts/a',
          },
          { id: 'b', name: word('Rainy day'), kind: 'Savings' },
        ]}
        transactions={{
          rows: [
            {
              id: 't1',
              date: now,
              description: word('CARD PAYMENT TO CORNER BAKERY'),
              amount: { minorUnits: -460, currency: 'GBP' },
            },
            {
              id: 't2',
              date: now,
              description: word('SALARY'),
              amount: { minorUnits: 250_000, currency: 'GBP' },
            },
          ],
          olderHref: '/accounts/a?cursor=c2',
        }}
        exchanges={exchanges(word).slice(1)}
        actions={[
          { href: '/', label: 'Start again' },
          { ...post, label: 'Delete the connection' },
        ]}
      />
    ),
    'tpp-error': (
      <TppErrorPage
        brand={app}
        title="The bank was not connected"
        error={word('access_denied')}
        description={word('The person refused to share their data.')}
        traceId="93bac548-d2de-4546-b106-880a5018460d"
        next={{ href: '/', label: 'Start again' }}
      />
    ),
  } satisfies Record<string, VNode>;
}

function exchanges(word: Wording): readonly Exchange[] {
  return [
    {
      title: 'Push the authorization request',
      explanation: 'The request object is signed and sent over mutual TLS (RFC 9126).',
      request: {
        method: 'POST',
        url: 'https://assent.example/oidc/request',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'client_id=ledgerlight&code_challenge_method=S256&state=af0ifjsldkj',
      },
      response: {
        status: 201,
        headers: { 'content-type': 'application/json' },
        body: { request_uri: 'urn:ietf:params:oauth:request_uri:8FaP1', expires_in: 60 },
      },
      decoded: [
        {
          label: 'Request object',
          header: { alg: 'PS256', kid: 'k1' },
          payload: { iss: 'ledgerlight', scope: 'openid id:test', note: word('a claim') },
        },
      ],
    },
    {
      title: 'Read the accounts',
      explanation: 'The access token works only with the certificate it was bound to (RFC 8705).',
      request: {
        method: 'GET',
        url: 'https://mtls.assent.example/v3/transactions?accountId=a&limit=100',
        headers: { authorization: `Bearer ${'eyJhbGciOiJQUzI1NiJ9.'.repeat(12)}` },
      },
      response: { status: 200, headers: {}, body: { data: [{ id: 'a', name: word('Everyday') }] } },
    },
  ];
}
