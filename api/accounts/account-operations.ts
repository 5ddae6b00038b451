import { z } from 'zod';
import type { AccountReader } from '../../core/account-reader.js';
import { linked, linkedAnswer, paging } from '../envelope.js';
import { defineOperation, noBody, noParameters, type Operation } from '../operation.js';
import { pageLinks } from '../page-links.js';
import {
  accountSchema,
  balanceSchema,
  describeAccount,
  describeBalance,
} from './account-schema.js';

const params = z.object({ accountId: z.string() });
const scopes = ['accounts:read'];

/** `GET /v3/accounts`, one of them, and its balances (identity-service.md §1.10). */
export function createAccountOperations(accounts: AccountReader): readonly Operation[] {
  // The hosted service keeps a shorter `accounts-list` beside it; clients read members of both.
  const lists = ['accounts', 'accounts-list'].map((noun, index) =>
    defineOperation({
      id: index === 0 ? 'getAccounts' : 'getAccountsList',
      method: 'get',
      path: `/v3/${noun}`,
      summary: "List the accounts that the token's person shares, in the order they were added",
      scopes,
      params: noParameters,
      query: z.object(paging),
      body: noBody,
      status: 200,
      answer: linked(z.array(accountSchema)),
      errors: [],
      async handle({ token, query: { limit, offset }, url }) {
        const all = await accounts.list(token);
        const page = all.slice(offset, offset + limit);
        const links = pageLinks(url, { limit, offset, more: all.length > offset + limit });
        return { data: page.map(describeAccount), links, meta: {} };
      },
    }),
  );
  return [
    ...lists,
    defineOperation({
      id: 'getAccount',
      method: 'get',
      path: '/v3/accounts/{accountId}',
      summary: 'Read one account',
      scopes,
      params,
      query: noParameters,
      body: noBody,
      status: 200,
      answer: linked(accountSchema),
      errors: ['NotFound'],
      async handle({ token, params: { accountId }, url }) {
        return linkedAnswer(describeAccount(await accounts.get(token, accountId)), url);
      },
    }),
    defineOperation({
      id: 'getAccountBalances',
      method: 'get',
      path: '/v3/accounts/{accountId}/balances',
      summary: 'Read the balance of one account',
      scopes,
      params,
      query: noParameters,
      body: noBody,
      status: 200,
      answer: linked(z.array(balanceSchema)),
      errors: ['NotFound'],
      async handle({ token, params: { accountId }, url }) {
        const { bank } = await accounts.getWithBalance(token, accountId);
        const balances = bank.balance ? [describeBalance(bank.balance, bank.currency)] : [];
        return linkedAnswer(balances, url);
      },
    }),
  ];
}
