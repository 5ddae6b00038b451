import type { Context } from 'koa';
import type { Approval } from '../../../core/approval.js';
import type { Authentication } from '../../../core/bank-authentication.js';
import type { BankLedger } from '../../../core/bank-ledger.js';
import { bankVisits } from '../../../core/bank-visit.js';
import { remove, type Storage } from '../../../core/storage.js';
import { answerPage } from '../../answer-page.js';
import { readOwnForm } from '../../read-own-form.js';
import { seeOther } from '../../see-other.js';
import type { CustomerSignIn, SignInRequest } from '../customer-sign-in.js';
import type { ApprovalVisits } from './approval-visits.js';
import { type CustomerPages, showCodeEntry, showSignIn, showUnmet } from './show-approvals.js';

/** Who has signed in, how, and the form token of their pages. */
export interface SignedIn {
  readonly customerId: string;
  readonly authentication: Authentication;
  readonly csrf: string;
}

/** How customers come to pages of their own, such as their approvals, and leave them. */
export interface SignIn {
  /** Runs what is for customers who have signed in; everybody else may do so first. */
  enter(ctx: Context, proceed: (customer: SignedIn) => Promise<void>): Promise<void>;
  /** The forms of `<path>/sign-in`, `<path>/code` and `<path>/new-code`, which lead on to `<path>`. */
  submit(ctx: Context, asked: Approval | undefined): Promise<void>;
  enterCode(ctx: Context): Promise<void>;
  sendNewCode(ctx: Context): Promise<void>;
  /** The form of `<path>/sign-out`. */
  signOut(ctx: Context): Promise<void>;
  /** Ends the visit and leads to `path`, where the person may sign in again. */
  leave(ctx: Context, path: string): Promise<void>;
}

interface SignInDeps {
  readonly visits: ApprovalVisits;
  readonly customers: CustomerSignIn;
  readonly ledger: BankLedger;
  readonly storage: Storage;
  /** Our own. */
  readonly origin: string;
  readonly pages: CustomerPages;
}

const statusOf = { missing: 400, 'too-many-attempts': 429, mismatch: 401 } as const;

/** See {@link SignIn}. */
export function createSignIn(deps: SignInDeps): SignIn {
  const { visits, customers, ledger, storage, origin, pages } = deps;
  const { purpose } = pages;

  /** The visit that a form was posted in. */
  async function read(ctx: Context) {
    const visit = visits.open(ctx);
    const form = await readOwnForm(ctx, { origin, csrf: visit.csrf });
    return { visit, form, path: parentOf(ctx.path) };
  }

  async function leave(ctx: Context, path: string): Promise<void> {
    await storage.commit([remove(bankVisits, visits.open(ctx).uid)]);
    visits.renew(ctx).keep();
    seeOther(ctx, path);
  }

  return {
    async enter(ctx, proceed) {
      const visit = visits.open(ctx);
      const place = { ...pages, path: ctx.path, csrf: visit.csrf };
      const state = await customers.state(visit);
      if (state.step === 'done') return proceed({ ...state, csrf: visit.csrf });
      const page =
        state.step === 'code'
          ? showCodeEntry(ledger, place, state.sentCode)
          : showSignIn(ledger, place);
      return answerPage(ctx, 200, page);
    },

    async submit(ctx, asked) {
      const { visit, form, path } = await read(ctx);
      const renewed = visits.renew(ctx);
      const request: SignInRequest = {
        contexts: asked?.contexts,
        purpose,
        // What is somebody else's is not there, after signing in as well.
        isTheirs: () => true,
      };
      const outcome = await customers.login(renewed.visit, form, request);
      if (outcome === 'accepted') {
        renewed.keep();
        return seeOther(ctx, path);
      }
      if (outcome === 'unmet') return answerPage(ctx, 403, showUnmet(ledger));
      if (outcome === 'other-customer') throw new TypeError('nobody else may sign in');
      const place = { ...pages, path, csrf: visit.csrf };
      const page = showSignIn(ledger, place, { login: form.login, error: outcome });
      return answerPage(ctx, statusOf[outcome], page);
    },

    async enterCode(ctx) {
      const { visit, form, path } = await read(ctx);
      const state = await customers.state(visit);
      if (state.step !== 'code') return seeOther(ctx, path);
      const outcome = await customers.enterCode(visit, form);
      if (outcome === 'accepted') return seeOther(ctx, path);
      const place = { ...pages, path, csrf: visit.csrf };
      const page = showCodeEntry(ledger, place, state.sentCode, outcome);
      return answerPage(ctx, statusOf[outcome], page);
    },

    async sendNewCode(ctx) {
      const { visit, path } = await read(ctx);
      const state = await customers.state(visit);
      const isSent = await customers.sendAgain(visit, purpose);
      if (isSent || state.step !== 'code') return seeOther(ctx, path);
      const place = { ...pages, path, csrf: visit.csrf };
      const page = showCodeEntry(ledger, place, state.sentCode, 'too-many-attempts');
      return answerPage(ctx, 429, page);
    },

    async signOut(ctx) {
      const { path } = await read(ctx);
      await leave(ctx, path);
    },

    leave,
  };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
