import Router from '@koa/router';
import type { Context } from 'koa';
import type { Clock } from '../../core/clock.js';
import type { CheckedRequest, Connect, StoredJourney } from '../../core/connect.js';
import { parseConnectionRequest } from '../../core/connection-request.js';
import type { Consent } from '../../core/consent.js';
import {
  type CredentialField,
  type Institution,
  type InstitutionDirectory,
  InstitutionError,
} from '../../core/institution.js';
import { journeys } from '../../core/journey.js';
import type { Logger } from '../../core/logger.js';
import { Refusal } from '../../core/refusal.js';
import { isDataScope, isVisitScope } from '../../core/scopes.js';
import { type Storage, StorageConflict, type Write } from '../../core/storage.js';
import { type Visit, visitIndex } from '../../core/visit.js';
import { type Arrival, visitOver } from '../../core/visit-bank.js';
import { answerPage } from '../answer-page.js';
import type { InteractionSession, InteractionSessions } from '../interaction-session.js';
import { seeOther } from '../see-other.js';
import { describeInstitutionError } from './describe-institution-error.js';
import {
  type BankLogo,
  showBankProblem,
  showChooser,
  showConsent,
  showCredentials,
} from './show-steps.js';

export interface IdentityInteractionDeps {
  readonly sessions: InteractionSessions;
  readonly connect: Connect;
  readonly directory: InstitutionDirectory;
  readonly logoOf: BankLogo;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Seconds a consent lasts where the client names no end. */
  readonly oneTimeConsent: number;
  readonly ongoingConsent: number;
  /** Seconds after its end within which a consent can be extended. */
  readonly revival: number;
}

/** Everything a step knows: whose interaction, what is asked for, how far the person has come. */
interface Situation {
  readonly ctx: Context;
  readonly session: InteractionSession;
  readonly request: CheckedRequest;
  readonly journey: StoredJourney;
}

/**
 * The steps of connecting a bank (decision 5): account → institution → consent → bank. The account
 * needs no page, for `sub` names it or the visit makes it. Renewing a connection leaves out what is
 * known: a reauth goes from the consent to the bank, a reconsent ends with the consent. Which step is
 * next is read from the journey each time, so reloads, second tabs and late returns continue where the
 * person is.
 */
export function createIdentityInteractions(deps: IdentityInteractionDeps): Router {
  const { sessions, connect, directory, logoOf, storage, clock, logger } = deps;
  const { oneTimeConsent, ongoingConsent, revival } = deps;
  const router = new Router();

  /** What the client asks for. @throws {Refusal} where it asks for what it cannot have. */
  async function readRequest({
    scopes,
    client,
    params,
  }: InteractionSession): Promise<CheckedRequest> {
    const policy = { now: clock.now(), oneTimeConsent, ongoingConsent, revival };
    const claims = typeof params.claims === 'string' ? params.claims : undefined;
    return connect.check(parseConnectionRequest(scopes, claims, policy), client, policy);
  }

  /** Opens the situation of a request; what is wrong with what was asked ends at the client. */
  async function enter(ctx: Context, proceed: (situation: Situation) => Promise<void>) {
    const session = await sessions.open(ctx);
    let request: CheckedRequest;
    try {
      request = await readRequest(session);
    } catch (error) {
      if (error instanceof Refusal) return sessions.abort(ctx, error.code, error.message);
      throw error;
    }
    try {
      const journey = await connect.open(session.uid, request, session.client, session.expiresAt);
      return await proceed({ ctx, session, request, journey });
    } catch (error) {
      if (error instanceof InstitutionError) return showBankError(ctx, session, error);
      // What was asked for can be had no more.
      if (error instanceof Refusal && error.code === 'invalid_claims') {
        return sessions.abort(ctx, error.code, error.message);
      }
      // Another tab was quicker; the journey says where the person is now.
      if (error instanceof StorageConflict) return seeOther(ctx, session.path);
      throw error;
    }
  }

  function showBankError(ctx: Context, session: InteractionSession, error: InstitutionError) {
    const { title, sentence } = describeInstitutionError(error);
    const { traceId } = ctx.state;
    logger.warn({ traceId, code: error.code, cause: error.cause }, error.message);
    // An answer that belongs to no visit was brought by the browser, not by the bank.
    const status = error.code === 'invalid_callback' ? 400 : 502;
    answerPage(ctx, status, showBankProblem(session, title, sentence, traceId));
  }

  /** A posted form: belongs to the interaction, and was made by one of its pages. */
  async function accept(
    ctx: Context,
    proceed: (situation: Situation, form: Record<string, string>) => Promise<void>,
  ) {
    await enter(ctx, async (situation) => {
      await proceed(situation, await sessions.readForm(ctx, situation.session));
    });
  }

  async function refuse({ ctx, journey }: Situation, reason: string): Promise<void> {
    await sessions.abort(ctx, 'access_denied', reason, await connect.leave(journey));
  }

  /** Back to the client with a code; the Grant is the consent's own, made or extended. */
  async function finish(
    { ctx, session, request }: Situation,
    consent: Consent,
    writes: readonly Write[],
  ): Promise<void> {
    const access = {
      accountId: consent.userId,
      grantId: consent.id,
      renews: request.purpose !== 'connect',
      resourceScopes: session.scopes.filter((scope) => mayStandInToken(scope, consent)),
      claims: ['sub', 'mh:con_id', 'mh:sync', 'auth_time'],
      expiresAt: new Date(consent.expiresAt),
    };
    await sessions.finish(ctx, session, access, writes);
  }

  async function settle(situation: Situation, arrival: Arrival): Promise<void> {
    if (arrival.outcome === 'refused') {
      return sessions.abort(situation.ctx, 'access_denied', arrival.reason, arrival.writes);
    }
    await arrival.keep(({ consent, writes }) => finish(situation, consent, writes));
  }

  async function depart({ ctx, session, request, journey }: Situation): Promise<void> {
    const departure = await connect.depart(journey, request);
    seeOther(ctx, 'asking' in departure ? `${session.path}/credentials` : departure.redirectTo);
  }

  /** What the bank asks on our page. Where it asks nothing more, the visit ends here. */
  async function ask(situation: Situation): Promise<void> {
    const { ctx, session, journey } = situation;
    const visit = askingVisit(journey);
    if (!visit) return seeOther(ctx, session.path);
    // Its answer is on the way to the bank, in another tab, or was lost there.
    if (visit.returned) throw visitOver();
    if (visit.ask.length === 0) return answer(situation, visit, {});
    answerPage(ctx, 200, showCredentials(logoOf, session, institutionOf(visit), visit));
  }

  async function answer(
    situation: Situation,
    visit: AskingVisit,
    answers: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { ctx, session, journey } = situation;
    const arrival = await connect.answer(journey, answers);
    if (arrival.outcome !== 'asked') return settle(situation, arrival);
    // What was asked next stands under an address of its own, so that it can be loaded again.
    if (arrival.visit.problem === undefined) return seeOther(ctx, `${session.path}/credentials`);
    const { ask = [], problem } = arrival.visit;
    const page = showCredentials(logoOf, session, institutionOf(visit), { ask, problem });
    answerPage(ctx, 400, page);
  }

  function institutionOf({ institutionId }: Visit): Institution {
    const institution = directory.find(institutionId);
    if (!institution) throw new Refusal('not_found', 'This bank is no longer available here.');
    return institution;
  }

  router.get('/interaction/:uid', (ctx) =>
    enter(ctx, async (situation) => {
      const { session, request, journey } = situation;
      const { institutionId, agreed } = journey.value;
      const institution = institutionId === undefined ? undefined : directory.find(institutionId);
      if (!institution) {
        const offered = connect.offered(request);
        answerPage(ctx, 200, showChooser(logoOf, session, offered, searchOf(ctx)));
      } else if (!agreed) {
        const now = new Date(clock.now());
        answerPage(ctx, 200, showConsent(logoOf, session, request, institution, now));
      } else if (askingVisit(journey)?.returned === false) {
        seeOther(ctx, `${session.path}/credentials`);
      } else {
        await depart(situation);
      }
    }),
  );

  router.post('/interaction/:uid/institution', (ctx) =>
    accept(ctx, async ({ session, request, journey }, { institution = '' }) => {
      await connect.choose(journey, institution, request);
      seeOther(ctx, session.path);
    }),
  );

  router.post('/interaction/:uid/consent', (ctx) =>
    accept(ctx, async (situation, { decision }) => {
      const { journey, session, request } = situation;
      if (decision !== 'allow') return refuse(situation, describeNo(request, clock.now()));
      if (request.purpose === 'reconsent') {
        return connect.extend(journey, request, ({ consent, writes }) =>
          finish(situation, consent, writes),
        );
      }
      await connect.agree(journey);
      return seeOther(ctx, session.path);
    }),
  );

  router.get('/interaction/:uid/credentials', (ctx) => enter(ctx, ask));

  router.post('/interaction/:uid/credentials', (ctx) =>
    accept(ctx, async (situation, form) => {
      const visit = askingVisit(situation.journey);
      const names = visit?.ask.map(({ name }) => name) ?? [];
      // The form of an earlier question, left open in another tab, answers nothing any more.
      if (!visit || names.some((name) => form[name] === undefined)) {
        return seeOther(ctx, situation.session.path);
      }
      const answers = names.map((name) => [name, form[name] ?? ''] as const);
      return answer(situation, visit, Object.fromEntries(answers));
    }),
  );

  router.post('/interaction/:uid/retry', (ctx) =>
    accept(ctx, async ({ session }) => seeOther(ctx, session.path)),
  );

  router.post('/interaction/:uid/cancel', (ctx) =>
    accept(ctx, (situation) => refuse(situation, 'The person went back to the app')),
  );

  router.get('/interaction/:uid/bank', (ctx) =>
    enter(ctx, async (situation) => {
      const callback = new URLSearchParams(ctx.querystring);
      await settle(situation, await connect.arrive(situation.journey, callback));
    }),
  );

  // The one address registered at the banks. The interaction's cookie belongs to its own path, and
  // there decides whether the browser that returns is the one that left (SEC-62).
  router.get('/bank/callback', async (ctx) => {
    const { state } = ctx.query;
    const equals = visitIndex(typeof state === 'string' ? state : '');
    const { records } = await storage.find(journeys, { index: 'visit', equals, limit: 1 });
    const [journey] = records;
    if (!journey) {
      throw new Refusal('not_found', 'We do not know this visit to your bank, or it is over.');
    }
    seeOther(ctx, `/interaction/${journey.id}/bank?${ctx.querystring}`);
  });

  return router;
}

type AskingVisit = Visit & { readonly ask: readonly CredentialField[] };

/** The visit that asks on our page, to the bank that is chosen now. */
function askingVisit({ value: { visit, institutionId } }: StoredJourney): AskingVisit | undefined {
  if (!visit?.ask || visit.institutionId !== institutionId) return undefined;
  return { ...visit, ask: visit.ask };
}

/** What the client hears of a no: one to a renewal takes nothing away. */
function describeNo(request: CheckedRequest, now: number): string {
  if (request.purpose === 'connect') return 'The person refused to share their data';
  const { expiresAt } = request.consent.value;
  return Date.parse(expiresAt) > now
    ? `The person did not renew now: their consent goes on until ${expiresAt}`
    : `The person did not renew now: their consent ended at ${expiresAt}`;
}

/** Ongoing access reads data with client_credentials and `sub`, not with this token (§4.2). */
function mayStandInToken(scope: string, { access }: Consent): boolean {
  if (isDataScope(scope)) return access === 'one-time';
  return scope.startsWith('id:') || isVisitScope(scope);
}

function searchOf(ctx: Context): string {
  const { q } = ctx.query;
  return typeof q === 'string' ? q.slice(0, 100) : '';
}
