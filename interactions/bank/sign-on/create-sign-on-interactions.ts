import Router from '@koa/router';
import type { Context, Next } from 'koa';
import type { Provider } from 'oidc-provider';
import { z } from 'zod';
import type { AuthenticationContext } from '../../../core/bank-authentication.js';
import type { BankLedger } from '../../../core/bank-ledger.js';
import { bankVisits } from '../../../core/bank-visit.js';
import type { ClientMetadata } from '../../../core/clients.js';
import { describePersonalData } from '../../../core/person-claims.js';
import { remove } from '../../../core/storage.js';
import { readWantedContexts } from '../../../core/wanted-contexts.js';
import { answerPage } from '../../answer-page.js';
import { nameOf } from '../../describe-client.js';
import {
  describeLogin,
  type InteractionSession,
  type InteractionSessions,
} from '../../interaction-session.js';
import { seeOther } from '../../see-other.js';
import { wasOvertaken } from '../../was-overtaken.js';
import type { CustomerSignIn, SignInRequest } from '../customer-sign-in.js';
import { isAskedFor, type SubjectOf } from '../is-asked-for.js';
import { createSignInSteps, signInPlaceOf } from '../sign-in-steps.js';
import { showConsent } from './show-sign-on.js';

export interface SignOnDeps {
  readonly provider: Provider;
  readonly sessions: InteractionSessions;
  readonly signIn: CustomerSignIn;
  readonly ledger: BankLedger;
  /** Whether a client is one that people sign in to, and nothing else. */
  readonly isSignOn: (client: ClientMetadata) => boolean;
  /** A new Grant's. */
  readonly newId: () => string;
  readonly subjectOf: SubjectOf;
}

type Step = (ctx: Context, session: InteractionSession) => Promise<void>;
type Form = Record<string, string>;

/** OpenID Connect Core Unmet Authentication Requirements 1.0. */
const unmet = 'unmet_authentication_requirements';

const askedSchema = z.object({
  missingOIDCScope: z.array(z.string()).catch([]),
  missingOIDCClaims: z.array(z.string()).catch([]),
});

/**
 * Signing in to an application with the bank (profile `openid-connect`): login → code → consent. What is
 * left to ask, the library tells each time, from the session, the request and what was granted before.
 * Visits of other clients are left to the routes after these.
 */
export function createSignOnInteractions(deps: SignOnDeps): Router {
  const { provider, sessions, signIn, ledger, isSignOn, newId, subjectOf } = deps;
  const signInSteps = createSignInSteps(deps);
  const placeOf = (session: InteractionSession) => signInPlaceOf(session, 'identity');
  const router = new Router();

  const show: Step = async (ctx, session) => {
    if (session.prompt.name === 'consent') return showAsked(ctx, session);
    const state = await signIn.state(session);
    if (state.step === 'login') {
      const { login_hint: hint } = session.params;
      const typed = typeof hint === 'string' ? { login: hint } : {};
      return signInSteps.showLogin(ctx, placeOf(session), typed);
    }
    if (state.step === 'code') return signInSteps.showCode(ctx, placeOf(session), state.sentCode);
    const { customerId: accountId, authentication } = state;
    const login = { accountId, ...describeLogin(authentication) };
    return sessions.goOn(ctx, session, { login }, [remove(bankVisits, session.uid)]);
  };

  function toSignInRequest(session: InteractionSession): SignInRequest {
    return {
      contexts: wantedContexts(session.params),
      purpose: `It signs you in to ${nameOf(session.client)}.`,
      // After a visit the library compares no hint, and asks for another `sub` again and again.
      isTheirs: (customerId) => isAskedFor(session, customerId, subjectOf),
    };
  }

  async function enterLogin(ctx: Context, session: InteractionSession, form: Form): Promise<void> {
    const request = toSignInRequest(session);
    const outcome = await signInSteps.enterLogin(ctx, placeOf(session), form, request);
    if (outcome === 'accepted') return seeOther(ctx, session.path);
    if (outcome === 'other-customer') {
      return sessions.abort(ctx, 'login_required', 'another person signed in than was asked for');
    }
    if (outcome === 'unmet') {
      return sessions.abort(ctx, unmet, 'the customer cannot be authenticated as acr asks for');
    }
  }

  async function enterCode(ctx: Context, session: InteractionSession, form: Form): Promise<void> {
    return signInSteps.enterCode(ctx, placeOf(session), await signIn.state(session), form);
  }

  const sendNewCode: Step = async (ctx, session) => {
    const state = await signIn.state(session);
    const { purpose } = toSignInRequest(session);
    return signInSteps.sendNewCode(ctx, placeOf(session), state, purpose);
  };

  const showAsked: Step = async (ctx, session) => {
    const { scopes, claims } = readAsked(session);
    const details = describePersonalData({ scopes, claims });
    const lasting = scopes.includes('offline_access');
    answerPage(ctx, 200, showConsent(ledger, session, { details, lasting }));
  };

  async function decide(ctx: Context, session: InteractionSession, form: Form): Promise<void> {
    const { accountId, grantId } = session;
    if (form.decision !== 'allow') return refuse(ctx, session);
    if (session.prompt.name !== 'consent' || !accountId) return seeOther(ctx, session.path);
    const held = grantId === undefined ? undefined : await provider.Grant.find(grantId);
    const grant = held ?? new provider.Grant({ accountId, clientId: session.client.client_id });
    grant.jti ??= newId();
    const { missing } = readAsked(session);
    grant.addOIDCScope(missing.scopes.join(' '));
    grant.addOIDCClaims(missing.claims);
    await sessions.goOn(ctx, session, { consent: { grantId: grant.jti } }, [], async () => {
      await grant.save();
    });
  }

  const refuse: Step = (ctx, { uid }) =>
    sessions.abort(ctx, 'access_denied', 'The customer shared nothing', [remove(bankVisits, uid)]);

  /** Runs a step for the visits that are of this kind. */
  function of(step: Step) {
    return async (ctx: Context, next: Next) => {
      const session = await sessions.open(ctx);
      if (!isSignOn(session.client)) return next();
      try {
        await step(ctx, session);
      } catch (error) {
        if (!wasOvertaken(error)) throw error;
        seeOther(ctx, session.path);
      }
    };
  }

  function posted(step: (ctx: Context, session: InteractionSession, form: Form) => Promise<void>) {
    return of(async (ctx, session) => step(ctx, session, await sessions.readForm(ctx, session)));
  }

  router.get('/interaction/:uid', of(show));
  router.post('/interaction/:uid/login', posted(enterLogin));
  router.post('/interaction/:uid/code', posted(enterCode));
  router.post('/interaction/:uid/new-code', posted(sendNewCode));
  router.post('/interaction/:uid/consent', posted(decide));
  router.post('/interaction/:uid/cancel', posted(refuse));
  // A form that was shown again after a mistake is reloaded, or bookmarked, under its own address.
  for (const step of ['login', 'code', 'new-code', 'consent', 'cancel']) {
    const path = `/interaction/:uid/${step}`;
    router.get(
      path,
      of(async (ctx, session) => seeOther(ctx, session.path)),
    );
  }
  return router;
}

/** `acr_values` are a wish here (OpenID Connect Core §3.1.2.1): no resource stands behind them. */
function wantedContexts({
  claims,
  acr_values: wished,
}: InteractionSession['params']): readonly AuthenticationContext[] | undefined {
  const claimed = readWantedContexts({ claims });
  if (claimed) return claimed;
  const offered = readWantedContexts({ acr_values: wished });
  return offered && offered.length > 0 ? offered : undefined;
}

/** What is asked for, or where all was granted before and is asked again, the whole request. */
function readAsked({ prompt, scopes }: InteractionSession) {
  const { missingOIDCScope, missingOIDCClaims } = askedSchema.parse(prompt.details);
  const isRepeated = missingOIDCScope.length === 0 && missingOIDCClaims.length === 0;
  return {
    scopes: isRepeated ? scopes : missingOIDCScope,
    claims: missingOIDCClaims,
    missing: { scopes: missingOIDCScope, claims: missingOIDCClaims },
  };
}
