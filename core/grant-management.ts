import { z } from 'zod';
import type { AuthorizationDetail } from './authorization-details/detail-type.js';

/** What an authorization request does with grants (Grant Management for OAuth 2.0, §5.2). */
export const grantActions = ['create', 'merge', 'replace'] as const;

/** The wish of a valid request. */
export type GrantWish =
  | { readonly action: 'create' }
  | { readonly action: 'merge' | 'replace'; readonly grantId: string };

const wishSchema = z.union([
  z.object({ grant_management_action: z.literal('create'), grant_id: z.undefined().optional() }),
  z.object({
    grant_management_action: z.enum(['merge', 'replace']),
    grant_id: z.string().min(1).max(128),
  }),
]);

type Parameters = Readonly<Record<string, unknown>>;

/** What a request wishes; undefined where it says nothing of grants. */
export function readGrantWish(params: Parameters): GrantWish | undefined {
  const { data } = wishSchema.safeParse(params);
  if (!data) return undefined;
  return data.grant_management_action === 'create'
    ? { action: 'create' }
    : { action: data.grant_management_action, grantId: data.grant_id };
}

/** What is wrong with the two parameters (§5.4, `invalid_request`); undefined where nothing is. */
export function findWishFault(params: Parameters): string | undefined {
  const { grant_id: id, grant_management_action: action } = params;
  if (id === undefined && action === undefined) return undefined;
  if (action === undefined) return 'grant_id needs a grant_management_action';
  if (!grantActions.some((known) => known === action)) {
    return `grant_management_action must be one of ${grantActions.join(', ')}`;
  }
  if (action === 'create' && id !== undefined) return 'a new grant has no grant_id yet';
  return readGrantWish(params) ? undefined : `${action} needs the grant_id of a grant`;
}

/** What a grant holds, as its client may know it (§6.4). */
export interface GrantContents {
  /** Of OpenID Connect, and of each resource. */
  readonly scopes: readonly { readonly scope: string; readonly resource?: readonly string[] }[];
  readonly claims: readonly string[];
  readonly authorizationDetails: readonly AuthorizationDetail[];
}

/** Reads grants. Implemented in `provider/`. */
export interface GrantReader {
  /** Undefined where there is none, or none any more. */
  read(grantId: string): Promise<GrantContents | undefined>;
}
