import { ConsentPage } from '../../consent-ui/pages/consent-page.js';
import { CredentialsPage } from '../../consent-ui/pages/credentials-page.js';
import { InstitutionChooserPage } from '../../consent-ui/pages/institution-chooser-page.js';
import { ProblemPage } from '../../consent-ui/pages/problem-page.js';
import { RenewalPage } from '../../consent-ui/pages/renewal-page.js';
import { renderPage } from '../../consent-ui/render-page.js';
import type { CheckedRequest } from '../../core/connect.js';
import { toAgreedTerms } from '../../core/connection-request.js';
import type { CredentialField, Institution, InstitutionKind } from '../../core/institution.js';
import { describePermissions } from '../../core/permissions.js';
import type { InteractionSession } from '../interaction-session.js';

/** Where our own origin serves a bank's logo; undefined where there is none. */
export type BankLogo = (bankRef: string) => string | undefined;

/** Shown at once; more are found by searching. */
const listed = 50;

/** The chooser, narrowed by what the person typed. */
export function showChooser(
  logoOf: BankLogo,
  session: InteractionSession,
  offered: readonly Institution[],
  query: string,
): string {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = offered.filter(({ name }) =>
    words.every((word) => name.toLowerCase().includes(word)),
  );
  return renderPage(
    <InstitutionChooserPage
      action={`${session.path}/institution`}
      csrf={session.csrf}
      client={session.party}
      searchAction={session.path}
      query={query || undefined}
      institutions={found.slice(0, listed).map(({ id, name, kind, bankRef }) => ({
        id,
        name,
        logoUrl: logoOf(bankRef),
        tag: tags[kind],
      }))}
      total={found.length}
      cancel={{ action: `${session.path}/cancel`, csrf: session.csrf }}
    />,
  );
}

const tags: Readonly<Record<InstitutionKind, string | undefined>> = {
  api: undefined,
  legacy: 'Older login',
  test: 'Test',
};

/** What a bank asks on our page, and what was wrong with the answer before. */
export function showCredentials(
  logoOf: BankLogo,
  session: InteractionSession,
  institution: Institution,
  {
    ask,
    problem,
  }: { readonly ask: readonly CredentialField[]; readonly problem?: string | undefined },
): string {
  return renderPage(
    <CredentialsPage
      action={`${session.path}/credentials`}
      csrf={session.csrf}
      client={session.party}
      institution={{ name: institution.name, logoUrl: logoOf(institution.bankRef) }}
      fields={ask}
      problem={problem}
      cancel={{ action: `${session.path}/cancel`, csrf: session.csrf }}
    />,
  );
}

/** The hosted consent page; of a renewal, the one that says what is different this time. */
export function showConsent(
  logoOf: BankLogo,
  session: InteractionSession,
  request: CheckedRequest,
  institution: Institution,
  now: Date,
): string {
  const { permissions, transactionFrom, expiresAt } =
    request.purpose === 'connect'
      ? toAgreedTerms(request, institution.monthsInitialConsent, now.getTime())
      : request.terms;
  const page = {
    action: `${session.path}/consent`,
    csrf: session.csrf,
    client: session.party,
    institution: { name: institution.name, logoUrl: logoOf(institution.bankRef) },
    clusters: describePermissions(permissions),
    transactionFrom: transactionFrom === undefined ? undefined : new Date(transactionFrom),
    expiresAt: new Date(expiresAt),
    signIn: institution.kind === 'legacy' ? ('here' as const) : ('at-bank' as const),
    now,
  };
  if (request.purpose === 'connect') {
    const kind = request.subject === undefined ? 'one-time' : 'ongoing';
    return renderPage(<ConsentPage {...page} kind={kind} />);
  }
  const consent = request.consent.value;
  return renderPage(
    <RenewalPage
      {...page}
      purpose={request.purpose}
      kind={consent.access}
      connectedOn={new Date(request.connection.value.connectedOn)}
      endsAt={new Date(consent.expiresAt)}
      isChanged={
        permissions.some((code) => !consent.permissions.includes(code)) ||
        consent.permissions.some((code) => !permissions.includes(code)) ||
        transactionFrom !== consent.transactionFrom
      }
    />,
  );
}

/** What went wrong at the bank, with the two ways on: again, or back to the app. */
export function showBankProblem(
  session: InteractionSession,
  title: string,
  sentence: string,
  traceId: string,
): string {
  return renderPage(
    <ProblemPage
      title={title}
      sentence={sentence}
      traceId={traceId}
      retry={{ action: `${session.path}/retry`, csrf: session.csrf }}
      back={{
        action: `${session.path}/cancel`,
        csrf: session.csrf,
        label: `Go back to ${session.party.name}`,
      }}
    />,
  );
}
