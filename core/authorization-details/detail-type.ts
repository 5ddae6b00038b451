import type { z } from 'zod';
import type { DataCluster, PermissionCode } from '../permissions.js';

/** One member of `authorization_details`, as it is on the wire (RFC 9396 §2). */
export interface AuthorizationDetail {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** What the consent page says of a member: words, a moment, or an amount in minor units. */
export type DetailValue =
  | string
  | { readonly at: Date }
  | { readonly minorUnits: number; readonly currency: string };

/** A detail in plain words, with what the person decides about it. */
export interface DetailDescription {
  /** Goes on after `<the app> asks`: `to see data from your accounts`. */
  readonly title: string;
  readonly clusters: readonly DataCluster[];
  readonly rows: readonly { readonly term: string; readonly value: DetailValue }[];
  /** Any number of accounts, none of which is a no; or one of them, or a no. */
  readonly choose: 'several' | 'one';
  /** The accounts that may be chosen; undefined for all. */
  readonly among?: readonly string[] | undefined;
}

/** A person's yes to a detail. */
export interface DetailChoice {
  /** The accounts that they chose. None: they refuse it. */
  readonly accountIds: readonly string[];
  /** When it ends at the latest. */
  readonly until: Date;
}

/** What a granted detail opens at the account information API. */
export interface AccountAccess {
  readonly permissions: readonly PermissionCode[];
  readonly accountIds: readonly string[];
  /** ISO 8601 */
  readonly transactionFrom?: string | undefined;
  readonly transactionTo?: string | undefined;
}

/** What one `type` of authorization details means. */
export interface DetailType {
  /**
   * The first rule that a detail breaks, in characters that an `error_description` may have; unknown
   * and missing members break one.
   * @param now milliseconds since the epoch.
   */
  findFault(detail: AuthorizationDetail, now: number): string | undefined;
  describe(detail: AuthorizationDetail): DetailDescription;
  /** What the person allows of it, complete (RFC 9396 §7.1); undefined where they refuse. */
  grant(detail: AuthorizationDetail, choice: DetailChoice): AuthorizationDetail | undefined;
  /**
   * What is asked for of something granted, with what the question leaves open filled in; undefined
   * where it asks for more (RFC 9396 §6.1).
   */
  narrow(granted: AuthorizationDetail, asked: AuthorizationDetail): AuthorizationDetail | undefined;
  access(detail: AuthorizationDetail): AccountAccess | undefined;
  /** Whether nobody may allow it with a password alone. */
  readonly needsStrongAuthentication: boolean;
  /** Seconds that it lasts at the most, where that is less than consents do. */
  readonly longestLife: number | undefined;
}

interface Definition<Detail extends AuthorizationDetail> {
  readonly schema: z.ZodType<Detail>;
  /** Rules of time. */
  findFault?(detail: Detail, now: number): string | undefined;
  describe(detail: Detail): DetailDescription;
  grant(detail: Detail, choice: DetailChoice): Detail | undefined;
  narrow(granted: Detail, asked: Detail): Detail | undefined;
  access?(detail: Detail): AccountAccess;
  readonly needsStrongAuthentication?: boolean;
  readonly longestLife?: number;
}

/** A type whose functions read what they are given by its schema first. */
export function defineDetailType<Detail extends AuthorizationDetail>(
  definition: Definition<Detail>,
): DetailType {
  const { schema, needsStrongAuthentication = false, longestLife } = definition;
  const read = (detail: AuthorizationDetail) => schema.parse(detail);
  return {
    needsStrongAuthentication,
    longestLife,
    findFault(detail, now) {
      const read = schema.safeParse(detail);
      if (!read.success) return describeIssue(read.error.issues[0]);
      return definition.findFault?.(read.data, now);
    },
    describe: (detail) => definition.describe(read(detail)),
    grant: (detail, choice) => definition.grant(read(detail), choice),
    narrow: (granted, asked) => definition.narrow(read(granted), read(asked)),
    access: (detail) => definition.access?.(read(detail)),
  };
}

/** Which member, and what is wrong; never what was sent. */
function describeIssue(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === 'unrecognized_keys') {
    return `${issue.path.join('.') || 'the detail'} has a member that its type does not know`;
  }
  return `${issue?.path.join('.') || 'the detail'} is missing or not what its type allows`;
}
