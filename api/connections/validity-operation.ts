import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import type { ConnectionsService } from '../../core/connections-service.js';
import { validityOf } from '../../core/validity.js';
import { timestamp } from '../envelope.js';
import { defineOperation, noBody, noParameters, type Operation } from '../operation.js';

const next = z.enum(['none', 'reconsent', 'reauth', 'refresh']);

const clockSchema = z.object({
  validUntil: timestamp.nullable(),
  state: z.enum(['valid', 'expiring', 'expired', 'lost']),
  next,
});

const validitySchema = z
  .object({ connectionId: z.string(), next, consent: clockSchema, bankAuthentication: clockSchema })
  .meta({ id: 'Validity' });

interface ValidityOperationDeps {
  readonly connections: Pick<ConnectionsService, 'get'>;
  readonly clock: Clock;
}

/** `GET /users/{userId}/connections/{connectionId}/validity`: what the person has to do, if anything. */
export function createValidityOperation({ connections, clock }: ValidityOperationDeps): Operation {
  return defineOperation({
    id: 'getUserConnectionValidity',
    method: 'get',
    path: '/users/{userId}/connections/{connectionId}/validity',
    summary: 'Whether the person still agrees, whether the bank still knows them, and what is next',
    scopes: ['connection:read', 'user:read'],
    params: z.object({ userId: z.string(), connectionId: z.string() }),
    query: noParameters,
    body: noBody,
    status: 200,
    answer: z.object({ data: validitySchema, meta: z.object({}) }),
    errors: ['NotFound'],
    async handle({ token: { clientId }, params: { userId, connectionId } }) {
      const { connection, consent } = await connections.get(clientId, userId, connectionId);
      const validity = validityOf(connection, consent, clock.now());
      return { data: { connectionId, ...validity }, meta: {} };
    },
  });
}
