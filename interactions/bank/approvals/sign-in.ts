import type { Context } from 'koa';
import type { ApprovalVisit } from '../../../core/approval-visit.js';
import type { BankLedger } from '../../../core/bank-ledger.js';
import type { LoginBudget } from '../../../core/login-budget.js';
import { answerPage } from '../../answer-page.js';
import { readOwnForm } from '../../read-own-form.js';
import { seeOther } from '../../see-other.js';
import type { ApprovalVisits, OpenVisit } from './approval-visits.js';
import { showSignIn } from './show-approvals.js';

/** Who has signed in, and the form token of their pages. */
export interface SignedIn extends ApprovalVisit {
  readonly csrf: string;
}

/** How customers come to their approvals and leave them. */
export interface SignIn {
  /** Runs what is for customers who have signed in; everybody else may do so first. */
  enter(ctx: Context, proceed: (customer: SignedIn) => Promise<void>): Promise<void>;
  /** The form of `<path>/sign-in`, which leads on to `<path>`. */
  submit(ctx: Context): Promise<void>;
  /** Ends the visit and leads to `path`, where the person may sign in again. */
  leave(ctx: Context, path: string): Promise<void>;
}

interface SignInDeps {
  readonly visits: ApprovalVisits;
  readonly ledger: BankLedger;
  readonly loginBudget: LoginBudget;
  /** Our own. */
  readonly origin: string;
}

const statusOf = { missing: 400, 'too-many-attempts': 429, mismatch: 401 } as const;

/** See {@link SignIn}. */
export function createSignIn({ visits, ledger, loginBudget, origin }: SignInDeps): SignIn {
  async function authenticate({ key }: OpenVisit, login: string, password: string) {
    if (!login.trim() || !password) return 'missing';
    if (!(await loginBudget.spend(login, key))) return 'too-many-attempts';
    return (await ledger.authenticate(login, password)) ?? 'mismatch';
  }

  return {
    async enter(ctx, proceed) {
      const { csrf, signedIn } = await visits.open(ctx);
      if (signedIn) return proceed({ csrf, ...signedIn });
      return answerPage(ctx, 200, showSignIn(ledger, { path: ctx.path, csrf }));
    },

    async submit(ctx) {
      const visit = await visits.open(ctx);
      const { csrf } = visit;
      const { login = '', password = '' } = await readOwnForm(ctx, { origin, csrf });
      const path = ctx.path.slice(0, -'/sign-in'.length);
      const found = await authenticate(visit, login, password);
      if (typeof found === 'string') {
        const page = showSignIn(ledger, { path, csrf }, { login, error: found });
        return answerPage(ctx, statusOf[found], page);
      }
      await visits.signIn(ctx, found.id, [loginBudget.restore(login)]);
      return seeOther(ctx, path);
    },

    async leave(ctx, path) {
      await visits.signOut(ctx);
      seeOther(ctx, path);
    },
  };
}
