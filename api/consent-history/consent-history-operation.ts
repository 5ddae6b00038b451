import { z } from 'zod';
import type { Authorization, ConsentHistory } from '../../core/consent-history.js';
import { paging, timestamp } from '../envelope.js';
import { defineOperation, noBody, noParameters, type Operation } from '../operation.js';

/** The words of UK Open Banking v3.1 for where a consent stands. */
const statusWords = {
  awaiting_authorisation: 'AwaitingAuthorisation',
  authorised: 'Authorised',
  rejected: 'Rejected',
  revoked: 'Revoked',
} as const;

const authorizationSchema = z
  .object({
    authorizationRequestId: z.uuid(),
    consentId: z.uuid(),
    consentType: z.literal('ais'),
    consentStatus: z.enum(statusWords),
    consentFrom: timestamp,
    consentTo: timestamp,
    permissions: z.array(z.string()),
    cancelledAt: timestamp.nullable(),
    erroredAt: timestamp.nullable(),
    createdAt: timestamp,
    expiresAt: timestamp,
    accountDetails: z
      .array(
        z.object({
          schemeName: z.enum(['UK.OBIE.SortCodeAccountNumber', 'UK.OBIE.IBAN']),
          identification: z.string(),
        }),
      )
      .optional(),
    userId: z.string(),
    provider: z.string(),
  })
  .meta({ id: 'ConsentHistory' });

/** `GET /consent-history` (identity-service.md §1.8). */
export function createConsentHistoryOperation(history: ConsentHistory): Operation {
  return defineOperation({
    id: 'getConsentHistory',
    method: 'get',
    path: '/consent-history',
    summary: 'List what people agreed to, revoked and refused; also of connections that are gone',
    scopes: ['consent_history:read'],
    params: noParameters,
    query: z.object({ userId: z.string().max(64).optional(), ...paging }),
    body: noBody,
    status: 200,
    answer: z.object({
      data: z.array(authorizationSchema),
      meta: z.object({ total: z.int().optional(), limit: z.int(), offset: z.int() }),
    }),
    errors: ['NotFound'],
    async handle({ token, query }) {
      const { authorizations, total } = await history.list(token, query);
      const { limit, offset } = query;
      return {
        data: authorizations.map(describeAuthorization),
        meta: { ...(total !== undefined && { total }), limit, offset },
      };
    },
  });
}

function describeAuthorization(authorization: Authorization) {
  const { at, expiresAt, cancelledAt = null, erroredAt = null } = authorization;
  const accountDetails = authorization.accounts.flatMap(describeAccount);
  return {
    authorizationRequestId: authorization.id,
    consentId: authorization.consentId,
    consentType: 'ais',
    consentStatus: statusWords[authorization.status],
    consentFrom: at,
    consentTo: expiresAt,
    permissions: [...authorization.permissions],
    cancelledAt,
    erroredAt,
    createdAt: at,
    expiresAt,
    ...(accountDetails.length > 0 && { accountDetails }),
    userId: authorization.userId,
    provider: authorization.institutionId,
  } satisfies z.input<typeof authorizationSchema>;
}

function describeAccount({ sortCode, accountNumber, iban }: Authorization['accounts'][number]) {
  const identification = accountNumber && sortCode ? `${sortCode}${accountNumber}` : iban;
  const schemeName: `UK.OBIE.${'SortCodeAccountNumber' | 'IBAN'}` =
    identification === iban ? 'UK.OBIE.IBAN' : 'UK.OBIE.SortCodeAccountNumber';
  return identification === undefined ? [] : [{ schemeName, identification }];
}
