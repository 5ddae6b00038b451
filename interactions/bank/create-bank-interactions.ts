import Router from '@koa/router';
import type { Context } from 'koa';
import type { ResourceConfiguration } from '../../config/schema.js';
import { mostDetails } from '../../core/authorization-details/detail-types.js';
import type { BankLedger, LedgerAccount } from '../../core/bank-ledger.js';
import { bankVisits } from '../../core/bank-visit.js';
import type { Clock } from '../../core/clock.js';
import { endOfYes, type Intent, toldEnd } from '../../core/intent.js';
import type { IntentService } from '../../core/intent-service.js';
import { remove, type Write } from '../../core/storage.js';
import { answerPage } from '../answer-page.js';
import type { InteractionSession, InteractionSessions } from '../interaction-session.js';
import type { GrantedAccess } from '../save-grant.js';
import { seeOther } from '../see-other.js';
import { wasOvertaken } from '../was-overtaken.js';
import { type Asked, isTheirs, type NotAsked, ofAnother, readAsked } from './asked.js';
import type {
  CompletedSignIn,
  CustomerSignIn,
  SignInRequest,
  SignInState,
} from './customer-sign-in.js';
import { decideDetails, fieldOf } from './decide-details.js';
import { describePurpose } from './describe-purpose.js';
import { readOtherScopes } from './other-scopes.js';
import { showAccounts, showDetails, showRefusal } from './show-steps.js';
import { createSignInSteps, signInPlaceOf } from './sign-in-steps.js';

export interface BankInteractionDeps {
  readonly sessions: InteractionSessions;
  readonly intentService: IntentService;
  readonly signIn: CustomerSignIn;
  readonly ledger: BankLedger;
  readonly clock: Clock;
  /** Seconds until an intent without an end has to be authorised again; 0: never. */
  readonly openEndedIntent: number;
  /** Seconds until authorization details without an end have to be granted again. */
  readonly openEndedConsent: number;
  /** What the bank protects itself. */
  readonly resources: readonly ResourceConfiguration[];
}

/** Everything a step knows: whose interaction, what is asked, and how far its customer has come. */
interface Situation {
  readonly ctx: Context;
  readonly session: InteractionSession;
  readonly asked: Asked;
  readonly state: SignInState;
}

/** What a decision grants; whom, and how they signed in, is known. */
type DecidedAccess = Omit<GrantedAccess, 'accountId' | 'otherScopes' | 'authentication'>;

/** OpenID Connect Core Unmet Authentication Requirements 1.0. */
const unmet = 'unmet_authentication_requirements';

const accountFields = [
  'account',
  ...Array.from({ length: mostDetails }, (_, index) => fieldOf(index)),
];

/**
 * The steps at the bank (decision 5): what is asked → login → code → accounts → back. Which one is next is
 * read from the request and the visit each time, so reloads, second tabs and late returns find their place.
 */
export function createBankInteractions(deps: BankInteractionDeps): Router {
  const {
    sessions,
    intentService,
    signIn,
    ledger,
    clock,
    openEndedIntent,
    openEndedConsent,
    resources,
  } = deps;
  const signInSteps = createSignInSteps(deps);
  const router = new Router();

  /** Opens the situation of a request; what cannot be asked ends at the client. */
  async function enter(ctx: Context, proceed: (situation: Situation) => Promise<void>) {
    const session = await sessions.open(ctx);
    const asked = await readAsked(deps, session);
    if ('error' in asked) return turnAway(ctx, asked);
    const state = await signIn.state(session);
    if (state.step === 'done' && !isTheirs(asked, state.customerId)) {
      return turnAway(ctx, ofAnother(asked));
    }
    try {
      return await proceed({ ctx, session, asked, state });
    } catch (error) {
      if (wasOvertaken(error)) return seeOther(ctx, session.path);
      throw error;
    }
  }

  const turnAway = (ctx: Context, { error, description }: NotAsked) =>
    sessions.abort(ctx, error, description);

  /** A posted form: belongs to the interaction, and was made by one of its pages. */
  async function accept(
    ctx: Context,
    proceed: (situation: Situation, form: Record<string, string>) => Promise<void>,
  ) {
    await enter(ctx, async (situation) => {
      await proceed(situation, await sessions.readForm(ctx, situation.session, accountFields));
    });
  }

  /** Back to the client without access. An intent already in force stays as it was. */
  async function refuse({ ctx, session, asked }: Situation, reason: string): Promise<void> {
    const rejected = asked.kind === 'intent' ? await intentService.reject(asked.intent.id) : [];
    const writes = [...rejected, remove(bankVisits, session.uid)];
    await sessions.abort(ctx, 'access_denied', reason, writes);
  }

  function toSignInRequest({ session, asked }: Situation): SignInRequest {
    return {
      contexts: asked.contexts,
      purpose: describePurpose(asked, session.party.name),
      isTheirs: (customerId) => isTheirs(asked, customerId),
    };
  }

  async function enterLogin(situation: Situation, form: Record<string, string>): Promise<void> {
    const { ctx, session, asked } = situation;
    const place = signInPlaceOf(session);
    const outcome = await signInSteps.enterLogin(ctx, place, form, toSignInRequest(situation));
    if (outcome === 'accepted') return seeOther(ctx, session.path);
    if (outcome === 'other-customer') return turnAway(ctx, ofAnother(asked));
    if (outcome === 'unmet') {
      return sessions.abort(ctx, unmet, 'the customer cannot be authenticated as acr asks for');
    }
  }

  async function sendNewCode(situation: Situation): Promise<void> {
    const { ctx, session, state } = situation;
    const { purpose } = toSignInRequest(situation);
    return signInSteps.sendNewCode(ctx, signInPlaceOf(session), state, purpose);
  }

  async function showNext(situation: Situation, noneChosen = false): Promise<void> {
    const { ctx, session, asked, state } = situation;
    if (state.step === 'login') return signInSteps.showLogin(ctx, signInPlaceOf(session));
    if (state.step === 'code') {
      return signInSteps.showCode(ctx, signInPlaceOf(session), state.sentCode);
    }
    const accounts = await ledger.accounts(state.customerId);
    if ('refused' in accounts) {
      return answerPage(ctx, 200, showRefusal(ledger, session, accounts.reason));
    }
    const question = { accounts, noneChosen, others: readOtherScopes(session, resources) };
    const page =
      asked.kind === 'intent'
        ? showAccounts(ledger, session, {
            ...question,
            intent: asked.intent,
            expiresAt: toldEnd(endOf(asked.intent)),
            now: new Date(clock.now()),
          })
        : showDetails(ledger, session, {
            ...question,
            details: asked.details,
            before: asked.held?.authorizationDetails ?? [],
            expiresAt: endOfDetails(),
          });
    return answerPage(ctx, noneChosen ? 400 : 200, page);
  }

  /** The customer's decision, where they have signed in and the bank lets them share. */
  async function decide(
    situation: Situation,
    form: Record<string, string>,
    grant: (
      customer: CompletedSignIn,
      held: readonly LedgerAccount[],
    ) => Promise<{ readonly access: DecidedAccess; readonly writes: readonly Write[] } | undefined>,
  ): Promise<void> {
    const { ctx, session, state } = situation;
    if (form.decision !== 'allow') return refuse(situation, 'The customer shared nothing');
    if (state.step !== 'done') return seeOther(ctx, session.path);
    const held = await ledger.accounts(state.customerId);
    if ('refused' in held) return seeOther(ctx, session.path);
    const granted = await grant(state, held);
    if (!granted) return showNext(situation, true);
    const access = {
      ...granted.access,
      accountId: state.customerId,
      otherScopes: readOtherScopes(session, resources),
      authentication: state.authentication,
    };
    return sessions.finish(ctx, session, access, [state.end, ...granted.writes]);
  }

  async function shareAccounts(situation: Situation, form: Record<string, string>): Promise<void> {
    const { ctx, session, asked } = situation;
    if (asked.kind !== 'intent') return seeOther(ctx, session.path);
    const { intent, wish } = asked;
    return decide(situation, form, async ({ customerId }, held) => {
      const ticked = (form.account ?? '').split(' ');
      const accountIds = held.map(({ id }) => id).filter((id) => ticked.includes(id));
      if (accountIds.length === 0) return undefined;
      const choice = { customerId, accountIds };
      return {
        writes: await intentService.authorise(intent.id, choice, wish),
        access: {
          grantId: intent.id,
          renews: wish?.action === 'merge',
          resourceScopes: ['accounts'],
          claims: ['sub', 'openbanking_intent_id', 'acr', 'auth_time'],
          expiresAt: endOf(intent),
        },
      };
    });
  }

  async function allowDetails(situation: Situation, form: Record<string, string>): Promise<void> {
    const { ctx, session, asked } = situation;
    if (asked.kind !== 'details') return seeOther(ctx, session.path);
    return decide(situation, form, async ({ customerId }, held) => {
      const now = new Date(clock.now());
      const details = decideDetails(asked.details, form, { held, now, latest: endOfDetails() });
      if (details.length === 0) return undefined;
      const { client_id: clientId } = session.client;
      const choice = { customerId, details };
      const { intent, writes } = await intentService.grantDetails(clientId, choice, asked.wish);
      return {
        writes,
        access: {
          grantId: intent.id,
          renews: asked.wish?.action === 'merge',
          resourceScopes: session.scopes.filter((scope) => scope === 'accounts'),
          claims: ['sub', 'acr', 'auth_time'],
          details: intent.authorizationDetails,
          expiresAt: endOf(intent),
        },
      };
    });
  }

  function endOf(intent: Intent): Date {
    return endOfYes(intent, openEndedIntent, clock.now());
  }

  function endOfDetails(): Date {
    return new Date(clock.now() + openEndedConsent * 1000);
  }

  router.get('/interaction/:uid', (ctx) => enter(ctx, (situation) => showNext(situation)));
  router.post('/interaction/:uid/login', (ctx) => accept(ctx, enterLogin));
  router.post('/interaction/:uid/code', (ctx) =>
    accept(ctx, ({ session, state }, form) =>
      signInSteps.enterCode(ctx, signInPlaceOf(session), state, form),
    ),
  );
  router.post('/interaction/:uid/new-code', (ctx) => accept(ctx, sendNewCode));
  router.post('/interaction/:uid/accounts', (ctx) => accept(ctx, shareAccounts));
  router.post('/interaction/:uid/details', (ctx) => accept(ctx, allowDetails));
  router.post('/interaction/:uid/cancel', (ctx) =>
    accept(ctx, (situation) => refuse(situation, 'The customer went back to the app')),
  );
  // A form that was shown again after a mistake is reloaded, or bookmarked, under its own address.
  for (const step of ['login', 'code', 'new-code', 'accounts', 'details', 'cancel']) {
    router.get(`/interaction/:uid/${step}`, (ctx) =>
      enter(ctx, async ({ session }) => seeOther(ctx, session.path)),
    );
  }
  return router;
}
