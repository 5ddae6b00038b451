import type { AdapterPayload } from 'oidc-provider';
import { z } from 'zod';

/** As the library stores it: OpenID Connect alone, of no resource and without authorization details. */
const offlineGrantSchema = z.object({
  accountId: z.string(),
  clientId: z.string(),
  iat: z.number(),
  exp: z.number(),
  openid: z.object({
    scope: z.string().refine((scope) => scope.split(' ').includes('offline_access')),
    claims: z.array(z.string()).default([]),
  }),
  resources: z.undefined().optional(),
  rar: z.undefined().optional(),
});

/** A Grant by which an application knows who somebody is, also when they have signed out. */
export type OfflineGrant = z.output<typeof offlineGrantSchema>;

/** @returns undefined for a Grant of any other kind. */
export function readOfflineGrant(payload: AdapterPayload): OfflineGrant | undefined {
  return offlineGrantSchema.safeParse(payload).data;
}
