import { z } from 'zod';
import { earliestShared } from './consented-window.js';
import type { ConsentTerms } from './institution.js';
import { defaultPermissions, permissionCodes } from './permissions.js';
import { Refusal } from './refusal.js';
import { institutionOfScope } from './scopes.js';
import { syncClaimSchema } from './sync-claim.js';

/** The lists a person can choose a bank from. */
export const choosers = ['all', 'api', 'legacy', 'test'] as const;
export type Chooser = (typeof choosers)[number];

/** What a client asks for when it sends a person to connect a bank. */
export interface ConnectionRequest {
  /** The existing user, or undefined where the visit makes one (one-time access). */
  readonly subject?: string | undefined;
  readonly institution: { readonly chooser: Chooser } | { readonly id: string };
  readonly permissions: readonly string[];
  readonly expiresAt: Date;
  readonly transactionFrom?: Date | undefined;
  /** False where the client set the expiry itself: then only the bank can renew (§3.3). */
  readonly tppConsent: boolean;
}

const day = 86_400_000;
const longestConsent = 90 * day;

const dateTime = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

const claimsSchema = z.object({
  id_token: z
    .object({
      sub: z
        .object({
          value: z
            .string()
            .regex(/^[0-9a-f]{24}$/)
            .optional(),
        })
        .nullish(),
      'mh:con_id': z.object({ value: z.string().max(200).optional() }).nullish(),
      // Only that it is well formed: it is read where the code is redeemed.
      'mh:sync': syncClaimSchema,
      'mh:consent': z
        .object({
          value: z
            .object({
              expirationDateTime: dateTime.optional(),
              transactionFromDateTime: dateTime.optional(),
              permissions: z.array(z.enum(permissionCodes)).max(permissionCodes.length).optional(),
              permissionsAction: z.enum(['add', 'replace']).default('add'),
            })
            .optional(),
        })
        .nullish(),
    })
    .prefault({}),
});

interface RequestPolicy {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Seconds. */
  readonly oneTimeConsent: number;
  readonly ongoingConsent: number;
}

/**
 * Reads what is asked for from the scope and the `claims` parameter (identity-service.md §3.2, 3.3).
 * @throws {Refusal} `invalid_claims` for a claim out of its limits, `invalid_request` for a `claims` that
 * is no JSON object.
 */
export function parseConnectionRequest(
  scopes: readonly string[],
  claims: string | undefined,
  policy: RequestPolicy,
): ConnectionRequest {
  const parsed = claimsSchema.safeParse(parseClaims(claims));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Refusal('invalid_claims', `claims.${issue?.path.join('.')} is not acceptable`);
  }
  const { sub, 'mh:con_id': connection, 'mh:consent': consent } = parsed.data.id_token;
  const institution = toInstitution(scopes);
  if (connection?.value !== undefined) {
    throw new Refusal('invalid_claims', 'mh:con_id takes a value only with reauth or reconsent');
  }
  const subject = sub?.value;
  const terms = consent?.value;
  return {
    subject,
    institution,
    permissions: toPermissions(terms?.permissions, terms?.permissionsAction),
    expiresAt: toExpiry(terms?.expirationDateTime, subject !== undefined, policy),
    transactionFrom: toTransactionFrom(terms?.transactionFromDateTime, policy.now),
    tppConsent: terms?.expirationDateTime === undefined,
  };
}

/** The request as the bank is asked for it; no bank is asked for more history than it shares. */
export function toConsentTerms(
  request: ConnectionRequest,
  monthsShared: number | undefined,
  now: number,
): ConsentTerms {
  const earliest = earliestShared(monthsShared, now);
  const { permissions, expiresAt, transactionFrom } = request;
  return {
    permissions,
    expiresAt,
    transactionFrom: transactionFrom && new Date(Math.max(+transactionFrom, +earliest)),
  };
}

function parseClaims(claims: string | undefined): unknown {
  try {
    return claims === undefined ? {} : JSON.parse(claims);
  } catch (cause) {
    throw new Refusal('invalid_request', 'claims is not JSON', { cause });
  }
}

function toInstitution(scopes: readonly string[]): ConnectionRequest['institution'] {
  const id = institutionOfScope(scopes);
  // The scope rules let nothing else through but reauth, reconsent and refresh.
  if (id === undefined) {
    throw new Refusal('invalid_scope', 'only new connections are offered: request id:<bank>');
  }
  const chooser = choosers.find((name) => name === id);
  return chooser === undefined ? { id } : { chooser };
}

function toPermissions(
  requested: readonly string[] | undefined,
  action: 'add' | 'replace' = 'add',
): readonly string[] {
  if (requested === undefined) return defaultPermissions;
  const all = new Set(action === 'add' ? [...defaultPermissions, ...requested] : requested);
  if (all.size === 0) throw new Refusal('invalid_claims', 'mh:consent must leave a permission');
  return permissionCodes.filter((code) => all.has(code));
}

function toExpiry(requested: Date | undefined, hasSubject: boolean, policy: RequestPolicy): Date {
  const { now, oneTimeConsent, ongoingConsent } = policy;
  if (requested === undefined) {
    return new Date(now + (hasSubject ? ongoingConsent : oneTimeConsent) * 1000);
  }
  if (+requested <= now || +requested > now + longestConsent) {
    throw new Refusal(
      'invalid_claims',
      'mh:consent expirationDateTime must be in the future and at most 90 days ahead',
    );
  }
  return requested;
}

function toTransactionFrom(requested: Date | undefined, now: number): Date | undefined {
  if (requested && +requested > now) {
    throw new Refusal('invalid_claims', 'mh:consent transactionFromDateTime must be in the past');
  }
  return requested && new Date(Math.max(+requested, +earliestShared(undefined, now)));
}
