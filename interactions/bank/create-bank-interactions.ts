import Router from '@koa/router';
import type { Context } from 'koa';
import type { ResourceConfiguration } from '../../config/schema.js';
import { mostDetails, stillGranted } from '../../core/authorization-details/detail-types.js';
import type { BankLedger, LedgerAccount } from '../../core/bank-ledger.js';
import { bankVisits } from '../../core/bank-visit.js';
import type { ClientMetadata } from '../../core/clients.js';
import type { Clock } from '../../core/clock.js';
import { endOfYes, type IntentTerms, toldEnd } from '../../core/intent.js';
import type { IntentService } from '../../core/intent-service.js';
import { describePersonalData } from '../../core/person-claims.js';
import { bankScopes } from '../../core/scopes.js';
import { consumerDataScopes } from '../../core/sharing-arrangement.js';
import { remove, type Write } from '../../core/storage.js';
import { answerPage } from '../answer-page.js';
import type { InteractionSession, InteractionSessions } from '../interaction-session.js';
import type { GrantedAccess } from '../save-grant.js';
import { seeOther } from '../see-other.js';
import { wasOvertaken } from '../was-overtaken.js';
import {
  type Asked,
  heldBefore,
  isTheirs,
  type NotAsked,
  ofAnother,
  type Questions,
  readAsked,
} from './asked.js';
import type {
  CompletedSignIn,
  CustomerSignIn,
  SignInRequest,
  SignInState,
} from './customer-sign-in.js';
import { decideDetails, fieldOf, mayAddNothing } from './decide-details.js';
import { describeGranted } from './describe-granted.js';
import { describePurpose } from './describe-purpose.js';
import { isAskedFor, type SubjectOf } from './is-asked-for.js';
import { readOtherScopes } from './other-scopes.js';
import { type Earlier, showAccounts, showDetails, showRefusal } from './show-steps.js';
import { createSignInSteps, type SignInPlace, signInPlaceOf } from './sign-in-steps.js';
import { showConsent } from './sign-on/show-sign-on.js';

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
  /** Seconds that a client may ask who somebody is, who has agreed to no more than that. */
  readonly knownFor: number;
  /** What the bank protects itself. */
  readonly resources: readonly ResourceConfiguration[];
  readonly questionsOf: (client: ClientMetadata) => Questions;
  /** Names a Grant that no intent is behind. */
  readonly newId: () => string;
  readonly subjectOf: SubjectOf;
}

/** Everything a step knows: whose interaction, what is asked, and how far its customer has come. */
interface Situation {
  readonly ctx: Context;
  readonly session: InteractionSession;
  readonly asked: Asked;
  readonly state: SignInState;
}

/** What a decision grants; whom, and how they signed in, is known. */
type DecidedAccess = Omit<
  GrantedAccess,
  'accountId' | 'resourceScopes' | 'otherScopes' | 'authentication'
>;

const ownScopes = [...bankScopes, ...consumerDataScopes];

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
    knownFor,
    resources,
    questionsOf,
    newId,
    subjectOf,
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

  /** Signing in says what it is for: to share, or only to be known. */
  function placeOf({ session, asked }: Situation): SignInPlace {
    return signInPlaceOf(session, asked.kind === 'identity' ? 'identity' : undefined);
  }

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
  async function refuse(situation: Situation, reason: string): Promise<void> {
    const { ctx, session, asked, state } = situation;
    const rejected = asked.kind === 'intent' ? await intentService.reject(asked.intent.id) : [];
    const end = state.step === 'done' ? state.end : remove(bankVisits, session.uid);
    await sessions.abort(ctx, 'access_denied', reason, [end, ...rejected]);
  }

  function toSignInRequest({ session, asked }: Situation): SignInRequest {
    return {
      contexts: asked.contexts,
      purpose: describePurpose(asked, session.party.name),
      isTheirs: async (customerId) =>
        isTheirs(asked, customerId) && isAskedFor(session, customerId, subjectOf),
    };
  }

  async function enterLogin(situation: Situation, form: Record<string, string>): Promise<void> {
    const { ctx, session, asked } = situation;
    const request = toSignInRequest(situation);
    const outcome = await signInSteps.enterLogin(ctx, placeOf(situation), form, request);
    if (outcome === 'accepted') return seeOther(ctx, session.path);
    if (outcome === 'other-customer') return turnAway(ctx, ofAnother(asked));
    if (outcome === 'unmet') {
      return sessions.abort(ctx, unmet, 'the customer cannot be authenticated as acr asks for');
    }
  }

  async function sendNewCode(situation: Situation): Promise<void> {
    const { ctx, state } = situation;
    const { purpose } = toSignInRequest(situation);
    return signInSteps.sendNewCode(ctx, placeOf(situation), state, purpose);
  }

  async function showNext(situation: Situation, noneChosen = false): Promise<void> {
    const { ctx, session, asked, state } = situation;
    if (state.step === 'login') return signInSteps.showLogin(ctx, placeOf(situation));
    if (state.step === 'code') {
      return signInSteps.showCode(ctx, placeOf(situation), state.sentCode);
    }
    if (asked.kind === 'identity') {
      const { claims, purpose } = asked;
      const details = describePersonalData({ scopes: [], claims });
      const known = { details, purpose, lasting: false, expiresAt: endOfKnowing() };
      return answerPage(ctx, 200, showConsent(ledger, session, known));
    }
    const accounts = await ledger.accounts(state.customerId);
    if ('refused' in accounts) {
      return answerPage(ctx, 200, showRefusal(ledger, session, accounts.reason));
    }
    const question = {
      ...{ accounts, noneChosen, now: new Date(clock.now()) },
      others: readOtherScopes(session, resources),
      earlier: describeBefore(asked, accounts),
    };
    const page =
      asked.kind === 'details'
        ? showDetails(ledger, session, {
            ...question,
            details: asked.details,
            latest: endOfDetails(),
          })
        : showAccounts(ledger, session, { ...question, ...termsOf(asked) });
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
    return finish(situation, state, granted.access, granted.writes);
  }

  /** Back to the client with what the customer has agreed to. */
  async function finish(
    { ctx, session }: Situation,
    { customerId, authentication, end }: CompletedSignIn,
    decided: DecidedAccess,
    writes: readonly Write[] = [],
  ): Promise<void> {
    const { acr } = authentication;
    const names = questionsOf(session.client).contextNames;
    const access = {
      ...decided,
      accountId: customerId,
      resourceScopes: session.scopes.filter((scope) => ownScopes.includes(scope)),
      otherScopes: readOtherScopes(session, resources),
      authentication: { ...authentication, acr: names?.[acr] ?? acr },
    };
    return sessions.finish(ctx, session, access, [end, ...writes]);
  }

  async function letKnow(situation: Situation, form: Record<string, string>): Promise<void> {
    const { ctx, session, asked, state } = situation;
    if (asked.kind !== 'identity') return seeOther(ctx, session.path);
    if (form.decision !== 'allow') return refuse(situation, 'The customer is not to be known');
    if (state.step !== 'done') return seeOther(ctx, session.path);
    return finish(situation, state, {
      grantId: newId(),
      claims: ['sub', 'acr', 'auth_time', ...asked.claims],
      expiresAt: endOfKnowing(),
    });
  }

  async function shareAccounts(situation: Situation, form: Record<string, string>): Promise<void> {
    const { ctx, session, asked } = situation;
    if (asked.kind !== 'intent' && asked.kind !== 'accounts') return seeOther(ctx, session.path);
    const { wish } = asked;
    const { client_id: clientId } = session.client;
    return decide(situation, form, async ({ customerId }, held) => {
      const ticked = (form.account ?? '').split(' ');
      const accountIds = held.map(({ id }) => id).filter((id) => ticked.includes(id));
      if (accountIds.length === 0 && wish?.action !== 'merge') return undefined;
      const choice = { customerId, accountIds };
      const { intent, writes } =
        asked.kind === 'accounts'
          ? asked.amends
            ? await intentService.amend(clientId, asked.amends.id, asked.terms, choice)
            : intentService.establish(clientId, asked.terms, choice, wish)
          : {
              intent: asked.intent,
              writes: await intentService.authorise(asked.intent.id, choice, wish),
            };
      return {
        writes,
        access: {
          grantId: intent.id,
          renews: wish?.action === 'merge',
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
      const staying = detailsStaying(asked);
      const grounds = { held, staying, now, latest: endOfDetails() };
      const details = decideDetails(asked.details, form, grounds);
      if (details.length === 0 && !mayAddNothing(asked.details, staying)) return undefined;
      const { client_id: clientId } = session.client;
      const choice = { customerId, details };
      const { intent, writes } = await intentService.grantDetails(clientId, choice, asked.wish);
      return {
        writes,
        access: {
          grantId: intent.id,
          renews: asked.wish?.action === 'merge',
          claims: ['sub', 'openbanking_intent_id', 'acr', 'auth_time'],
          details: intent.authorizationDetails,
          expiresAt: endOf(intent),
        },
      };
    });
  }

  /** What accounts are asked for on. */
  function termsOf(asked: Extract<Asked, { kind: 'intent' | 'accounts' }>) {
    const terms = asked.kind === 'intent' ? asked.intent : asked.terms;
    return { terms, expiresAt: toldEnd(endOf(terms)) };
  }

  /** What the customer has agreed to before, where their answer adds to it or takes its place. */
  function describeBefore(asked: Asked, accounts: readonly LedgerAccount[]): Earlier | undefined {
    const intent = heldBefore(asked);
    if (intent?.status !== 'Authorised') return undefined;
    const parts = describeGranted(intent, accounts, { now: clock.now(), openEndedIntent });
    return { intent, parts, stays: asked.wish?.action === 'merge' };
  }

  function detailsStaying({ held, wish }: Extract<Asked, { kind: 'details' }>) {
    if (wish?.action !== 'merge') return [];
    return stillGranted(held?.authorizationDetails ?? [], clock.now());
  }

  function endOf(terms: IntentTerms): Date {
    return endOfYes(terms, openEndedIntent, clock.now());
  }

  function endOfKnowing(): Date {
    return new Date(clock.now() + knownFor * 1000);
  }

  function endOfDetails(): Date {
    return new Date(clock.now() + openEndedConsent * 1000);
  }

  router.get('/interaction/:uid', (ctx) => enter(ctx, (situation) => showNext(situation)));
  router.post('/interaction/:uid/login', (ctx) => accept(ctx, enterLogin));
  router.post('/interaction/:uid/code', (ctx) =>
    accept(ctx, (situation, form) =>
      signInSteps.enterCode(ctx, placeOf(situation), situation.state, form),
    ),
  );
  router.post('/interaction/:uid/new-code', (ctx) => accept(ctx, sendNewCode));
  router.post('/interaction/:uid/accounts', (ctx) => accept(ctx, shareAccounts));
  router.post('/interaction/:uid/details', (ctx) => accept(ctx, allowDetails));
  router.post('/interaction/:uid/consent', (ctx) => accept(ctx, letKnow));
  router.post('/interaction/:uid/cancel', (ctx) =>
    accept(ctx, (situation) => refuse(situation, 'The customer went back to the app')),
  );
  // A form that was shown again after a mistake is reloaded, or bookmarked, under its own address.
  for (const step of ['login', 'code', 'new-code', 'accounts', 'details', 'consent', 'cancel']) {
    router.get(`/interaction/:uid/${step}`, (ctx) =>
      enter(ctx, async ({ session }) => seeOther(ctx, session.path)),
    );
  }
  return router;
}
