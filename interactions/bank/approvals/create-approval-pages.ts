import Router from '@koa/router';
import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import type { UnitOfWork } from '../../../adapters/oidc/unit-of-work.js';
import type { Party } from '../../../consent-ui/party.js';
import { type Approval, approvals as records, stateOf } from '../../../core/approval.js';
import type { ApprovalsService } from '../../../core/approvals-service.js';
import { bankAuthentication } from '../../../core/bank-authentication.js';
import type { BankLedger } from '../../../core/bank-ledger.js';
import { type ClientMetadata, clients } from '../../../core/clients.js';
import type { Clock } from '../../../core/clock.js';
import type { IntentService } from '../../../core/intent-service.js';
import { Refusal } from '../../../core/refusal.js';
import type { Storage, Stored } from '../../../core/storage.js';
import { answerPage } from '../../answer-page.js';
import type { DescribeClient } from '../../describe-client.js';
import { readOwnForm } from '../../read-own-form.js';
import { seeOther } from '../../see-other.js';
import { wasOvertaken } from '../../was-overtaken.js';
import { fieldOf } from '../decide-details.js';
import type { AskedAccessReader } from './asked-access.js';
import { settleApproval } from './settle-approval.js';
import { approvalsPath, showOutcome, showQuestion, showWaiting } from './show-approvals.js';
import { type Again, parentOf, type SignedIn, type SignIn } from './sign-in.js';

export interface ApprovalPagesDeps {
  readonly provider: Provider;
  readonly unitOfWork: UnitOfWork;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly ledger: BankLedger;
  readonly approvals: ApprovalsService;
  readonly intentService: IntentService;
  readonly askedAccess: AskedAccessReader;
  readonly signIn: SignIn;
  readonly describeClient: DescribeClient;
  /** The identifier of our API in grants. */
  readonly resource: string;
}

/** What customers sign in for here. */
export const approvalPages = {
  home: approvalsPath,
  lead: 'After you sign in, you see what waits for your approval, and decide.',
  purpose: 'It signs you in, to see what waits for your approval.',
};

/** One approval as its customer has it before them. */
interface Situation {
  readonly ctx: Context;
  readonly customer: SignedIn;
  readonly approval: Stored<Approval>;
  readonly client: ClientMetadata;
  /** The client as its person knows it. */
  readonly party: Party;
}

/**
 * The bank's `/approvals`: a customer signs in on a device of their own, sees what clients ask of them
 * (CIBA), and says yes or no to each. What there is to see is read anew each time.
 */
export function createApprovalPages(deps: ApprovalPagesDeps): Router {
  const { storage, clock, ledger, approvals, intentService, askedAccess, signIn } = deps;
  const { describeClient } = deps;
  const { origin } = new URL(deps.resource);
  const router = new Router();

  async function showList(ctx: Context, { customerId, csrf }: SignedIn): Promise<void> {
    const waiting = await approvals.waiting(customerId);
    const known = await Promise.all(
      waiting.map(async (approval) => {
        const client = await storage.get(clients, approval.value.clientId);
        return client ? [{ approval, client: await describeClient(client.value) }] : [];
      }),
    );
    const name = (await ledger.identify({ id: customerId }))?.name ?? customerId;
    return answerPage(ctx, 200, showWaiting(ledger, name, csrf, known.flat()));
  }

  /** Opens one approval. Another customer's, and none, look the same. */
  async function open(
    ctx: Context,
    proceed: (situation: Situation) => Promise<void>,
    path?: string,
  ) {
    async function find(customer: SignedIn): Promise<void> {
      const approval = await approvals.find(customer.customerId, String(ctx.params.id));
      const client = approval && (await storage.get(clients, approval.value.clientId));
      if (!approval || !client) throw new Refusal('not_found', 'There is no such request.');
      const missing = missingOf(approval.value, customer);
      if (missing) return signIn.leave(ctx, pathOf(approval), missing);
      return proceed({
        ...{ ctx, customer, approval, client: client.value },
        party: await describeClient(client.value),
      });
    }
    await signIn.enter(ctx, find, path);
  }

  /** What the client wants besides of how the person has signed in: in such a way, not too long ago. */
  function missingOf(
    { maxAge, contexts }: Approval,
    { authentication }: SignedIn,
  ): Again | undefined {
    if (contexts && !contexts.includes(authentication.acr)) {
      return contexts.includes(bankAuthentication.acr) ? 'recent' : 'code';
    }
    const age = (clock.now() - Date.parse(authentication.at)) / 1000;
    return maxAge === undefined || age <= maxAge ? undefined : 'recent';
  }

  async function showOne(situation: Situation, noneChosen = false): Promise<void> {
    const { ctx, customer, approval, party } = situation;
    const outcome = await findOutcome(situation);
    if (outcome) return answerPage(ctx, 200, showOutcome(ledger, party, outcome));
    const access = await askedAccess.find(approval.value);
    const { csrf } = customer;
    const now = new Date(clock.now());
    const knownUntil = askedAccess.endOfKnowing();
    const question = { approval, client: party, csrf, noneChosen, access, knownUntil, now };
    return answerPage(ctx, noneChosen ? 400 : 200, showQuestion(ledger, question));
  }

  /** What is to be said instead of a question; undefined where it can be decided. */
  async function findOutcome({ approval: { id, value } }: Situation) {
    const state = stateOf(value, clock.now());
    if (state !== 'waiting') return state;
    const waiting = await approvals.waiting(value.customerId);
    if (!waiting.some((one) => one.id === id)) return 'superseded';
    return (await askedAccess.isOpen(value)) ? undefined : 'withdrawn';
  }

  async function decide(situation: Situation): Promise<void> {
    const { ctx, customer, approval } = situation;
    const { csrf } = customer;
    const lists = ['account', ...(approval.value.details ?? []).map((_, index) => fieldOf(index))];
    const form = await readOwnForm(ctx, { origin, csrf }, lists);
    const isDecidable = (await findOutcome(situation)) === undefined;
    try {
      if (isDecidable && form.decision === 'refuse') await refuse(situation);
      if (isDecidable && form.decision === 'approve') {
        const isApproved = await approve(situation, form);
        if (!isApproved) return showOne(situation, true);
      }
    } catch (error) {
      if (!wasOvertaken(error)) throw error;
    }
    return seeOther(ctx, pathOf(approval));
  }

  async function refuse({ approval, client }: Situation): Promise<void> {
    const { intentId } = approval.value;
    const decided = await approvals.decide(approval, client, 'refused');
    const rejected = intentId === undefined ? [] : await intentService.reject(intentId);
    await settleApproval(deps, approval.value, { refused: true }, [...decided, ...rejected]);
  }

  /** @returns false where accounts are asked for and none was chosen. */
  async function approve(
    situation: Situation,
    form: Readonly<Record<string, string>>,
  ): Promise<boolean> {
    const { approval, client, customer } = situation;
    const yes = await askedAccess.grant(approval.value, form);
    if (!yes) return false;
    const decided = await approvals.decide(approval, client, 'approved');
    const { authentication } = customer;
    const granted = { ...yes.granted, authentication };
    await settleApproval(deps, approval.value, { granted }, [...decided, ...yes.writes]);
    return true;
  }

  router.get(approvalsPath, (ctx) => signIn.enter(ctx, (customer) => showList(ctx, customer)));
  router.post(`${approvalsPath}/sign-in`, (ctx) => signIn.submit(ctx, undefined));
  router.post(`${approvalsPath}/:id/sign-in`, async (ctx) =>
    signIn.submit(ctx, (await storage.get(records, String(ctx.params.id)))?.value),
  );
  for (const path of [approvalsPath, `${approvalsPath}/:id`]) {
    router.post(`${path}/code`, (ctx) => signIn.enterCode(ctx));
    router.post(`${path}/new-code`, (ctx) => signIn.sendNewCode(ctx));
  }
  router.post(`${approvalsPath}/sign-out`, (ctx) => signIn.signOut(ctx));
  // A form that was shown again after a mistake is reloaded, or bookmarked, under its own address.
  const steps = ['sign-in', 'code', 'new-code'];
  for (const path of [
    ...steps,
    'sign-out',
    ...[...steps, 'decision'].map((step) => `:id/${step}`),
  ]) {
    router.get(`${approvalsPath}/${path}`, (ctx) => seeOther(ctx, parentOf(ctx.path)));
  }
  router.get(`${approvalsPath}/:id`, (ctx) => open(ctx, (situation) => showOne(situation)));
  router.post(`${approvalsPath}/:id/decision`, (ctx) => open(ctx, decide, parentOf(ctx.path)));
  return router;
}

function pathOf({ id }: Stored<Approval>): string {
  return `${approvalsPath}/${id}`;
}
