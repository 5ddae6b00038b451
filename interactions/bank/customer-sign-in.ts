import { restoreAttempts, spendAttempt } from '../../core/attempts.js';
import {
  type Authentication,
  type AuthenticationContext,
  authenticationContexts,
  bankAuthentication,
  strongAuthentication,
} from '../../core/bank-authentication.js';
import type { BankLedger } from '../../core/bank-ledger.js';
import { type BankVisit, bankVisits } from '../../core/bank-visit.js';
import type { Clock } from '../../core/clock.js';
import type { LoginBudget } from '../../core/login-budget.js';
import type { SentCode } from '../../core/second-factor.js';
import { consume, put, type Storage, update, type Write } from '../../core/storage.js';
import type { InteractionSession } from '../interaction-session.js';

/** The visit to the bank that somebody signs in to: its id, known to their browser alone, and its end. */
export type Visit = Pick<InteractionSession, 'uid' | 'expiresAt'>;

/** What a request asks of the person who signs in. */
export interface SignInRequest {
  /** One of these contexts, the first rather than the next; undefined where any will do. */
  readonly contexts: readonly AuthenticationContext[] | undefined;
  /** One sentence: what a code that is sent will allow. */
  readonly purpose: string;
  /** Whether what is asked may be answered by this customer. */
  readonly isTheirs: (customerId: string) => boolean | Promise<boolean>;
}

type Typed = Readonly<Record<string, string>>;

/** How far a customer has come. */
export type SignInState =
  | { readonly step: 'login' }
  | { readonly step: 'code'; readonly sentCode: SentCode }
  | CompletedSignIn;

export interface CompletedSignIn {
  readonly step: 'done';
  readonly customerId: string;
  readonly authentication: Authentication;
  /** Ends the visit, for the commit of what was decided in it: of two decisions one is made. */
  readonly end: Write;
}

/** Why a step is shown again, or why the visit ends. */
export type LoginOutcome =
  | 'accepted'
  | 'login-missing'
  | 'password-missing'
  | 'both-missing'
  | 'too-many-attempts'
  | 'mismatch'
  /** It is somebody else's to answer. */
  | 'other-customer'
  /** The customer cannot be authenticated as the request wants it. */
  | 'unmet';
export type CodeOutcome = 'accepted' | 'missing' | 'too-many-attempts' | 'mismatch';

/** Signing in at the bank, in steps that each tab and process finds again. */
export interface CustomerSignIn {
  state(visit: Visit): Promise<SignInState>;
  /** Takes `login` and `password`. */
  login(visit: Visit, typed: Typed, request: SignInRequest): Promise<LoginOutcome>;
  /** Takes `code`. */
  enterCode(visit: Visit, typed: Typed): Promise<CodeOutcome>;
  /** Sends a new code in the place of the one before. @returns false where there were too many. */
  sendAgain(visit: Visit, purpose: string): Promise<boolean>;
}

interface SignInDeps {
  readonly ledger: BankLedger;
  readonly loginBudget: LoginBudget;
  readonly storage: Storage;
  readonly clock: Clock;
}

/** For one customer, in a quarter of an hour and from wherever it is tried. */
const limits = { codesSent: 5, codesTried: 5 };

/** See {@link CustomerSignIn}. */
export function createCustomerSignIn(deps: SignInDeps): CustomerSignIn {
  const { ledger, loginBudget, storage, clock } = deps;

  async function sendCode(customerId: string, purpose: string): Promise<SentCode | undefined> {
    return ledger.secondFactor?.send(customerId, purpose);
  }

  /** The best that is wanted and this customer can give; undefined for none. */
  async function choose(
    customerId: string,
    { contexts = authenticationContexts, purpose }: SignInRequest,
  ): Promise<Omit<BankVisit, 'customerId'> | 'too-many-attempts' | undefined> {
    for (const context of contexts) {
      if (context === bankAuthentication.acr) {
        return { authentication: { ...bankAuthentication, at: now() } };
      }
      const budget = { key: sent(customerId), most: limits.codesSent };
      if (!(await spendAttempt(deps, [budget]))) return 'too-many-attempts';
      const sentCode = await sendCode(customerId, purpose);
      if (sentCode) return { sentCode };
    }
    return undefined;
  }

  const now = () => new Date(clock.now()).toISOString();

  return {
    async state({ uid }) {
      const stored = await storage.get(bankVisits, uid);
      if (!stored || stored.consumedAt) return { step: 'login' };
      const { customerId, authentication, sentCode } = stored.value;
      if (authentication) {
        const end = consume(bankVisits, uid);
        return { step: 'done', customerId, authentication, end };
      }
      return sentCode ? { step: 'code', sentCode } : { step: 'login' };
    },

    async login({ uid, expiresAt }, { login = '', password = '' }, request) {
      if (!login.trim()) return password ? 'login-missing' : 'both-missing';
      if (!password) return 'password-missing';
      if (!(await loginBudget.spend(login, uid))) return 'too-many-attempts';
      const customer = await ledger.authenticate(login, password);
      if (!customer) return 'mismatch';
      if (!(await request.isTheirs(customer.id))) return 'other-customer';
      const chosen = await choose(customer.id, request);
      if (chosen === 'too-many-attempts') return chosen;
      if (!chosen) return 'unmet';
      await storage.commit([
        put(bankVisits, uid, { customerId: customer.id, ...chosen }, expiresAt),
        loginBudget.restore(login),
      ]);
      return 'accepted';
    },

    async enterCode({ uid }, { code = '' }) {
      const stored = await storage.get(bankVisits, uid);
      const { customerId, sentCode } = stored?.value ?? {};
      // Another tab was quicker; the next look tells what is left.
      if (!stored || !customerId || !sentCode) return 'accepted';
      const entered = code.replace(/[\s-]/g, '');
      if (entered === '') return 'missing';
      const budget = { key: tried(customerId), most: limits.codesTried };
      if (!(await spendAttempt(deps, [budget]))) return 'too-many-attempts';
      if (!(await ledger.secondFactor?.verify(sentCode.reference, entered))) return 'mismatch';
      const authentication = { ...strongAuthentication, at: now() };
      // A code works once: what it was entered for is replaced, by one of several who enter it.
      await storage.commit([
        update(bankVisits, stored, { customerId, authentication }),
        restoreAttempts(tried(customerId)),
        restoreAttempts(sent(customerId)),
      ]);
      return 'accepted';
    },

    async sendAgain({ uid }, purpose) {
      const stored = await storage.get(bankVisits, uid);
      if (!stored?.value.sentCode) return true;
      const { customerId } = stored.value;
      const budget = { key: sent(customerId), most: limits.codesSent };
      if (!(await spendAttempt(deps, [budget]))) return false;
      const sentCode = await sendCode(customerId, purpose);
      if (sentCode) await storage.commit([update(bankVisits, stored, { customerId, sentCode })]);
      return true;
    },
  };
}

function sent(customerId: string): string {
  return `second-factor-sent:${customerId}`;
}

function tried(customerId: string): string {
  return `second-factor-tried:${customerId}`;
}
