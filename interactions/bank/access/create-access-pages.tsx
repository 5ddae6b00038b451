import Router from '@koa/router';
import type { Context } from 'koa';
import { AccessPage, type SharedAccess } from '../../../consent-ui/pages/access-page.js';
import { renderPage } from '../../../consent-ui/render-page.js';
import type { BankLedger } from '../../../core/bank-ledger.js';
import { clients } from '../../../core/clients.js';
import type { Clock } from '../../../core/clock.js';
import type { IdentityAccess, IdentityAccessService } from '../../../core/identity-access.js';
import type { Intent } from '../../../core/intent.js';
import type { IntentService } from '../../../core/intent-service.js';
import { describePersonalData } from '../../../core/person-claims.js';
import { Refusal } from '../../../core/refusal.js';
import type { Storage } from '../../../core/storage.js';
import { answerPage } from '../../answer-page.js';
import type { DescribeClient } from '../../describe-client.js';
import { readOwnForm } from '../../read-own-form.js';
import { seeOther } from '../../see-other.js';
import type { SignedIn, SignIn } from '../approvals/sign-in.js';
import { describeGranted } from '../describe-granted.js';
import { brandOf } from '../show-steps.js';

export interface AccessPagesDeps {
  readonly storage: Pick<Storage, 'get'>;
  readonly ledger: BankLedger;
  readonly intentService: Pick<IntentService, 'inForce' | 'endByCustomer'>;
  readonly identityAccess: IdentityAccessService;
  readonly clock: Clock;
  /** Seconds until an intent without an end has to be authorised again; 0: never. */
  readonly openEndedIntent: number;
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

/**
 * The bank's `/access`: what a customer shares with which client, and which may ask who they are when
 * they are gone, and the end of each.
 */
export function createAccessPages(deps: AccessPagesDeps): Router {
  const { storage, ledger, intentService, identityAccess, signIn, describeClient, origin } = deps;
  const { clock, openEndedIntent } = deps;
  const router = new Router();

  async function showAll(ctx: Context, { customerId, csrf }: SignedIn): Promise<void> {
    const inForce = await intentService.inForce(customerId);
    const knowing = await identityAccess.inForce(customerId);
    const held = await ledger.accounts(customerId);
    const known = 'refused' in held ? [] : held;
    const customer = await ledger.identify({ id: customerId });

    async function describe(intent: Intent): Promise<readonly SharedAccess[]> {
      const client = await storage.get(clients, intent.clientId);
      if (!client) return [];
      const { id, createdAt } = intent;
      return [
        {
          client: await describeClient(client.value),
          parts: describeGranted(intent, known, { now: clock.now(), openEndedIntent }),
          since: new Date(createdAt),
          end: { action: `${accessPath}/${id}/end`, csrf },
        },
      ];
    }

    async function describeKnowing(access: IdentityAccess): Promise<readonly SharedAccess[]> {
      const { clientId, since, until } = access;
      const client = await storage.get(clients, clientId);
      if (!client) return [];
      const details = describePersonalData(access).map(({ title }) => title);
      return [
        {
          client: await describeClient(client.value),
          knows: details.length === 0 ? ['That it is you'] : details,
          ...{ since, until },
          end: { action: `${accessPath}/apps/${encodeURIComponent(clientId)}/end`, csrf },
        },
      ];
    }

    const shared = [...inForce.map(describe), ...knowing.map(describeKnowing)];
    const page = renderPage(
      <AccessPage
        bank={brandOf(ledger.bankName)}
        customer={customer?.name ?? customerId}
        shared={(await Promise.all(shared)).flat()}
        hasEnded={ctx.query.ended !== undefined}
        signOut={{ action: `${accessPath}/sign-out`, csrf }}
      />,
    );
    return answerPage(ctx, 200, page);
  }

  /** The form that ends one access. Another customer's, and none, look the same. */
  function ending(end: (customerId: string, id: string) => Promise<boolean>) {
    async function proceed(ctx: Context, { customerId, csrf }: SignedIn): Promise<void> {
      await readOwnForm(ctx, { origin, csrf });
      if (!(await end(customerId, String(ctx.params.id)))) {
        throw new Refusal('not_found', 'There is no such access.');
      }
      seeOther(ctx, `${accessPath}?ended`);
    }
    return (ctx: Context) => signIn.enter(ctx, (customer) => proceed(ctx, customer), accessPath);
  }

  router.get(accessPath, (ctx) => signIn.enter(ctx, (customer) => showAll(ctx, customer)));
  router.post(`${accessPath}/sign-in`, (ctx) => signIn.submit(ctx, undefined));
  router.post(`${accessPath}/code`, (ctx) => signIn.enterCode(ctx));
  router.post(`${accessPath}/new-code`, (ctx) => signIn.sendNewCode(ctx));
  router.post(`${accessPath}/sign-out`, (ctx) => signIn.signOut(ctx));
  router.post(`${accessPath}/:id/end`, ending(intentService.endByCustomer));
  router.post(`${accessPath}/apps/:id/end`, ending(identityAccess.end));
  // A form that was shown again after a mistake is reloaded, or bookmarked, under its own address.
  for (const path of ['sign-in', 'code', 'new-code', 'sign-out', ':id/end', 'apps/:id/end']) {
    router.get(`${accessPath}/${path}`, (ctx) => seeOther(ctx, accessPath));
  }
  return router;
}
