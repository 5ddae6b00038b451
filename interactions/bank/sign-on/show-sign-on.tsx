import { LoggedOutPage } from '../../../consent-ui/pages/logged-out-page.js';
import { LogoutFramesPage } from '../../../consent-ui/pages/logout-frames-page.js';
import { LogoutPage } from '../../../consent-ui/pages/logout-page.js';
import { SignOnConsentPage } from '../../../consent-ui/pages/sign-on-consent-page.js';
import { renderPage } from '../../../consent-ui/render-page.js';
import type { SharedDetail } from '../../../core/person-claims.js';
import type { InteractionSession } from '../../interaction-session.js';
import { type BankOfPages, brandOf } from '../show-steps.js';

/** May the application know you? */
export function showConsent(
  { bankName }: BankOfPages,
  { path, csrf, party }: InteractionSession,
  asked: {
    readonly details: readonly SharedDetail[];
    readonly purpose?: string | undefined;
    readonly lasting: boolean;
    readonly expiresAt?: Date;
  },
): string {
  return renderPage(
    <SignOnConsentPage
      {...asked}
      action={`${path}/consent`}
      csrf={csrf}
      bank={brandOf(bankName)}
      client={party}
    />,
  );
}

/** The pages at the end of a session, in the bank's colours. */
export function createLogoutPages({ bankName }: BankOfPages) {
  const bank = brandOf(bankName);
  return {
    confirm: ({
      action,
      xsrf,
      name,
    }: {
      action: string;
      xsrf: string;
      name?: string | undefined;
    }) => renderPage(<LogoutPage bank={bank} action={action} csrf={xsrf} application={name} />),
    done: ({ name, again }: { name?: string | undefined; again?: string | undefined }) =>
      renderPage(<LoggedOutPage bank={bank} application={name} again={again} />),
    frames: (told: { addresses: readonly string[]; next: string }) =>
      renderPage(<LogoutFramesPage bank={bank} {...told} />),
  };
}
