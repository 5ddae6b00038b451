import Router from '@koa/router';
import type { Context, Middleware } from 'koa';
import type { BankLedger, LedgerAccount } from '../../core/bank-ledger.js';
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { Storage } from '../../core/storage.js';
import { noStore } from '../../http/security-headers.js';
import { assertScope } from '../middleware/require-scope.js';
import { readSharedAccess } from '../open-banking/shared-access.js';
import { ConsumerDataError, renderConsumerDataErrors } from './consumer-data-error.js';
import { negotiateVersion } from './negotiate-version.js';

export interface ConsumerDataApiDeps {
  /** Leaves the facts of the request's token in `ctx.state.token`, its sender constraint met. */
  readonly authenticate: Middleware;
  readonly storage: Storage;
  readonly ledger: BankLedger;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Absolute URL of the API. */
  readonly baseUrl: string;
}

/** Where the API is, below the bank's URL. */
export const consumerDataPath = '/cds-au/v1/banking';

const defaultPageSize = 25;
const largestPage = 1000;

/** The versions of Get Accounts (`x-v`) that are answered. */
const versions = [2];

/**
 * Of the banking APIs of Australia's Consumer Data Right, the accounts that a customer shares: what there
 * is to read with a token of an arrangement (Consumer Data Standards, Banking APIs, Get Accounts).
 */
export function createConsumerDataApi(deps: ConsumerDataApiDeps): Router {
  const { authenticate, logger, baseUrl } = deps;
  const router = new Router({ prefix: consumerDataPath });
  router.use(renderConsumerDataErrors(logger), noStore, authenticate);

  router.get('/accounts', async (ctx) => {
    assertScope(ctx, ctx.state.token, ['bank:accounts.basic:read']);
    ctx.set('x-v', String(negotiateVersion(ctx, versions)));
    const page = readPaging(ctx, 'page', 1, Number.MAX_SAFE_INTEGER);
    const size = readPaging(ctx, 'page-size', defaultPageSize, largestPage);
    const access = await readSharedAccess(deps, ctx.state.token, 'ReadAccountsBasic');
    const pages = Math.ceil(access.length / size);
    if (page > Math.max(1, pages)) {
      throw new ConsumerDataError(422, 'Field/InvalidPage', 'There is no such page');
    }
    const shown = access.slice((page - 1) * size, page * size);
    const link = (to: number) => `${baseUrl}/accounts?page=${to}&page-size=${size}`;
    ctx.body = {
      data: { accounts: shown.map(({ account }) => describeAccount(account)) },
      links: {
        self: link(page),
        ...(pages > 1 && { first: link(1), last: link(pages) }),
        ...(page > 1 && { prev: link(page - 1) }),
        ...(page < pages && { next: link(page + 1) }),
      },
      meta: { totalRecords: access.length, totalPages: pages },
    };
  });

  router.all('/{*path}', () => {
    throw new ConsumerDataError(404, 'Resource/NotFound', 'There is no such resource');
  });
  return router;
}

function readPaging(ctx: Context, name: string, usual: number, most: number): number {
  const given = ctx.query[name];
  if (given === undefined) return usual;
  if (typeof given === 'string' && /^[1-9]\d{0,14}$/.test(given) && Number(given) <= most) {
    return Number(given);
  }
  const code = name === 'page-size' ? 'Field/InvalidPageSize' : 'Field/Invalid';
  throw new ConsumerDataError(name === 'page-size' ? 422 : 400, code, `${name} is not valid`);
}

const categories: Readonly<Record<LedgerAccount['accountSubType'], string>> = {
  CurrentAccount: 'TRANS_AND_SAVINGS_ACCOUNTS',
  Savings: 'TRANS_AND_SAVINGS_ACCOUNTS',
  CreditCard: 'CRED_AND_CHRG_CARDS',
  Loan: 'PERS_LOANS',
  Mortgage: 'RESIDENTIAL_MORTGAGES',
};

/** `BankingAccountV2`. */
function describeAccount(account: LedgerAccount) {
  const { id, nickname, accountNumber, accountSubType, jointWith } = account;
  return {
    accountId: id,
    displayName: nickname,
    nickname,
    openStatus: 'OPEN',
    isOwned: true,
    accountOwnership: ownershipOf(jointWith.length),
    maskedNumber: `xxxx${accountNumber.slice(-4)}`,
    productCategory: categories[accountSubType],
    productName: accountSubType,
  };
}

/** @param others holders besides the customer. */
function ownershipOf(others: number): string {
  if (others === 0) return 'ONE_PARTY';
  return others === 1 ? 'TWO_PARTY' : 'MANY_PARTY';
}
