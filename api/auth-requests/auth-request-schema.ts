import { z } from 'zod';
import type { AuthRequest } from '../../core/auth-request.js';
import { requestedTermsSchema } from '../../core/connection-request.js';
import type { AuthRequestWish } from '../../core/create-auth-request.js';
import { timestamp } from '../envelope.js';

const names = z.array(z.string().max(256)).max(50);
const payments = {
  payment: z.unknown().optional(),
  standingOrder: z.unknown().optional(),
  recurringPayment: z.unknown().optional(),
  reversePayment: z.unknown().optional(),
};

/** What has no meaning for account information here: it is held to its form, and changes nothing. */
const ignored = {
  accountVerification: z.object({ accVerification: z.boolean().optional() }).optional(),
  customerIpAddress: z.union([z.ipv4(), z.ipv6()]).optional(),
  customerLastLoggedTime: z.iso.datetime({ offset: true }).optional(),
  accountTypes: names.optional(),
  accountIdentification: names.optional(),
  categorisationType: z.enum(['personal', 'business']).optional(),
  benefitsCheck: z.boolean().optional(),
  counterpartiesCheck: z.array(z.uuid()).max(100).optional(),
  env: z.string().max(64).optional(),
};

/** The body of `POST /auth-requests` (identity-service.md §1.7). */
export const newAuthRequestSchema = z.object({
  scope: z.string().min(1).max(2000),
  redirectUri: z.string().max(2000).optional(),
  userId: z
    .string()
    .regex(/^[0-9a-f]{24}$/)
    .optional(),
  connectionId: z.string().max(200).optional(),
  ...requestedTermsSchema.shape,
  sync: z.object({ enableAsync: z.boolean().optional() }).optional(),
  ...ignored,
  ...payments,
});

type NewAuthRequest = z.output<typeof newAuthRequestSchema>;

const paymentScopes = [
  'payment',
  'reverse_payment',
  'recurring_payment:create',
  'standing_orders:create',
];

/** Whether it asks for what only payment initiation services do. */
export function isPayment({ scope, ...body }: NewAuthRequest): boolean {
  const { payment, standingOrder, recurringPayment, reversePayment } = body;
  return (
    scope.split(' ').some((each) => paymentScopes.includes(each)) ||
    [payment, standingOrder, recurringPayment, reversePayment].some((each) => each !== undefined)
  );
}

export function readWish({ sync, ...body }: NewAuthRequest): AuthRequestWish {
  const { scope, userId, connectionId, redirectUri } = body;
  const { permissions, permissionsAction, expirationDateTime, transactionFromDateTime } = body;
  return {
    ...{ scope, userId, connectionId, redirectUri },
    terms: { permissions, permissionsAction, expirationDateTime, transactionFromDateTime },
    isAsync: sync?.enableAsync ?? false,
  };
}

/** The body of `PATCH /auth-requests/{id}`: what the bank's redirect brought, other members ignored. */
export const completionSchema = z.object({
  authParams: z.object({
    state: z.string().max(2000).optional(),
    code: z.string().max(10_000).optional(),
    id_token: z.string().max(20_000).optional(),
    error: z.string().max(2000).optional(),
    error_description: z.string().max(5000).optional(),
    iss: z.string().max(2000).optional(),
  }),
});

const members = {
  id: z.uuid(),
  redirectUri: z.string(),
  createdAt: timestamp,
  bankId: z.string(),
  userId: z.string().optional(),
  scope: z.string(),
  connectionId: z.string().optional(),
  status: z.enum(['pending', 'complete', 'error']),
  errorDescription: z.string().optional(),
};

/** An auth request as the published client knows it. */
export const authRequestSchema = z.object(members).meta({ id: 'AuthRequest' });

export const startedAuthRequestSchema = z
  .object({
    ...members,
    redirectParams: z.object({ authUrl: z.string(), returnUrl: z.string(), state: z.string() }),
  })
  .meta({ id: 'StartedAuthRequest' });

/** @returns the auth request in the form of {@link authRequestSchema}. */
export function describeAuthRequest(authRequest: AuthRequest) {
  const { id, redirectUri, createdAt, bankId, userId, scope, connectionId, status, reason } =
    authRequest;
  return {
    ...{ id, redirectUri, createdAt, bankId, scope, status },
    ...(userId !== undefined && { userId }),
    ...(connectionId !== undefined && { connectionId }),
    ...(reason !== undefined && { errorDescription: reason }),
  } satisfies z.input<typeof authRequestSchema>;
}

/** @param returnUrl where the bank sends the person back to. */
export function describeStart(authRequest: AuthRequest, returnUrl: string) {
  const { authUrl, visit } = authRequest;
  return {
    ...describeAuthRequest(authRequest),
    redirectParams: { authUrl, returnUrl, state: visit?.state ?? '' },
  } satisfies z.input<typeof startedAuthRequestSchema>;
}
