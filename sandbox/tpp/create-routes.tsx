import Router from '@koa/router';
import type { Context } from 'koa';
import type { VNode } from 'preact';
import { z } from 'zod';
import { renderPage } from '../../consent-ui/render-page.js';
import type { Clock } from '../../core/clock.js';
import { permissionCodes } from '../../core/permissions.js';
import { Refusal } from '../../core/refusal.js';
import { type SandboxClientName, sandboxClientNames, type TppDocument } from '../tpp-document.js';
import { beginJourney } from './begin-journey.js';
import { createRenewalRoutes } from './create-renewal-routes.js';
import {
  findConnected,
  findConnection,
  findJourney,
  rememberWayBack,
  renewedBy,
} from './find-journey.js';
import { bankChoices, HomePage } from './home-page.js';
import type { Journey } from './journey.js';
import {
  AccountsPage,
  CallbackPage,
  ConnectionsPage,
  DeletedPage,
  RequestPage,
  TokensPage,
  TransactionsPage,
} from './journey-pages.js';
import type { OAuthClient } from './oauth-client.js';
import {
  type ConnectedJourney,
  deleteConnection,
  listConnections,
  readAccounts,
  readTransactions,
} from './read-data.js';
import { readOwnForm } from './read-own-form.js';
import { redeemAnswer } from './redeem-answer.js';
import { renewalActions } from './renewal-actions.js';
import { keepJourney, type Session, type SessionStore } from './session-store.js';

export interface RoutesDeps {
  readonly tpp: TppDocument;
  /** Where this application is, without a path. */
  readonly tppUrl: string;
  readonly clients: Readonly<Record<SandboxClientName, OAuthClient>>;
  readonly sessions: SessionStore;
  readonly clock: Clock;
}

/** The application's pages, in the order in which a journey visits them. */
export function createRoutes(deps: RoutesDeps): Router {
  const { tpp, tppUrl, clients, sessions, clock } = deps;
  const router = new Router();
  const readDeps = ({ choice }: Journey) => ({ client: clients[choice.client], api: tpp.api });
  const offeredTo = ({ csrf }: Session, journey: ConnectedJourney) =>
    renewalActions(tpp, journey, csrf);

  router.get('/', (ctx) => {
    show(ctx, <HomePage tpp={tpp} session={sessions.of(ctx)} now={new Date(clock.now())} />);
  });

  router.post('/start', async (ctx) => {
    const session = sessions.of(ctx);
    const choice = readChoice(tpp, await readOwnForm(ctx, session));
    const client = clients[choice.client];
    const journey = await beginJourney({ client, api: tpp.api, clock }, choice);
    keepJourney(session, journey);
    ctx.redirect(`/journeys/${journey.id}/request`);
    ctx.status = 303;
  });

  router.get('/journeys/:id/request', (ctx) => {
    show(ctx, <RequestPage journey={findJourney(ctx, sessions.of(ctx))} />);
  });

  router.get('/callback', async (ctx) => {
    const session = sessions.of(ctx);
    const callback = new URL(`${tppUrl}${ctx.url}`);
    const state = callback.searchParams.get('state');
    const journey = [...session.journeys.values()].find((one) => one.state === state);
    if (!journey)
      throw new Refusal('not_found', 'This answer belongs to no request of this browser.');
    rememberWayBack(ctx, session, journey);
    // An error has no code to exchange: it is checked and shown at once.
    if (callback.searchParams.has('error')) {
      await redeemAnswer(readDeps(journey), journey, callback);
    }
    keepJourney(session, { ...journey, callback });
    show(ctx, <CallbackPage journey={journey} callback={callback} csrf={session.csrf} />);
  });

  router.post('/journeys/:id/redeem', async (ctx) => {
    const session = sessions.of(ctx);
    await readOwnForm(ctx, session);
    const journey = findJourney(ctx, session);
    if (!journey.callback) throw new Refusal('conflict', 'The person has not come back yet.');
    const connected = await redeemAnswer(readDeps(journey), journey, journey.callback);
    keepJourney(session, { ...journey, connected });
    // A renewed connection is the same one, and stays where it was.
    const made = renewedBy(session, journey);
    if (made.id !== journey.id) keepJourney(session, { ...made, connected });
    ctx.redirect(`/journeys/${journey.id}/tokens`);
    ctx.status = 303;
  });

  router.get('/journeys/:id/tokens', (ctx) => {
    const session = sessions.of(ctx);
    const journey = findConnected(ctx, session);
    show(
      ctx,
      <TokensPage journey={journey} connectionPath={pathOf(renewedBy(session, journey))} />,
    );
  });

  router.get('/journeys/:id/accounts', async (ctx) => {
    const session = sessions.of(ctx);
    const journey = findConnection(ctx, session);
    const read = await readAccounts(readDeps(journey), journey);
    show(ctx, <AccountsPage journey={journey} {...read} renewals={offeredTo(session, journey)} />);
  });

  router.get('/journeys/:id/accounts/:accountId', async (ctx) => {
    const journey = findConnection(ctx, sessions.of(ctx));
    const accountId = ctx.params.accountId ?? '';
    const next = new URL(ctx.url, tppUrl).searchParams.get('next') ?? undefined;
    const read = await readAccounts(readDeps(journey), journey);
    const { page, exchanges } = await readTransactions(readDeps(journey), journey, {
      accountId,
      next,
    });
    show(
      ctx,
      <TransactionsPage
        journey={journey}
        accounts={read.accounts.filter(({ id }) => id === accountId)}
        page={page}
        exchanges={[...read.exchanges, ...exchanges]}
      />,
    );
  });

  router.get('/journeys/:id/connections', async (ctx) => {
    const session = sessions.of(ctx);
    const journey = findConnection(ctx, session);
    const { exchanges } = await listConnections(readDeps(journey), journey);
    const offered = offeredTo(session, journey);
    show(
      ctx,
      <ConnectionsPage {...{ journey, exchanges }} renewals={offered} csrf={session.csrf} />,
    );
  });

  router.post('/journeys/:id/delete', async (ctx) => {
    const session = sessions.of(ctx);
    await readOwnForm(ctx, session);
    const journey = findConnection(ctx, session);
    const { exchanges } = await deleteConnection(readDeps(journey), journey);
    for (const { id } of [...session.journeys.values()].filter(
      (one) => renewedBy(session, one).id === journey.id,
    )) {
      session.journeys.delete(id);
    }
    show(ctx, <DeletedPage exchanges={exchanges} />);
  });

  router.use(createRenewalRoutes(deps).routes());
  return router;
}

function pathOf({ id }: Journey): string {
  return `/journeys/${id}`;
}

function show(ctx: Context, page: VNode): void {
  ctx.type = 'html';
  ctx.body = renderPage(page);
}

function readChoice(tpp: TppDocument, form: Record<string, string>) {
  const banks = bankChoices(tpp).map(({ value }) => value);
  const choice = z
    .object({
      client: z.enum(sandboxClientNames),
      access: z.enum(['one-time', 'ongoing']),
      scope: z.string().refine((scope) => banks.includes(scope)),
      permission: z
        .string()
        .default('')
        .transform((codes) => codes.split(' ').filter(Boolean))
        .pipe(z.array(z.enum(permissionCodes))),
    })
    .safeParse(form).data;
  if (!choice) throw new Refusal('invalid_request', 'Please choose one of what the page offers.');
  const { client, access, scope, permission } = choice;
  return { client, access, bank: scope, permissions: permission };
}
