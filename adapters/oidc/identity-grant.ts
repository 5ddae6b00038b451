import type { AdapterPayload } from 'oidc-provider';
import { z } from 'zod';
import { openidScopes } from '../../core/scopes.js';

const openidScope = z
  .string()
  .refine((scope) => scope.split(' ').every((word) => openidScopes.includes(word)));

/** As the library stores it: OpenID Connect alone, also of our own API, without authorization details. */
const identityGrantSchema = z.object({
  accountId: z.string(),
  clientId: z.string(),
  iat: z.number(),
  exp: z.number(),
  openid: z.object({ scope: z.string(), claims: z.array(z.string()).default([]) }),
  resources: z.record(z.string(), openidScope).optional(),
  rar: z.undefined().optional(),
});

/** A Grant by which an application may ask who somebody is, and sees nothing of accounts. */
export type IdentityGrant = z.output<typeof identityGrantSchema>;

/** @returns undefined for a Grant of any other kind. */
export function readIdentityGrant(payload: AdapterPayload): IdentityGrant | undefined {
  return identityGrantSchema.safeParse(payload).data;
}

/** What an application keeps when the person has signed out (OpenID Connect Core §11). */
export function isOffline({ openid }: IdentityGrant): boolean {
  return openid.scope.split(' ').includes('offline_access');
}
