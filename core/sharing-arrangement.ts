import { z } from 'zod';
import { parseJson } from './parse-json.js';
import type { PermissionCode } from './permissions.js';

/**
 * The scopes of Australia's Consumer Data Right, as far as this bank has such data, with what each opens
 * in the words of an intent (Consumer Data Standards, Authorisation Scopes).
 */
const permissionsByScope: Readonly<Record<string, readonly PermissionCode[]>> = {
  'bank:accounts.basic:read': ['ReadAccountsBasic'],
};

/** See {@link permissionsByScope}. */
export const consumerDataScopes: readonly string[] = Object.keys(permissionsByScope);

/** Seconds: 365 days of 24 hours. */
const longestSharing = 31_536_000;

/** For how long accounts are to be shared, and which arrangement is changed by that. */
export interface ArrangementRequest {
  /** Seconds; 0: once. */
  readonly sharingDuration: number;
  readonly arrangementId: string | undefined;
}

const requestSchema = z
  .object({
    sharing_duration: z.number().min(0).default(0),
    cdr_arrangement_id: z.string().min(1).max(128).optional(),
  })
  .transform(
    ({ sharing_duration: seconds, cdr_arrangement_id: arrangementId }): ArrangementRequest => ({
      sharingDuration: Math.floor(Math.min(seconds, longestSharing)),
      arrangementId,
    }),
  );

/**
 * `sharing_duration` and `cdr_arrangement_id` in the `claims` of a request (Consumer Data Standards,
 * Request Object): more than a year is a year, none at all is once.
 * @returns undefined where they cannot be understood.
 */
export function readArrangementRequest(claims: unknown): ArrangementRequest | undefined {
  return requestSchema.safeParse(parseJson(claims) ?? {}).data;
}

/** What scopes of the Consumer Data Right ask to see; empty where there is none among them. */
export function permissionsOfScopes(scopes: readonly string[]): readonly PermissionCode[] {
  return [...new Set(scopes.flatMap((scope) => permissionsByScope[scope] ?? []))];
}
