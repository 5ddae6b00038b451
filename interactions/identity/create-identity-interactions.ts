import Router from '@koa/router';
import type { Context } from 'koa';
import type { Clock } from '../../core/clock.js';
import type { Connect, StoredJourney } from '../../core/connect.js';
import { type ConnectionRequest, parseConnectionRequest } from '../../core/connection-request.js';
import { type InstitutionDirectory, InstitutionError } from '../../core/institution.js';
import { journeys, visitIndex } from '../../core/journey.js';
import type { Logger } from '../../core/logger.js';
import { Refusal } from '../../core/refusal.js';
import { isDataScope } from '../../core/scopes.js';
import { type Storage, StorageConflict } from '../../core/storage.js';
import type { LogoPaths } from '../../http/serve-logos.js';
import type { InteractionSession, InteractionSessions } from '../interaction-session.js';
import { seeOther } from '../see-other.js';
import { describeInstitutionError } from './describe-institution-error.js';
import { showBankProblem, showChooser, showConsent } from './show-steps.js';

export interface IdentityInteractionDeps {
  readonly sessions: InteractionSessions;
  readonly connect: Connect;
  readonly directory: InstitutionDirectory;
  readonly logos: LogoPaths;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Seconds a consent lasts where the client names no end. */
  readonly oneTimeConsent: number;
  readonly ongoingConsent: number;
}

/** Everything a step knows: whose interaction, what is asked for, how far the person has come. */
interface Situation {
  readonly ctx: Context;
  readonly session: InteractionSession;
  readonly request: ConnectionRequest;
  readonly journey: StoredJourney;
}

/**
 * The steps of connecting a bank (decision 5): account → institution → consent → bank. The account
 * needs no page, for `sub` names it or the visit makes it. Which step is next is read from the journey
 * each time, so reloads, second tabs and late returns continue where the person is.
 */
export function createIdentityInteractions(deps: IdentityInteractionDeps): Router {
  const { sessions, connect, directory, logos, storage, clock, logger } = deps;
  const { oneTimeConsent, ongoingConsent } = deps;
  const router = new Router();

  /** What the client asks for. @throws {Refusal} where it asks for what it cannot have. */
  async function readRequest(session: InteractionSession): Promise<ConnectionRequest> {
    const { scopes, client } = session;
    const { claims } = session.params;
    const request = parseConnectionRequest(
      scopes,
      typeof claims === 'string' ? claims : undefined,
      { now: clock.now(), oneTimeConsent, ongoingConsent },
    );
    if ('id' in request.institution && !directory.find(request.institution.id)) {
      throw new Refusal('invalid_scope', 'id:<bank> does not name a bank of this service');
    }
    await connect.assertSubject(request, client);
    return request;
  }

  /** Opens the situation of a request; what is wrong with what was asked ends at the client. */
  async function enter(ctx: Context, proceed: (situation: Situation) => Promise<void>) {
    const session = await sessions.open(ctx);
    let request: ConnectionRequest;
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
    ctx.status = error.code === 'invalid_callback' ? 400 : 502;
    ctx.type = 'html';
    ctx.body = showBankProblem(session, title, sentence, traceId);
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

  async function arrive(situation: Situation): Promise<void> {
    const { ctx, request, journey, session } = situation;
    const callback = new URLSearchParams(ctx.querystring);
    const arrival = await connect.arrive(journey, request, callback);
    if (arrival.outcome === 'refused') {
      return sessions.abort(ctx, 'access_denied', arrival.reason, arrival.writes);
    }
    const { consent, writes } = arrival;
    const access = {
      accountId: consent.userId,
      grantId: consent.id,
      // Ongoing access reads data with client_credentials and `sub`, not with this token (§4.2).
      resourceScopes: session.scopes.filter(
        (scope) => scope.startsWith('id:') || (consent.access === 'one-time' && isDataScope(scope)),
      ),
      claims: ['sub', 'mh:con_id', 'auth_time'],
      expiresAt: new Date(consent.expiresAt),
    };
    try {
      return await sessions.finish(ctx, session, access, writes);
    } catch (error) {
      // E.g. the person was deleted while the bank was asked: nobody holds what it gave.
      connect.takeBack(journey);
      throw error;
    }
  }

  router.get('/interaction/:uid', (ctx) =>
    enter(ctx, async ({ session, request, journey }) => {
      const { institutionId, agreed } = journey.value;
      const institution = institutionId === undefined ? undefined : directory.find(institutionId);
      if (!institution) {
        ctx.body = showChooser(logos, session, connect.offered(request), searchOf(ctx));
      } else if (!agreed) {
        ctx.body = showConsent(logos, session, request, institution, new Date(clock.now()));
      } else {
        seeOther(ctx, await connect.depart(journey, request));
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
      const { journey, session } = situation;
      if (decision !== 'allow') return refuse(situation, 'The person refused to share their data');
      await connect.agree(journey);
      return seeOther(ctx, session.path);
    }),
  );

  router.post('/interaction/:uid/retry', (ctx) =>
    accept(ctx, async ({ session }) => seeOther(ctx, session.path)),
  );

  router.post('/interaction/:uid/cancel', (ctx) =>
    accept(ctx, (situation) => refuse(situation, 'The person went back to the app')),
  );

  router.get('/interaction/:uid/bank', (ctx) => enter(ctx, arrive));

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

function searchOf(ctx: Context): string {
  const { q } = ctx.query;
  return typeof q === 'string' ? q.slice(0, 100) : '';
}
