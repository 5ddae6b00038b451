import { z } from 'zod';
import type { TransactionPage, TransactionReader } from '../../core/transaction-reader.js';
import { linked, linkedAnswer } from '../envelope.js';
import { defineOperation, noBody, noParameters, type Operation } from '../operation.js';
import { pageLinks, withQuery } from '../page-links.js';
import { decodePosition, encodePosition } from './transaction-cursor.js';
import { toTransactionFilter, transactionQuerySchema } from './transaction-query.js';
import { describeTransaction, transactionSchema } from './transaction-schema.js';

const scopes = ['transactions:read:all', 'transactions:read:in', 'transactions:read:out'];

/** `GET /v3/transactions` and one of them (identity-service.md §1.10). */
export function createTransactionOperations(transactions: TransactionReader): readonly Operation[] {
  return [
    defineOperation({
      id: 'getTransactions',
      method: 'get',
      path: '/v3/transactions',
      summary: "List the transactions that the token's person shares, newest first",
      scopes,
      params: noParameters,
      query: transactionQuerySchema,
      body: noBody,
      status: 200,
      answer: linked(z.array(transactionSchema)),
      errors: [],
      async handle({ token, query, url }) {
        const { limit, offset, cursor } = query;
        const after = cursor === undefined ? undefined : decodePosition(cursor);
        const page = await transactions.list(token, toTransactionFilter(query), {
          limit,
          offset,
          after,
        });
        const data = page.transactions.map(describeTransaction);
        return { data, links: linksOf(url, page, { limit, offset }), meta: {} };
      },
    }),
    defineOperation({
      id: 'getTransaction',
      method: 'get',
      path: '/v3/transactions/{transactionId}',
      summary: 'Read one transaction',
      scopes,
      params: z.object({ transactionId: z.string() }),
      query: noParameters,
      body: noBody,
      status: 200,
      answer: linked(transactionSchema),
      errors: ['NotFound'],
      async handle({ token, params: { transactionId }, url }) {
        return linkedAnswer(describeTransaction(await transactions.get(token, transactionId)), url);
      },
    }),
  ];
}

/** The next page goes on from a position, so that it costs no more than the first. */
function linksOf(
  url: string,
  { next }: TransactionPage,
  { limit, offset }: { readonly limit: number; readonly offset: number },
) {
  return {
    ...pageLinks(url, { limit, offset, more: false }),
    ...(next && { next: withQuery(url, { cursor: encodePosition(next), offset: undefined }) }),
  };
}
