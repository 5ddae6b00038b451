import Router from '@koa/router';
import type { Context } from 'koa';
import type { VNode } from 'preact';
import { z } from 'zod';
import { renderPage } from '../../consent-ui/render-page.js';
import type { Clock } from '../../core/clock.js';
import { permissionCodes } from '../../core/permissions.js';
import { Refusal } from '../../core/refusal.js';
import { type SandboxClientName, sandboxClientNames, type TppDocument } from '../tpp-document.js';
import { beginJourney, beginRenewal } from './begin-journey.js';
import { bankChoices, HomePage } from './home-page.js';
import { type Journey, renewals } from './journey.js';
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
import { redeemCode } from './redeem-code.js';
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
    // An error has no code to exchange: it is checked and shown at once.
    if (callback.searchParams.has('error')) {
      await redeemCode(clients[journey.choice.client], journey, callback);
    }
    keepJourney(session, { ...journey, callback });
    show(ctx, <CallbackPage journey={journey} callback={callback} csrf={session.csrf} />);
  });

  router.post('/journeys/:id/redeem', async (ctx) => {
    const session = sessions.of(ctx);
    await readOwnForm(ctx, session);
    const journey = findJourney(ctx, session);
    if (!journey.callback) throw new Refusal('conflict', 'The person has not come back yet.');
    const client = clients[journey.choice.client];
    const connected = await redeemCode(client, journey, journey.callback);
    // A renewed connection is the same one: the journey that made it is not shown beside it.
    if (journey.renews) session.journeys.delete(journey.renews.journeyId);
    keepJourney(session, { ...journey, connected });
    ctx.redirect(`/journeys/${journey.id}/tokens`);
    ctx.status = 303;
  });

  router.get('/journeys/:id/tokens', (ctx) => {
    show(ctx, <TokensPage journey={findConnected(ctx, sessions.of(ctx))} />);
  });

  router.get('/journeys/:id/accounts', async (ctx) => {
    const session = sessions.of(ctx);
    const journey = findConnected(ctx, session);
    const read = await readAccounts(readDeps(journey), journey);
    const offered = renewalsOf(tpp, journey);
    show(ctx, <AccountsPage journey={journey} {...read} renewals={offered} csrf={session.csrf} />);
  });

  for (const by of renewals) {
    router.post(`/journeys/:id/${by}`, async (ctx) => {
      const session = sessions.of(ctx);
      await readOwnForm(ctx, session);
      const earlier = findConnected(ctx, session);
      const renewal = await beginRenewal({ ...readDeps(earlier), clock }, earlier, by);
      keepJourney(session, renewal);
      ctx.redirect(`/journeys/${renewal.id}/request`);
      ctx.status = 303;
    });
  }

  router.get('/journeys/:id/accounts/:accountId', async (ctx) => {
    const journey = findConnected(ctx, sessions.of(ctx));
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
    const journey = findConnected(ctx, session);
    const { exchanges } = await listConnections(readDeps(journey), journey);
    show(ctx, <ConnectionsPage journey={journey} exchanges={exchanges} csrf={session.csrf} />);
  });

  router.post('/journeys/:id/delete', async (ctx) => {
    const session = sessions.of(ctx);
    await readOwnForm(ctx, session);
    const journey = findConnected(ctx, session);
    const { exchanges } = await deleteConnection(readDeps(journey), journey);
    session.journeys.delete(journey.id);
    show(ctx, <DeletedPage exchanges={exchanges} />);
  });

  return router;
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

/** What an ongoing connection can be renewed by: screen-scraped ones are refreshed. */
function renewalsOf(tpp: TppDocument, { choice, connected }: ConnectedJourney) {
  if (choice.access === 'one-time') return [];
  const bank = tpp.institutions.find(({ id }) => connected.connectionId.startsWith(`${id}:`));
  return bank?.kind === 'legacy'
    ? (['refresh', 'reauth'] as const)
    : (['reconsent', 'reauth'] as const);
}

function findJourney(ctx: Context, { journeys }: Session): Journey {
  const journey = journeys.get(String(ctx.params.id));
  if (!journey)
    throw new Refusal('not_found', 'This browser has no such journey. Please start again.');
  return journey;
}

function findConnected(ctx: Context, session: Session): ConnectedJourney {
  const { connected, ...journey } = findJourney(ctx, session);
  if (!connected) throw new Refusal('conflict', 'The bank is not connected yet.');
  return { ...journey, connected };
}
