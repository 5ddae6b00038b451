import Router from '@koa/router';
import type { Context } from 'koa';
import { AccessPage, type SharedAccess } from '../../../consent-ui/pages/access-page.js';
import { renderPage } from '../../../consent-ui/render-page.js';
import type { BankLedger } from '../../../core/bank-ledger.js';
import { clients } from '../../../core/clients.js';
import type { Intent } from '../../../core/intent.js';
import type { IntentService } from '../../../core/intent-service.js';
import { Refusal } from '../../../core/refusal.js';
import type { Storage } from '../../../core/storage.js';
import { answerPage } from '../../answer-page.js';
import type { DescribeClient } from '../../describe-client.js';
import { readOwnForm } from '../../read-own-form.js';
import { seeOther } from '../../see-other.js';
import type { SignedIn, SignIn } from '../approvals/sign-in.js';
import { brandOf } from '../show-steps.js';

export interface AccessPagesDeps {
  readonly storage: Pick<Storage, 'get'>;
  readonly ledger: BankLedger;
  readonly intentService: Pick<IntentService, 'inForce' | 'endByCustomer'>;
  readonly signIn: SignIn;
  readonly describeClient: DescribeClient;
  /** Our own. */
  readonly origin: string;
}

const accessPath = '/access';

/** What customers sign in for here. */
export const accessPages = {
  home: accessPath,
  lead: 'After you sign in, you see which apps see your data, and can end it.',
  purpose: 'It signs you in, to see which apps see your data.',
};

/** The bank's `/access`: what a customer shares with which client, and the end of each. */
export function createAccessPages(deps: AccessPagesDeps): Router {
  const { storage, ledger, intentService, signIn, describeClient, origin } = deps;
  const router = new Router();

  async function showAll(ctx: Context, { customerId, csrf }: SignedIn): Promise<void> {
    const inForce = await intentService.inForce(customerId);
    const held = await ledger.accounts(customerId);
    const known = 'refused' in held ? [] : held;
    const customer = await ledger.identify({ id: customerId });

    async function describe(intent: Intent): Promise<readonly SharedAccess[]> {
      const client = await storage.get(clients, intent.clientId);
      if (!client) return [];
      const { id, accountIds, createdAt, expiresAt } = intent;
      return [
        {
          client: await describeClient(client.value),
          accounts: known
            .filter((account) => accountIds.includes(account.id))
            .map(({ nickname, accountNumber }) => ({ name: nickname, number: accountNumber })),
          since: new Date(createdAt),
          until: expiresAt === undefined ? undefined : new Date(expiresAt),
          end: { action: `${accessPath}/${id}/end`, csrf },
        },
      ];
    }

    const page = renderPage(
      <AccessPage
        bank={brandOf(ledger.bankName)}
        customer={customer?.name ?? customerId}
        shared={(await Promise.all(inForce.map(describe))).flat()}
        hasEnded={ctx.query.ended !== undefined}
        signOut={{ action: `${accessPath}/sign-out`, csrf }}
      />,
    );
    return answerPage(ctx, 200, page);
  }

  async function end(ctx: Context, { customerId, csrf }: SignedIn): Promise<void> {
    await readOwnForm(ctx, { origin, csrf });
    // Another customer's, and none, look the same.
    if (!(await intentService.endByCustomer(customerId, String(ctx.params.id)))) {
      throw new Refusal('not_found', 'There is no such access.');
    }
    seeOther(ctx, `${accessPath}?ended`);
  }

  router.get(accessPath, (ctx) => signIn.enter(ctx, (customer) => showAll(ctx, customer)));
  router.post(`${accessPath}/sign-in`, (ctx) => signIn.submit(ctx, undefined));
  router.post(`${accessPath}/code`, (ctx) => signIn.enterCode(ctx));
  router.post(`${accessPath}/new-code`, (ctx) => signIn.sendNewCode(ctx));
  router.post(`${accessPath}/sign-out`, (ctx) => signIn.signOut(ctx));
  router.post(`${accessPath}/:id/end`, (ctx) =>
    signIn.enter(ctx, (customer) => end(ctx, customer), accessPath),
  );
  // A form that was shown again after a mistake is reloaded, or bookmarked, under its own address.
  for (const path of ['sign-in', 'code', 'new-code', 'sign-out', ':id/end']) {
    router.get(`${accessPath}/${path}`, (ctx) => seeOther(ctx, accessPath));
  }
  return router;
}
