import Router from '@koa/router';
import type { Context } from 'koa';
import type { ResourceConfiguration } from '../../config/schema.js';
import type { AuthenticationContext } from '../../core/bank-authentication.js';
import type { BankLedger } from '../../core/bank-ledger.js';
import { bankVisits } from '../../core/bank-visit.js';
import type { Clock } from '../../core/clock.js';
import { belongsTo, type Intent, isIntentAuthorisable } from '../../core/intent.js';
import type { IntentService } from '../../core/intent-service.js';
import { readIntentId } from '../../core/read-intent-id.js';
import { Refusal } from '../../core/refusal.js';
import { remove, StorageConflict } from '../../core/storage.js';
import { readWantedContexts } from '../../core/wanted-contexts.js';
import { answerPage } from '../answer-page.js';
import { describeClient } from '../describe-client.js';
import type { InteractionSession, InteractionSessions } from '../interaction-session.js';
import { seeOther } from '../see-other.js';
import type { CustomerSignIn, SignInRequest, SignInState } from './customer-sign-in.js';
import { readOtherScopes } from './other-scopes.js';
import { showAccounts, showCode, showLogin, showRefusal } from './show-steps.js';

export interface BankInteractionDeps {
  readonly sessions: InteractionSessions;
  readonly intentService: IntentService;
  readonly signIn: CustomerSignIn;
  readonly ledger: BankLedger;
  readonly clock: Clock;
  /** Seconds until an intent without an end has to be authorised again. */
  readonly openEndedConsent: number;
  /** What the bank protects itself. */
  readonly resources: readonly ResourceConfiguration[];
}

/** Everything a step knows: whose interaction, which intent, and how far its customer has come. */
interface Situation {
  readonly ctx: Context;
  readonly session: InteractionSession;
  readonly intent: Intent;
  readonly contexts: readonly AuthenticationContext[] | undefined;
  readonly state: SignInState;
}

/** OpenID Connect Core Unmet Authentication Requirements 1.0. */
const unmet = 'unmet_authentication_requirements';

const statuses = { missing: 400, 'too-many-attempts': 429, mismatch: 401 } as const;

const otherCustomer = 'The consent belongs to another customer';

/**
 * The steps at the bank (decision 5): intent → login → code → accounts → back. Which one is next is read from
 * the intent and the visit each time, so reloads, second tabs and late returns find their place.
 */
export function createBankInteractions(deps: BankInteractionDeps): Router {
  const { sessions, intentService, signIn, ledger, clock, openEndedConsent, resources } = deps;
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
    const contexts = readWantedContexts(session.params);
    if (contexts?.length === 0) {
      return sessions.abort(ctx, unmet, 'this bank does not offer what acr asks for');
    }
    const state = await signIn.state(session);
    if (state.step === 'done' && !belongsTo(intent, state.customerId)) {
      return sessions.abort(ctx, 'access_denied', otherCustomer);
    }
    try {
      return await proceed({ ctx, session, intent, contexts, state });
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

  function toSignInRequest({ session, intent, contexts }: Situation): SignInRequest {
    return {
      contexts,
      purpose: `It signs you in, for ${describeClient(session.client).name} to ask to see data from your accounts.`,
      isTheirs: (customerId) => belongsTo(intent, customerId),
    };
  }

  async function enterLogin(situation: Situation, form: Record<string, string>): Promise<void> {
    const { ctx, session } = situation;
    const outcome = await signIn.login(session, form, toSignInRequest(situation));
    if (outcome === 'accepted') return seeOther(ctx, session.path);
    if (outcome === 'other-customer') return sessions.abort(ctx, 'access_denied', otherCustomer);
    if (outcome === 'unmet') {
      return sessions.abort(ctx, unmet, 'the customer cannot be authenticated as acr asks for');
    }
    const { login = '' } = form;
    return answerPage(
      ctx,
      statuses[outcome],
      showLogin(ledger, session, { login, error: outcome }),
    );
  }

  async function enterCode(situation: Situation, form: Record<string, string>): Promise<void> {
    const { ctx, session, state } = situation;
    if (state.step !== 'code') return seeOther(ctx, session.path);
    const outcome = await signIn.enterCode(session, form);
    if (outcome === 'accepted') return seeOther(ctx, session.path);
    return answerPage(ctx, statuses[outcome], showCode(ledger, session, state.sentCode, outcome));
  }

  async function sendNewCode(situation: Situation): Promise<void> {
    const { ctx, session, state } = situation;
    if (state.step !== 'code') return seeOther(ctx, session.path);
    if (await signIn.sendAgain(session, toSignInRequest(situation).purpose)) {
      return seeOther(ctx, session.path);
    }
    return answerPage(ctx, 429, showCode(ledger, session, state.sentCode, 'too-many-attempts'));
  }

  async function showChoice(situation: Situation, noneChosen = false): Promise<void> {
    const { ctx, session, intent, state } = situation;
    if (state.step === 'login') return answerPage(ctx, 200, showLogin(ledger, session));
    if (state.step === 'code') {
      return answerPage(ctx, 200, showCode(ledger, session, state.sentCode));
    }
    const accounts = await ledger.accounts(state.customerId);
    if ('refused' in accounts) {
      return answerPage(ctx, 200, showRefusal(ledger, session, accounts.reason));
    }
    const choice = {
      ...{ intent, accounts, noneChosen },
      others: readOtherScopes(session, resources),
      expiresAt: endOf(intent),
      now: new Date(clock.now()),
    };
    return answerPage(ctx, noneChosen ? 400 : 200, showAccounts(ledger, session, choice));
  }

  async function share(situation: Situation, form: Record<string, string>): Promise<void> {
    const { ctx, session, intent, state } = situation;
    if (form.decision !== 'allow') return refuse(situation, 'The customer shared nothing');
    if (state.step !== 'done') return seeOther(ctx, session.path);
    const { customerId, authentication } = state;
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
        otherScopes: readOtherScopes(session, resources),
        authentication,
      },
      [...authorised, remove(bankVisits, session.uid)],
    );
  }

  function endOf({ expiresAt }: Intent): Date {
    return new Date(expiresAt ?? clock.now() + openEndedConsent * 1000);
  }

  router.get('/interaction/:uid', (ctx) => enter(ctx, (situation) => showChoice(situation)));
  router.post('/interaction/:uid/login', (ctx) => accept(ctx, enterLogin));
  router.post('/interaction/:uid/code', (ctx) => accept(ctx, enterCode));
  router.post('/interaction/:uid/new-code', (ctx) => accept(ctx, sendNewCode));
  router.post('/interaction/:uid/accounts', (ctx) => accept(ctx, share));
  router.post('/interaction/:uid/cancel', (ctx) =>
    accept(ctx, (situation) => refuse(situation, 'The customer went back to the app')),
  );
  // A form that was shown again after a mistake is reloaded, or bookmarked, under its own address.
  for (const step of ['login', 'code', 'new-code', 'accounts', 'cancel']) {
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
