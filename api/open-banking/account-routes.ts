import type Router from '@koa/router';
import type { Context } from 'koa';
import type { BankLedger } from '../../core/bank-ledger.js';
import type { Clock } from '../../core/clock.js';
import type { Storage } from '../../core/storage.js';
import { describeAccount, describeBalance, describeTransaction } from './account-documents.js';
import { findSharedAccount, readSharedAccess, type SharedAccess } from './shared-access.js';
import {
  parseTransactionQuery,
  readTransactionPage,
  type TransactionPage,
} from './transaction-page.js';

export interface AccountRouteDeps {
  readonly storage: Storage;
  readonly ledger: BankLedger;
  readonly clock: Clock;
  /** Absolute URL of the API, up to and including `/aisp`. */
  readonly baseUrl: string;
}

/** The account information resources of UK Open Banking v3.1, as far as the consent opens them. */
export function addAccountRoutes(router: Router, deps: AccountRouteDeps): void {
  const { ledger, clock, baseUrl } = deps;

  function describeAccounts(ctx: Context, access: SharedAccess) {
    ctx.body = {
      Data: { Account: access.map(({ account, terms }) => describeAccount(account, terms)) },
      Links: { Self: `${baseUrl}${pathOf(ctx)}` },
      Meta: { TotalPages: 1 },
    };
  }

  function describeBalances(ctx: Context, access: SharedAccess) {
    const now = new Date(clock.now());
    ctx.body = {
      Data: { Balance: access.map(({ account }) => describeBalance(account, now)) },
      Links: { Self: `${baseUrl}${pathOf(ctx)}` },
      Meta: { TotalPages: 1 },
    };
  }

  async function describeTransactions(ctx: Context, access: SharedAccess) {
    const asked = new URLSearchParams(ctx.querystring);
    const query = parseTransactionQuery(asked);
    const now = new Date(clock.now());
    const found = await readTransactionPage(ledger, access, query, now);
    ctx.body = {
      Data: {
        Transaction: found.entries.map(({ shared: { account, terms }, entry }) =>
          describeTransaction(account.id, entry, terms),
        ),
      },
      Links: linkPages(`${baseUrl}${pathOf(ctx)}`, asked, found),
      Meta: { TotalPages: found.totalPages },
    };
  }

  router.get('/accounts', async (ctx) => {
    const access = await readSharedAccess(deps, ctx.state.token, 'ReadAccountsBasic');
    describeAccounts(ctx, access);
  });

  router.get('/accounts/:accountId', async (ctx) => {
    const access = await readSharedAccess(deps, ctx.state.token, 'ReadAccountsBasic');
    describeAccounts(ctx, [findSharedAccount(access, ctx.params.accountId ?? '')]);
  });

  router.get('/balances', async (ctx) => {
    const access = await readSharedAccess(deps, ctx.state.token, 'ReadBalances');
    describeBalances(ctx, access);
  });

  router.get('/accounts/:accountId/balances', async (ctx) => {
    const access = await readSharedAccess(deps, ctx.state.token, 'ReadBalances');
    describeBalances(ctx, [findSharedAccount(access, ctx.params.accountId ?? '')]);
  });

  router.get('/transactions', async (ctx) => {
    const access = await readSharedAccess(deps, ctx.state.token, 'ReadTransactionsBasic');
    await describeTransactions(ctx, access);
  });

  router.get('/accounts/:accountId/transactions', async (ctx) => {
    const access = await readSharedAccess(deps, ctx.state.token, 'ReadTransactionsBasic');
    await describeTransactions(ctx, [findSharedAccount(access, ctx.params.accountId ?? '')]);
  });
}

/** The path below the API's base, as it was asked for. */
function pathOf(ctx: Context): string {
  return ctx.path.slice(ctx.path.indexOf('/aisp') + '/aisp'.length);
}

/**
 * v3.1 paging links. Each keeps the filters of the first request, with the end of its window made
 * explicit, so that bookings between two calls neither repeat nor hide an entry.
 */
function linkPages(self: string, asked: URLSearchParams, found: TransactionPage) {
  const link = (page: number) => {
    const query = new URLSearchParams({ toBookingDateTime: found.to.toISOString() });
    const from = asked.get('fromBookingDateTime');
    if (from !== null) query.set('fromBookingDateTime', from);
    query.set('page', String(page));
    return `${self}?${query}`;
  };
  const { page, totalPages } = found;
  return {
    Self: link(page),
    First: link(1),
    ...(page > 1 && { Prev: link(Math.min(page - 1, totalPages)) }),
    ...(page < totalPages && { Next: link(page + 1) }),
    Last: link(totalPages),
  };
}
