import type { Context } from 'koa';
import type { Approval } from '../../../core/approval.js';
import { type Authentication, bankAuthentication } from '../../../core/bank-authentication.js';
import type { BankLedger } from '../../../core/bank-ledger.js';
import { bankVisits } from '../../../core/bank-visit.js';
import { remove, type Storage } from '../../../core/storage.js';
import { answerPage } from '../../answer-page.js';
import { readOwnForm } from '../../read-own-form.js';
import { seeOther } from '../../see-other.js';
import type { CustomerSignIn } from '../customer-sign-in.js';
import { createSignInSteps, type SignInPlace } from '../sign-in-steps.js';
import type { ApprovalVisits, OpenVisit } from './approval-visits.js';
import { showUnmet } from './show-approvals.js';

/** Pages of the bank that its customers sign in for. */
export interface CustomerPages {
  /** Where they are. */
  readonly home: string;
  /** One sentence: what comes after signing in. */
  readonly lead: string;
  /** One sentence: what a code that is sent will allow. */
  readonly purpose: string;
}

/** Who has signed in, how, and the form token of their pages. */
export interface SignedIn {
  readonly customerId: string;
  readonly authentication: Authentication;
  readonly csrf: string;
}

/** How customers come to pages of their own, such as their approvals, and leave them. */
export interface SignIn {
  /**
   * Runs what is for customers who have signed in; everybody else may do so first.
   * @param path the page that signing in leads to; where a form is sent to is none.
   */
  enter(ctx: Context, proceed: (customer: SignedIn) => Promise<void>, path?: string): Promise<void>;
  /** The forms of `<path>/sign-in`, `<path>/code` and `<path>/new-code`, which lead on to `<path>`. */
  submit(ctx: Context, asked: Approval | undefined): Promise<void>;
  enterCode(ctx: Context): Promise<void>;
  sendNewCode(ctx: Context): Promise<void>;
  /** The form of `<path>/sign-out`. */
  signOut(ctx: Context): Promise<void>;
  /** Ends the visit and leads to `path`, where the person may sign in again, and reads why. */
  leave(ctx: Context, path: string, why: Again): Promise<void>;
}

/** What somebody signs in again for: with a code besides, or because it is too long ago. */
export type Again = keyof typeof again;

/** An address carries no more than which sentence it is. */
const again = {
  code: 'This request needs your password again and a code.',
  recent: 'This request wants you to have signed in just now. Enter your password again.',
} as const;

interface SignInDeps {
  readonly visits: ApprovalVisits;
  readonly customers: CustomerSignIn;
  readonly ledger: BankLedger;
  readonly storage: Storage;
  /** Our own. */
  readonly origin: string;
  readonly pages: CustomerPages;
}

/** See {@link SignIn}. */
export function createSignIn(deps: SignInDeps): SignIn {
  const { visits, customers, ledger, storage, origin, pages } = deps;
  const { home, lead, purpose } = pages;
  const steps = createSignInSteps({ ledger, signIn: customers });

  /** What the page says: why somebody is here again, or what comes next. */
  function leadOf({ query }: Context): string {
    const [, reason] = Object.entries(again).find(([name]) => name === query.again) ?? [];
    return reason === undefined ? lead : `${reason} ${lead}`;
  }

  function placeOf(visit: OpenVisit, path: string, said = lead): SignInPlace {
    return {
      visit,
      path,
      csrf: visit.csrf,
      loginAction: `${path}/sign-in`,
      cancelAction: `${home}/sign-out`,
      lead: said,
    };
  }

  /** Where a form was posted. */
  async function read(ctx: Context) {
    const visit = visits.open(ctx);
    const form = await readOwnForm(ctx, { origin, csrf: visit.csrf });
    return { visit, form, place: placeOf(visit, parentOf(ctx.path)) };
  }

  async function end(ctx: Context, path: string): Promise<void> {
    await storage.commit([remove(bankVisits, visits.open(ctx).uid)]);
    visits.renew(ctx).keep();
    seeOther(ctx, path);
  }

  return {
    async enter(ctx, proceed, path = ctx.path) {
      const visit = visits.open(ctx);
      const place = placeOf(visit, path, leadOf(ctx));
      const state = await customers.state(visit);
      if (state.step === 'done') return proceed({ ...state, csrf: visit.csrf });
      if (state.step === 'code') return steps.showCode(ctx, place, state.sentCode);
      return steps.showLogin(ctx, place);
    },

    async submit(ctx, asked) {
      const { form, place } = await read(ctx);
      const renewed = visits.renew(ctx);
      const needsCode = asked?.contexts && !asked.contexts.includes(bankAuthentication.acr);
      const said = needsCode ? `This request needs your password and a code. ${lead}` : lead;
      const renewedPlace = { ...place, visit: renewed.visit, lead: said };
      const outcome = await steps.enterLogin(ctx, renewedPlace, form, {
        contexts: asked?.contexts,
        purpose,
        // What is somebody else's is not there, after signing in as well.
        isTheirs: () => true,
      });
      if (outcome === 'unmet') return answerPage(ctx, 403, showUnmet(ledger));
      if (outcome === 'other-customer') throw new TypeError('nobody else may sign in');
      if (outcome === 'answered') return;
      renewed.keep();
      seeOther(ctx, place.path);
    },

    async enterCode(ctx) {
      const { visit, form, place } = await read(ctx);
      return steps.enterCode(ctx, place, await customers.state(visit), form);
    },

    async sendNewCode(ctx) {
      const { visit, place } = await read(ctx);
      return steps.sendNewCode(ctx, place, await customers.state(visit), purpose);
    },

    async signOut(ctx) {
      const { place } = await read(ctx);
      await end(ctx, place.path);
    },

    leave: (ctx, path, why) => end(ctx, `${path}?again=${why}`),
  };
}

/** What a form's address is below. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
