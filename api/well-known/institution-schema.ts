import { z } from 'zod';
import type { Institution } from '../../core/institution.js';

const availability = z.enum([
  'AVAILABLE',
  'PARTIALLY_AVAILABLE',
  'TEMPORARILY_UNAVAILABLE',
  'PERMANENTLY_UNAVAILABLE',
]);

/** `WellKnownConnection` of the published client (identity-service.md §1.8). */
export const wellKnownConnectionSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    type: z.enum(['api', 'legacy', 'test']),
    country: z.string(),
    parentRef: z.string(),
    bankRef: z.string(),
    isBeta: z.boolean(),
    accountTypes: z.array(z.object({ name: z.string(), beta: z.boolean() })),
    iconUrl: z.url(),
    userTypes: z.array(z.enum(['personal', 'business'])),
    payments: z.array(z.enum(['domestic'])),
    status: z.object({ sync: availability, auth: availability }),
    monthsInitialConsent: z.int().optional(),
  })
  .meta({ id: 'WellKnownConnection' });

/** @returns the institution in the form of {@link wellKnownConnectionSchema}. */
export function describeInstitution(institution: Institution, publicUrl: string) {
  const { id, name, kind, country, bankRef, isBeta, monthsInitialConsent } = institution;
  return {
    id,
    name,
    type: kind,
    country,
    parentRef: bankRef,
    bankRef,
    isBeta,
    accountTypes: institution.accountTypes.map((type) => ({ name: type, beta: isBeta })),
    // A bank without a logo has an icon as well.
    iconUrl: `${publicUrl}/bank-icons/${encodeURIComponent(bankRef)}?defaultIcon=true`,
    userTypes: [...institution.userTypes],
    payments: [],
    status: { sync: 'AVAILABLE', auth: 'AVAILABLE' },
    ...(monthsInitialConsent !== undefined && { monthsInitialConsent }),
  } satisfies z.input<typeof wellKnownConnectionSchema>;
}
