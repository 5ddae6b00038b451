import { z } from 'zod';
import type { AgreedTerms } from './consent.js';
import { earliestShared } from './consented-window.js';
import { defaultPermissions, permissionCodes } from './permissions.js';
import { Refusal } from './refusal.js';
import { institutionOfScope, type VisitScope, visitScopeOf } from './scopes.js';
import { syncClaimSchema } from './sync-claim.js';

/** The lists a person can choose a bank from. */
export const choosers = ['all', 'api', 'legacy', 'test'] as const;
export type Chooser = (typeof choosers)[number];

/** What a client asks for when it sends a person to us. */
export type ConnectionRequest = NewConnectionRequest | RenewalRequest;

/** A bank is to be connected. */
export interface NewConnectionRequest {
  readonly purpose: 'connect';
  /** The existing user, or undefined where the visit makes one (one-time access). */
  readonly subject?: string | undefined;
  readonly institution: { readonly chooser: Chooser } | { readonly id: string };
  readonly permissions: readonly string[];
  readonly expiresAt: Date;
  readonly transactionFrom?: Date | undefined;
  /** False for one-time access, and where the client set the expiry itself (§3.3). */
  readonly tppConsent: boolean;
}

/** A connection is to be renewed; what the client leaves out stays as it was agreed before. */
export interface RenewalRequest {
  readonly purpose: VisitScope;
  readonly subject: string;
  readonly connectionId: string;
  readonly permissions?: RequestedPermissions | undefined;
  readonly expiresAt?: Date | undefined;
  readonly transactionFrom?: Date | undefined;
}

/** `add` extends what is asked for otherwise, `replace` stands instead of it. */
export interface RequestedPermissions {
  readonly codes: readonly string[];
  readonly action: 'add' | 'replace';
}

const day = 86_400_000;
/** No consent is agreed for longer (milliseconds; identity-service.md §3.3). */
export const longestConsent = 90 * day;

const dateTime = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** What a client may ask of a consent (identity-service.md §3.3), by claim or by auth request. */
export const requestedTermsSchema = z.object({
  expirationDateTime: dateTime.optional(),
  transactionFromDateTime: dateTime.optional(),
  permissions: z.array(z.enum(permissionCodes)).max(permissionCodes.length).optional(),
  permissionsAction: z.enum(['add', 'replace']).default('add'),
});

export type RequestedTerms = z.output<typeof requestedTermsSchema>;

/** Claims that are not named here are accepted and ignored, `mh:*` ones as well (§3.2). */
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
      'mh:consent': z.object({ value: requestedTermsSchema.optional() }).nullish(),
    })
    .prefault({}),
});

export interface RequestPolicy {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Seconds a consent lasts where the client names no end. */
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
    throw new Refusal('invalid_claims', describeIssue(parsed.error.issues[0]));
  }
  const { sub, 'mh:con_id': connection, 'mh:consent': consent } = parsed.data.id_token;
  const named = { subject: sub?.value, connectionId: connection?.value };
  return toConnectionRequest(scopes, named, consent?.value, policy);
}

/** Whom and what a request names: the values of `sub` and `mh:con_id`, or their like. */
export interface Named {
  readonly subject: string | undefined;
  readonly connectionId: string | undefined;
}

/**
 * What is asked for, held against the limits of identity-service.md §3.3.
 * @param scopes those of an authorization request, checked.
 * @throws {Refusal} `invalid_claims` for what is out of its limits.
 */
export function toConnectionRequest(
  scopes: readonly string[],
  named: Named,
  terms: RequestedTerms | undefined,
  policy: RequestPolicy,
): ConnectionRequest {
  const purpose = visitScopeOf(scopes);
  return purpose === undefined
    ? toNewConnection(scopes, named, terms, policy)
    : toRenewal(purpose, named, terms, policy.now);
}

function toNewConnection(
  scopes: readonly string[],
  { subject, connectionId }: Named,
  terms: RequestedTerms | undefined,
  policy: RequestPolicy,
): NewConnectionRequest {
  const institution = toInstitution(scopes);
  if (connectionId !== undefined) {
    throw new Refusal('invalid_claims', 'mh:con_id takes a value only with reauth or reconsent');
  }
  const isOngoing = subject !== undefined;
  const lasts = isOngoing ? policy.ongoingConsent : policy.oneTimeConsent;
  return {
    purpose: 'connect',
    subject,
    institution,
    permissions: choosePermissions(defaultPermissions, toPermissions(terms)),
    expiresAt: toExpiry(terms, policy.now) ?? new Date(policy.now + lasts * 1000),
    transactionFrom: toTransactionFrom(terms, policy.now),
    tppConsent: isOngoing && terms?.expirationDateTime === undefined,
  };
}

function toRenewal(
  purpose: VisitScope,
  { subject, connectionId }: Named,
  terms: RequestedTerms | undefined,
  now: number,
): RenewalRequest {
  if (subject === undefined || connectionId === undefined) {
    throw new Refusal('invalid_claims', `${purpose} needs a value for sub and for mh:con_id`);
  }
  return {
    purpose,
    subject,
    connectionId,
    permissions: toPermissions(terms),
    expiresAt: toExpiry(terms, now),
    transactionFrom: toTransactionFrom(terms, now),
  };
}

/** The request as the person agrees to it; no bank is asked for more history than it shares. */
export function toAgreedTerms(
  request: NewConnectionRequest,
  monthsShared: number | undefined,
  now: number,
): AgreedTerms {
  const { permissions, expiresAt, transactionFrom, tppConsent } = request;
  return {
    permissions,
    expiresAt: expiresAt.toISOString(),
    ...(transactionFrom && { transactionFrom: sharedFrom(transactionFrom, monthsShared, now) }),
    tppConsent,
  };
}

/** A start that a client asks for, or the earliest that the bank shares (ISO 8601). */
export function sharedFrom(asked: Date, monthsShared: number | undefined, now: number): string {
  return new Date(Math.max(+asked, +earliestShared(monthsShared, now))).toISOString();
}

/**
 * The permissions asked for, in the standard's order.
 * @param otherwise what is asked for where the client names none.
 * @throws {Refusal} `invalid_claims` where none would be left.
 */
export function choosePermissions(
  otherwise: readonly string[],
  requested: RequestedPermissions | undefined,
): readonly string[] {
  if (requested === undefined) return otherwise;
  const { codes, action } = requested;
  const all = new Set(action === 'add' ? [...otherwise, ...codes] : codes);
  if (all.size === 0) throw new Refusal('invalid_claims', 'permissions must leave at least one');
  return permissionCodes.filter((code) => all.has(code));
}

function parseClaims(claims: string | undefined): unknown {
  try {
    return claims === undefined ? {} : JSON.parse(claims);
  } catch (cause) {
    throw new Refusal('invalid_request', 'claims is not JSON', { cause });
  }
}

function toInstitution(scopes: readonly string[]): NewConnectionRequest['institution'] {
  const id = institutionOfScope(scopes);
  // The scope rules let nothing else through.
  if (id === undefined) throw new Refusal('invalid_scope', 'id:<bank> must be requested');
  const chooser = choosers.find((name) => name === id);
  return chooser === undefined ? { id } : { chooser };
}

function toPermissions(terms: RequestedTerms | undefined): RequestedPermissions | undefined {
  if (terms?.permissions === undefined) return undefined;
  return { codes: terms.permissions, action: terms.permissionsAction };
}

function toExpiry(terms: RequestedTerms | undefined, now: number): Date | undefined {
  const requested = terms?.expirationDateTime;
  if (requested && (+requested <= now || +requested > now + longestConsent)) {
    throw new Refusal(
      'invalid_claims',
      'expirationDateTime must be in the future and at most 90 days ahead',
    );
  }
  return requested;
}

function toTransactionFrom(terms: RequestedTerms | undefined, now: number): Date | undefined {
  const requested = terms?.transactionFromDateTime;
  if (requested && +requested > now) {
    throw new Refusal('invalid_claims', 'transactionFromDateTime must be in the past');
  }
  return requested && new Date(Math.max(+requested, +earliestShared(undefined, now)));
}

/** In the characters RFC 6749 §4.1.2.1 allows a description, and short. */
function describeIssue(issue: z.core.$ZodIssue | undefined): string {
  const said = `claims.${issue?.path.join('.')}: ${issue?.message}`;
  return said
    .replaceAll('"', "'")
    .replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, '?')
    .slice(0, 300);
}
