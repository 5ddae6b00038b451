import type { Context } from 'koa';
import { BankLoginPage, type BankLoginPageProps } from '../../consent-ui/pages/bank-login-page.js';
import {
  SecondFactorPage,
  type SecondFactorPageProps,
} from '../../consent-ui/pages/second-factor-page.js';
import { renderPage } from '../../consent-ui/render-page.js';
import type { BankLedger } from '../../core/bank-ledger.js';
import type { SentCode } from '../../core/second-factor.js';
import { answerPage } from '../answer-page.js';
import type { InteractionSession } from '../interaction-session.js';
import { seeOther } from '../see-other.js';
import type { CustomerSignIn, SignInRequest, SignInState, Visit } from './customer-sign-in.js';
import { brandOf } from './show-steps.js';

/** Where a customer signs in: a client has sent them there, or they came to pages of their own. */
export interface SignInPlace extends Pick<BankLoginPageProps, 'client' | 'asks' | 'lead'> {
  readonly visit: Visit;
  /** What signing in leads to; the forms of the code are below it. */
  readonly path: string;
  readonly csrf: string;
  /** Where login and password are posted. */
  readonly loginAction: string;
  readonly cancelAction: string;
}

type Form = Readonly<Record<string, string>>;
type Typed = Pick<BankLoginPageProps, 'login' | 'error'>;

/** The pages and forms of signing in at the bank. */
export interface SignInSteps {
  /** Who are you? @param typed the login to show again, and what was wrong with the attempt. */
  showLogin(ctx: Context, place: SignInPlace, typed?: Typed): void;
  /** Do you have your device? */
  showCode(ctx: Context, place: SignInPlace, sentCode: SentCode): void;
  /**
   * Takes `login` and `password`; answers with the page again where they were wrong.
   * @returns what else is to be answered.
   */
  enterLogin(
    ctx: Context,
    place: SignInPlace,
    form: Form,
    request: SignInRequest,
  ): Promise<'accepted' | 'other-customer' | 'unmet' | 'answered'>;
  /** Takes `code`, and leads on or shows the page again. */
  enterCode(ctx: Context, place: SignInPlace, state: SignInState, form: Form): Promise<void>;
  /** Sends a new code, and leads back to the page. @param purpose what the code will allow. */
  sendNewCode(ctx: Context, place: SignInPlace, state: SignInState, purpose: string): Promise<void>;
}

interface SignInStepsDeps {
  readonly ledger: Pick<BankLedger, 'bankName' | 'demoLogins'>;
  readonly signIn: CustomerSignIn;
}

const statuses = {
  missing: 400,
  'login-missing': 400,
  'password-missing': 400,
  'both-missing': 400,
  'too-many-attempts': 429,
  mismatch: 401,
} as const;

/** See {@link SignInSteps}. */
export function createSignInSteps({ ledger, signIn }: SignInStepsDeps): SignInSteps {
  const bank = brandOf(ledger.bankName);

  function showLogin(ctx: Context, place: SignInPlace, typed: Typed = {}): void {
    const { csrf, loginAction, cancelAction, client, asks, lead } = place;
    const page = (
      <BankLoginPage
        {...typed}
        action={loginAction}
        csrf={csrf}
        cancel={{ action: cancelAction, csrf }}
        bank={bank}
        client={client}
        asks={asks}
        lead={lead}
        hints={ledger.demoLogins}
      />
    );
    answerPage(ctx, typed.error ? statuses[typed.error] : 200, renderPage(page));
  }

  function showCode(
    ctx: Context,
    { path, csrf, cancelAction, client }: SignInPlace,
    { device, simulatedMessage }: SentCode,
    error?: SecondFactorPageProps['error'],
  ): void {
    const page = (
      <SecondFactorPage
        action={`${path}/code`}
        csrf={csrf}
        sendAgain={{ action: `${path}/new-code`, csrf }}
        cancel={{ action: cancelAction, csrf }}
        bank={bank}
        client={client}
        device={device}
        simulatedMessage={simulatedMessage}
        error={error}
      />
    );
    answerPage(ctx, error ? statuses[error] : 200, renderPage(page));
  }

  return {
    showLogin,
    showCode,

    async enterLogin(ctx, place, form, request) {
      const outcome = await signIn.login(place.visit, form, request);
      if (outcome === 'accepted' || outcome === 'other-customer' || outcome === 'unmet') {
        return outcome;
      }
      const { login = '' } = form;
      showLogin(ctx, place, { login, error: outcome });
      return 'answered';
    },

    async enterCode(ctx, place, state, form) {
      if (state.step !== 'code') return seeOther(ctx, place.path);
      const outcome = await signIn.enterCode(place.visit, form);
      if (outcome === 'accepted') return seeOther(ctx, place.path);
      return showCode(ctx, place, state.sentCode, outcome);
    },

    async sendNewCode(ctx, place, state, purpose) {
      if (state.step !== 'code') return seeOther(ctx, place.path);
      if (await signIn.sendAgain(place.visit, purpose)) return seeOther(ctx, place.path);
      return showCode(ctx, place, state.sentCode, 'too-many-attempts');
    },
  };
}

/** Where the customer signs in whom a client has sent. */
export function signInPlaceOf(
  session: InteractionSession,
  asks?: BankLoginPageProps['asks'],
): SignInPlace {
  const { path, csrf, party } = session;
  return {
    visit: session,
    path,
    csrf,
    loginAction: `${path}/login`,
    cancelAction: `${path}/cancel`,
    client: party,
    asks,
  };
}
