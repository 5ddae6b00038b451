import { z } from 'zod';
import type { UserWithConnections } from '../../core/users-service.js';
import { timestamp } from '../envelope.js';

/** The body of `POST /users`; other members are ignored. */
export const newUserSchema = z.object({ clientUserId: z.string().max(255).optional() });

/** A user as the published client knows it (identity-service.md §1.5). */
export const userSchema = z
  .object({
    userId: z.string().regex(/^[0-9a-f]{24}$/),
    clientUserId: z.string().optional(),
    clientId: z.string(),
    createdAt: timestamp,
    updatedAt: timestamp,
    lastAccessed: timestamp,
    deletedAt: timestamp.nullable(),
    scopes: z.string(),
    managedBy: z.enum(['user', 'client']),
    userType: z.enum(['test', 'demo', 'live']),
    connectionIds: z.array(z.string()),
  })
  .meta({ id: 'User' });

/** @returns the user in the form of {@link userSchema}. */
export function describeUser({ user, connectionIds }: UserWithConnections) {
  const { userId, clientUserId, clientId, createdAt, updatedAt, lastAccessed } = user;
  return {
    userId,
    ...(clientUserId !== undefined && { clientUserId }),
    clientId,
    createdAt,
    updatedAt,
    lastAccessed,
    // A deleted user is gone, so whoever is shown is not deleted.
    deletedAt: null,
    scopes: user.managedBy === 'client' ? 'user:create' : '',
    managedBy: user.managedBy,
    userType: user.userType,
    connectionIds: [...connectionIds],
  } satisfies z.input<typeof userSchema>;
}
