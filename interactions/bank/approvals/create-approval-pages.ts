import Router from '@koa/router';
import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import type { UnitOfWork } from '../../../adapters/oidc/unit-of-work.js';
import { type Approval, stateOf } from '../../../core/approval.js';
import type { ApprovalVisit } from '../../../core/approval-visit.js';
import type { ApprovalsService } from '../../../core/approvals-service.js';
import type { BankLedger } from '../../../core/bank-ledger.js';
import { type ClientMetadata, clients } from '../../../core/clients.js';
import type { Clock } from '../../../core/clock.js';
import { belongsTo, type IntentTerms, isIntentAuthorisable } from '../../../core/intent.js';
import type { IntentService } from '../../../core/intent-service.js';
import type { LoginBudget } from '../../../core/login-budget.js';
import { Refusal } from '../../../core/refusal.js';
import { type Storage, StorageConflict, type Stored, type Write } from '../../../core/storage.js';
import { answerPage } from '../../answer-page.js';
import { readOwnForm } from '../../read-own-form.js';
import { seeOther } from '../../see-other.js';
import type { ApprovalVisits, OpenVisit } from './approval-visits.js';
import { settleApproval } from './settle-approval.js';
import {
  approvalsPath,
  showOutcome,
  showQuestion,
  showSignIn,
  showWaiting,
} from './show-approvals.js';

export interface ApprovalPagesDeps {
  readonly provider: Provider;
  readonly unitOfWork: UnitOfWork;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly ledger: BankLedger;
  readonly approvals: ApprovalsService;
  readonly intentService: IntentService;
  readonly loginBudget: LoginBudget;
  readonly visits: ApprovalVisits;
  /** The identifier of our API in grants. */
  readonly resource: string;
  /** Names a Grant that no intent is behind. */
  readonly newId: () => string;
  /** Seconds until what was approved without an end has to be approved again. */
  readonly openEndedConsent: number;
}

/** What is shared where a client asks for `accounts` and names no intent with other terms. */
const plainTerms: IntentTerms = { permissions: ['ReadAccountsDetail', 'ReadBalances'] };

/** Who has signed in, and with which form token. */
interface Customer extends ApprovalVisit {
  readonly csrf: string;
}

/** One approval as its customer has it before them. */
interface Situation {
  readonly ctx: Context;
  readonly customer: Customer;
  readonly approval: Stored<Approval>;
  readonly client: ClientMetadata;
}

/**
 * The bank's `/approvals`: a customer signs in on a device of their own, sees what clients ask of them
 * (CIBA), and says yes or no to each. What there is to see is read anew each time.
 */
export function createApprovalPages(deps: ApprovalPagesDeps): Router {
  const { storage, clock, ledger, approvals, intentService, loginBudget, visits } = deps;
  const { origin } = new URL(deps.resource);
  const router = new Router();

  const pathOf = (ctx: Context) =>
    ctx.params.id ? `${approvalsPath}/${ctx.params.id}` : approvalsPath;

  /** Runs what is for customers who have signed in; everybody else may do so first. */
  async function enter(ctx: Context, proceed: (customer: Customer) => Promise<void>) {
    const { csrf, signedIn } = await visits.open(ctx);
    if (signedIn) return proceed({ csrf, ...signedIn });
    return answerPage(ctx, 200, showSignIn(ledger, { path: pathOf(ctx), csrf }));
  }

  async function signIn(ctx: Context): Promise<void> {
    const visit = await visits.open(ctx);
    const { login = '', password = '' } = await readOwnForm(ctx, { origin, csrf: visit.csrf });
    const error = await findSignInError(visit, login, password);
    if (typeof error === 'string') {
      const page = showSignIn(ledger, { path: pathOf(ctx), csrf: visit.csrf }, { login, error });
      return answerPage(ctx, signInStatus[error], page);
    }
    await visits.signIn(ctx, error.customerId, [loginBudget.restore(login)]);
    return seeOther(ctx, pathOf(ctx));
  }

  async function findSignInError({ key }: OpenVisit, login: string, password: string) {
    if (!login.trim() || !password) return 'missing';
    if (!(await loginBudget.spend(login, key))) return 'too-many-attempts';
    const customer = await ledger.authenticate(login, password);
    return customer ? { customerId: customer.id } : 'mismatch';
  }

  async function showList(ctx: Context, { customerId, csrf }: Customer): Promise<void> {
    const waiting = await approvals.waiting(customerId);
    const known = await Promise.all(
      waiting.map(async (approval) => {
        const client = await storage.get(clients, approval.value.clientId);
        return client ? [{ approval, client: client.value }] : [];
      }),
    );
    const name = (await ledger.identify({ id: customerId }))?.name ?? customerId;
    return answerPage(ctx, 200, showWaiting(ledger, name, csrf, known.flat()));
  }

  /** Opens one approval. Another customer's, and none, look the same. */
  async function open(ctx: Context, proceed: (situation: Situation) => Promise<void>) {
    await enter(ctx, async (customer) => {
      const approval = await approvals.find(customer.customerId, String(ctx.params.id));
      const client = approval && (await storage.get(clients, approval.value.clientId));
      if (!approval || !client) throw new Refusal('not_found', 'There is no such request.');
      const { maxAge } = approval.value;
      const age = (clock.now() - Date.parse(customer.signedInAt)) / 1000;
      if (maxAge !== undefined && age > maxAge) {
        await visits.signOut(ctx);
        return seeOther(ctx, pathOf(ctx));
      }
      return proceed({ ctx, customer, approval, client: client.value });
    });
  }

  async function showOne(situation: Situation, noneChosen = false): Promise<void> {
    const { ctx, customer, approval, client } = situation;
    const outcome = await findOutcome(situation);
    if (outcome) return answerPage(ctx, 200, showOutcome(ledger, client, outcome));
    const terms = await findTerms(approval.value);
    const access = terms && {
      terms,
      accounts: await ledger.accounts(customer.customerId),
      chosen: terms.accountIds ?? [],
      expiresAt: endOf(terms),
      now: new Date(clock.now()),
    };
    const { csrf } = customer;
    const question = { approval, client, csrf, noneChosen, access };
    return answerPage(ctx, noneChosen ? 400 : 200, showQuestion(ledger, question));
  }

  /** What is to be said instead of a question; undefined where it can be decided. */
  async function findOutcome({ approval, customer: { customerId } }: Situation) {
    const state = stateOf(approval.value, clock.now());
    if (state !== 'waiting') return state;
    const waiting = await approvals.waiting(customerId);
    if (!waiting.some(({ id }) => id === approval.id)) return 'superseded';
    const { clientId, intentId } = approval.value;
    if (intentId === undefined) return undefined;
    const intent = await intentService.find(clientId, intentId);
    const isOpen = intent && isIntentAuthorisable(intent, clock.now());
    return isOpen && belongsTo(intent, customerId) ? undefined : 'withdrawn';
  }

  /** The terms of the data that is asked for; undefined where none is. */
  async function findTerms({ clientId, intentId, scopes }: Approval) {
    if (!scopes.includes('accounts')) return undefined;
    const intent = intentId && (await intentService.find(clientId, intentId));
    return intent ? intent : { ...plainTerms, accountIds: [] };
  }

  async function decide(situation: Situation, form: Record<string, string>): Promise<void> {
    const { ctx, approval } = situation;
    if (await findOutcome(situation)) return seeOther(ctx, pathOf(ctx));
    try {
      if (form.decision === 'refuse') await refuse(situation);
      else if (form.decision !== 'approve') return seeOther(ctx, pathOf(ctx));
      else if (!(await approve(situation, form))) return showOne(situation, true);
    } catch (error) {
      // Another tab, or the client's withdrawal, was quicker; the next look tells what is left.
      const isLate = error instanceof Refusal && ['conflict', 'access_denied'].includes(error.code);
      if (!isLate && !(error instanceof StorageConflict)) throw error;
    }
    return seeOther(ctx, `${approvalsPath}/${approval.id}`);
  }

  async function refuse({ approval, client }: Situation): Promise<void> {
    const { intentId } = approval.value;
    const writes = await approvals.decide(approval, client, 'refused');
    const rejected = intentId === undefined ? [] : await intentService.reject(intentId);
    await settleApproval(deps, approval.value, { refused: true }, [...writes, ...rejected]);
  }

  /** @returns false where accounts are asked for and none was chosen. */
  async function approve(situation: Situation, form: Record<string, string>): Promise<boolean> {
    const { approval, client, customer } = situation;
    const shared = await share(approval.value, customer, (form.account ?? '').split(' '));
    if (!shared) return false;
    const { grantId, expiresAt, writes } = shared;
    const decided = await approvals.decide(approval, client, 'approved');
    const granted = {
      accountId: customer.customerId,
      grantId,
      resourceScopes: shared.resourceScopes,
      claims: ['sub', 'acr', 'auth_time', ...shared.claims],
      expiresAt,
    };
    const { signedInAt } = customer;
    await settleApproval(deps, approval.value, { granted, signedInAt }, [...decided, ...writes]);
    return true;
  }

  async function share(asked: Approval, { customerId }: Customer, ticked: readonly string[]) {
    const terms = await findTerms(asked);
    if (!terms) {
      const nothing: readonly Write[] = [];
      const plain = { resourceScopes: [], claims: [], expiresAt: endOf({}), writes: nothing };
      return { grantId: deps.newId(), ...plain };
    }
    const held = await ledger.accounts(customerId);
    const accountIds =
      'refused' in held ? [] : held.map(({ id }) => id).filter((id) => ticked.includes(id));
    if (accountIds.length === 0) return undefined;
    const access = {
      resourceScopes: ['accounts'],
      claims: ['openbanking_intent_id'],
      expiresAt: endOf(terms),
    };
    const choice = { customerId, accountIds };
    if (asked.intentId === undefined) {
      const { intent, writes } = intentService.establish(
        asked.clientId,
        { ...plainTerms, expiresAt: access.expiresAt.toISOString() },
        choice,
      );
      return { grantId: intent.id, ...access, writes };
    }
    const writes = await intentService.authorise(asked.intentId, choice);
    return { grantId: asked.intentId, ...access, writes };
  }

  function endOf({ expiresAt }: Pick<IntentTerms, 'expiresAt'>): Date {
    return new Date(expiresAt ?? clock.now() + deps.openEndedConsent * 1000);
  }

  router.get(approvalsPath, (ctx) => enter(ctx, (customer) => showList(ctx, customer)));
  router.post(`${approvalsPath}/sign-in`, signIn);
  router.post(`${approvalsPath}/sign-out`, async (ctx) => {
    const { csrf } = await visits.open(ctx);
    await readOwnForm(ctx, { origin, csrf });
    await visits.signOut(ctx);
    seeOther(ctx, approvalsPath);
  });
  for (const step of ['sign-in', 'sign-out']) {
    router.get(`${approvalsPath}/${step}`, async (ctx) => seeOther(ctx, approvalsPath));
  }
  router.get(`${approvalsPath}/:id`, (ctx) => open(ctx, (situation) => showOne(situation)));
  router.post(`${approvalsPath}/:id/sign-in`, signIn);
  router.post(`${approvalsPath}/:id/decision`, (ctx) =>
    open(ctx, async (situation) => {
      const { csrf } = situation.customer;
      await decide(situation, await readOwnForm(ctx, { origin, csrf }, ['account']));
    }),
  );
  // A form that was shown again after a mistake is reloaded, or bookmarked, under its own address.
  for (const step of ['sign-in', 'decision']) {
    router.get(`${approvalsPath}/:id/${step}`, async (ctx) => seeOther(ctx, pathOf(ctx)));
  }
  return router;
}

const signInStatus = { missing: 400, 'too-many-attempts': 429, mismatch: 401 } as const;
