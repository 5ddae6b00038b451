import Router from '@koa/router';
import type { Context } from 'koa';
import type { VNode } from 'preact';
import { z } from 'zod';
import type { BankLedger, LedgerAccount } from '../../core/bank-ledger.js';
import { readBody } from '../../http/read-body.js';
import {
  AccountsPage,
  CodePage,
  NoticePage,
  PhonePage,
  render,
  SignInPage,
  StatementPage,
} from './pages.js';
import type { Visit, Visits } from './visits.js';

const sessionCookie = '__Host-old-mill-session';
const deviceCookie = '__Host-old-mill-device';

const formLimit = 4096;
const entriesPerPage = 100;
const dayMilliseconds = 86_400_000;

const statementQuery = z.object({
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
  page: z.coerce.number().int().min(1).max(1000).default(1),
});

/** The legacy bank's pages: sign in, code, accounts, statements, and the sandbox's phone. */
export function createLegacyBankRoutes(deps: {
  readonly ledger: BankLedger;
  readonly visits: Visits;
}): Router {
  const { ledger, visits } = deps;
  const router = new Router();

  /** Shows what belongs to somebody who is in; everybody else is sent where they get in. */
  async function enter(ctx: Context, show: (visit: Visit) => Promise<void>): Promise<void> {
    const visit = visits.find(ctx.cookies.get(sessionCookie));
    if (!visit) return seeOther(ctx, '/sign-in');
    if (visit.code !== undefined) return seeOther(ctx, '/code');
    return show(visit);
  }

  /** The accounts of a visit, or undefined where the bank shows none and has said so. */
  async function accountsOf(ctx: Context, { customer, login }: Visit) {
    const accounts = await ledger.accounts(customer.id);
    if (!('refused' in accounts)) return accounts;
    answer(ctx, <NoticePage login={login} text={accounts.reason} />);
    return undefined;
  }

  async function showStatement(ctx: Context, account: LedgerAccount, login: string): Promise<void> {
    const query = statementQuery.safeParse(ctx.query);
    if (!query.success) return ctx.throw(400);
    const { from, to, page } = query.data;
    const { transactions, total } = await ledger.transactions(
      account.id,
      {
        from: from === undefined ? undefined : new Date(from),
        to: to === undefined ? undefined : new Date(Date.parse(to) + dayMilliseconds),
      },
      { offset: (page - 1) * entriesPerPage, limit: entriesPerPage },
    );
    const following = new URLSearchParams({
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      page: String(page + 1),
    });
    const next = page * entriesPerPage < total ? `${ctx.path}?${following}` : undefined;
    answer(ctx, <StatementPage {...{ login, account, transactions, next }} />);
  }

  router.get('/', (ctx) => seeOther(ctx, '/accounts'));
  router.get('/sign-in', (ctx) => answer(ctx, <SignInPage />));
  router.get('/code', (ctx) => answer(ctx, <CodePage />));
  router.get('/phone', (ctx) => answer(ctx, <PhonePage messages={visits.messages} />));

  router.post('/sign-in', async (ctx) => {
    const form = await readForm(ctx);
    const login = (form.get('user_name') ?? '').trim().toLowerCase();
    const customer = await ledger.authenticate(login, form.get('password') ?? '');
    if (!customer) return answer(ctx, <SignInPage problem="User name or password is wrong." />);
    setCookie(ctx, sessionCookie, visits.begin(login, customer, ctx.cookies.get(deviceCookie)));
    return seeOther(ctx, '/accounts');
  });

  router.post('/code', async (ctx) => {
    const code = ((await readForm(ctx)).get('code') ?? '').trim();
    const result = visits.enterCode(ctx.cookies.get(sessionCookie) ?? '', code);
    if (result === 'wrong')
      return answer(ctx, <CodePage problem="This is not the code we sent." />);
    if (result === 'over') {
      return answer(
        ctx,
        <SignInPage problem="That took too long, or too many codes were wrong." />,
      );
    }
    setCookie(ctx, deviceCookie, result.device);
    return seeOther(ctx, '/accounts');
  });

  router.get('/accounts', (ctx) =>
    enter(ctx, async (visit) => {
      const accounts = await accountsOf(ctx, visit);
      if (accounts) answer(ctx, <AccountsPage login={visit.login} accounts={accounts} />);
    }),
  );

  router.get('/accounts/:id', (ctx) =>
    enter(ctx, async (visit) => {
      const accounts = await accountsOf(ctx, visit);
      const account = accounts?.find(({ id }) => id === ctx.params.id);
      if (account) await showStatement(ctx, account, visit.login);
    }),
  );

  router.post('/sign-out', (ctx) => {
    visits.end(ctx.cookies.get(sessionCookie), ctx.cookies.get(deviceCookie));
    seeOther(ctx, '/sign-in');
  });

  router.post('/phone', (ctx) => {
    visits.endAll();
    seeOther(ctx, '/phone');
  });

  return router;
}

async function readForm(ctx: Context): Promise<URLSearchParams> {
  const body = await readBody(ctx.req, formLimit);
  if (!body) return ctx.throw(413);
  return new URLSearchParams(body.toString('utf8'));
}

function setCookie(ctx: Context, name: string, value: string): void {
  ctx.cookies.set(name, value, {
    secure: true,
    httpOnly: true,
    sameSite: 'strict',
    path: '/',
    overwrite: true,
  });
}

function answer(ctx: Context, page: VNode): void {
  ctx.type = 'html';
  ctx.body = render(page);
}

function seeOther(ctx: Context, to: string): void {
  ctx.status = 303;
  ctx.redirect(to);
}
