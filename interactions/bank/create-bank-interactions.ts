import Router from '@koa/router';
import type { Context } from 'koa';
import { bankAuthentication } from '../../core/bank-authentication.js';
import type { BankLedger } from '../../core/bank-ledger.js';
import { bankVisits } from '../../core/bank-visit.js';
import type { Clock } from '../../core/clock.js';
import { belongsTo, type Intent, isIntentAuthorisable } from '../../core/intent.js';
import type { IntentService } from '../../core/intent-service.js';
import type { LoginBudget } from '../../core/login-budget.js';
import { readIntentId } from '../../core/read-intent-id.js';
import { Refusal } from '../../core/refusal.js';
import { put, remove, type Storage, StorageConflict } from '../../core/storage.js';
import { answerPage } from '../answer-page.js';
import type { InteractionSession, InteractionSessions } from '../interaction-session.js';
import { seeOther } from '../see-other.js';
import { showAccounts, showLogin, showRefusal } from './show-steps.js';

export interface BankInteractionDeps {
  readonly sessions: InteractionSessions;
  readonly intentService: IntentService;
  readonly loginBudget: LoginBudget;
  readonly ledger: BankLedger;
  readonly storage: Storage;
  readonly clock: Clock;
  /** Seconds until an intent without an end has to be authorised again. */
  readonly openEndedConsent: number;
}

/** Everything a step knows: whose interaction, which intent, and who has signed in. */
interface Situation {
  readonly ctx: Context;
  readonly session: InteractionSession;
  readonly intent: Intent;
  readonly customerId: string | undefined;
}

const otherCustomer = 'The consent belongs to another customer';

/**
 * The steps at the bank (decision 5): intent → login → accounts → back. Which one is next is read from
 * the intent and the visit each time, so reloads, second tabs and late returns find their place.
 */
export function createBankInteractions(deps: BankInteractionDeps): Router {
  const { sessions, intentService, loginBudget, ledger, storage, clock, openEndedConsent } = deps;
  const router = new Router();

  /** Opens the situation of a request; an intent that cannot be authorised ends at the client. */
  async function enter(ctx: Context, proceed: (situation: Situation) => Promise<void>) {
    const session = await sessions.open(ctx);
    if (!session.scopes.includes('accounts')) {
      return sessions.abort(ctx, 'invalid_scope', 'scope accounts is required');
    }
    const intentId = readIntentId(session.params.claims);
    const intent =
      intentId === undefined
        ? undefined
        : await intentService.find(session.client.client_id, intentId);
    if (!intent || !isIntentAuthorisable(intent, clock.now())) {
      const description = 'openbanking_intent_id does not name a consent that can be authorised';
      return sessions.abort(ctx, 'invalid_request', description);
    }
    const customerId = (await storage.get(bankVisits, session.uid))?.value.customerId;
    if (customerId !== undefined && !belongsTo(intent, customerId)) {
      return sessions.abort(ctx, 'access_denied', otherCustomer);
    }
    try {
      return await proceed({ ctx, session, intent, customerId });
    } catch (error) {
      if (wasOvertaken(error)) return seeOther(ctx, session.path);
      throw error;
    }
  }

  /** A posted form: belongs to the interaction, and was made by one of its pages. */
  async function accept(
    ctx: Context,
    proceed: (situation: Situation, form: Record<string, string>) => Promise<void>,
  ) {
    await enter(ctx, async (situation) => {
      await proceed(situation, await sessions.readForm(ctx, situation.session, ['account']));
    });
  }

  /** Back to the client without access. An intent already in force stays as it was. */
  async function refuse({ ctx, session, intent }: Situation, reason: string): Promise<void> {
    const writes = [...(await intentService.reject(intent.id)), remove(bankVisits, session.uid)];
    await sessions.abort(ctx, 'access_denied', reason, writes);
  }

  async function signIn(situation: Situation, form: Record<string, string>): Promise<void> {
    const { ctx, session, intent } = situation;
    const { login = '', password = '' } = form;
    if (!login.trim() || !password) {
      return answerPage(ctx, 400, showLogin(ledger, session, { login, error: 'missing' }));
    }
    if (!(await loginBudget.spend(login, session.uid))) {
      return answerPage(
        ctx,
        429,
        showLogin(ledger, session, { login, error: 'too-many-attempts' }),
      );
    }
    const customer = await ledger.authenticate(login, password);
    if (!customer) {
      return answerPage(ctx, 401, showLogin(ledger, session, { login, error: 'mismatch' }));
    }
    if (!belongsTo(intent, customer.id)) {
      return sessions.abort(ctx, 'access_denied', otherCustomer);
    }
    await storage.commit([
      put(bankVisits, session.uid, { customerId: customer.id }, session.expiresAt),
      loginBudget.restore(login),
    ]);
    return seeOther(ctx, session.path);
  }

  async function showChoice(situation: Situation, noneChosen = false): Promise<void> {
    const { ctx, session, intent, customerId } = situation;
    if (customerId === undefined) return answerPage(ctx, 200, showLogin(ledger, session));
    const accounts = await ledger.accounts(customerId);
    if ('refused' in accounts) {
      return answerPage(ctx, 200, showRefusal(ledger, session, accounts.reason));
    }
    const now = new Date(clock.now());
    const choice = { intent, accounts, expiresAt: endOf(intent), now, noneChosen };
    return answerPage(ctx, noneChosen ? 400 : 200, showAccounts(ledger, session, choice));
  }

  async function share(situation: Situation, form: Record<string, string>): Promise<void> {
    const { ctx, session, intent, customerId } = situation;
    if (form.decision !== 'allow') return refuse(situation, 'The customer shared nothing');
    if (customerId === undefined) return seeOther(ctx, session.path);
    const held = await ledger.accounts(customerId);
    if ('refused' in held) return seeOther(ctx, session.path);
    const ticked = (form.account ?? '').split(' ');
    const accountIds = held.map(({ id }) => id).filter((id) => ticked.includes(id));
    if (accountIds.length === 0) return showChoice(situation, true);
    const authorised = await intentService.authorise(intent.id, { customerId, accountIds });
    return sessions.finish(
      ctx,
      session,
      {
        accountId: customerId,
        grantId: intent.id,
        resourceScopes: ['accounts'],
        claims: ['sub', 'openbanking_intent_id', 'acr', 'auth_time'],
        expiresAt: endOf(intent),
        acr: bankAuthentication.acr,
      },
      [...authorised, remove(bankVisits, session.uid)],
    );
  }

  function endOf({ expiresAt }: Intent): Date {
    return new Date(expiresAt ?? clock.now() + openEndedConsent * 1000);
  }

  router.get('/interaction/:uid', (ctx) => enter(ctx, (situation) => showChoice(situation)));
  router.post('/interaction/:uid/login', (ctx) => accept(ctx, signIn));
  router.post('/interaction/:uid/accounts', (ctx) => accept(ctx, share));
  router.post('/interaction/:uid/cancel', (ctx) =>
    accept(ctx, (situation) => refuse(situation, 'The customer went back to the app')),
  );
  // A form that was shown again after a mistake is reloaded, or bookmarked, under its own address.
  for (const step of ['login', 'accounts', 'cancel']) {
    router.get(`/interaction/:uid/${step}`, (ctx) =>
      enter(ctx, async ({ session }) => seeOther(ctx, session.path)),
    );
  }
  return router;
}

/** Another tab, or the client's withdrawal, was quicker; the next look tells what is left. */
function wasOvertaken(error: unknown): boolean {
  const isLate = error instanceof Refusal && ['conflict', 'access_denied'].includes(error.code);
  return isLate || error instanceof StorageConflict;
}
