import type { Account, Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Configuration as Settings } from '../../config/schema.js';
import { authenticationContexts } from '../../core/bank-authentication.js';
import { consents } from '../../core/consent.js';
import { personScopes } from '../../core/person-claims.js';
import { readIntentId } from '../../core/read-intent-id.js';
import type { Storage } from '../../core/storage.js';
import { readSyncId } from '../../core/sync-claim.js';
import { profileOf, remembersPeople } from '../profiles/profiles.js';
import type { SignOn } from '../sign-on/sign-on.js';

/** What is read from storage; the library drops what was not requested, so it need not be read. */
const storedClaims = ['mh:con_id', 'mh:sync'];

interface ClaimsDeps {
  readonly role: Settings['role'];
  readonly storage: Storage;
  /** Where people sign in to applications, which are told who they are. */
  readonly signOn: Pick<SignOn, 'describe'> | undefined;
  /** Whether clients have intents. */
  readonly readsAccounts: boolean;
  /** What clients of an ecosystem may be told claim by claim, and who tells it. */
  readonly claims: ReadonlySet<string>;
  readonly contextNames: readonly string[];
  readonly describe: SignOn['describe'] | undefined;
}

/** The claims a client may ask for in the `claims` parameter, and how they are issued. */
export function claimsConfiguration(deps: ClaimsDeps) {
  const { role, storage, signOn, readsAccounts, claims, contextNames, describe } = deps;
  /** What the person agreed to with this Grant; the library drops what they did not. */
  async function tell({ oidc }: KoaContextWithOIDC, subject: string, grantId: string) {
    const isTold = oidc.client !== undefined && profileOf(oidc.client).claims.length > 0;
    // One visit, one Grant: its id is that of the transaction (`txn`).
    return isTold ? { ...(await describe?.(subject)), txn: grantId } : {};
  }

  return {
    claims: {
      openid: ['sub'],
      ...Object.fromEntries(Array.from(claims, (claim) => [claim, null])),
      ...(signOn && mutableScopes()),
      // Requested one by one in the claims parameter. What is only asked for and not issued, as
      // `mh:consent`, is none of them.
      ...(role === 'bank'
        ? readsAccounts && { openbanking_intent_id: null }
        : { 'mh:con_id': null, 'mh:sync': null }),
      // Where nobody is remembered there is no session to name; the library would offer it anyway, and
      // takes it for a scope now: `middleware/announce-what-is.ts`.
      sid: role === 'bank' && !signOn ? [] : null,
      auth_time: null,
      iss: null,
    },
    // Only a bank authenticates people itself.
    acrValues: role === 'bank' ? [...authenticationContexts, ...contextNames] : [],

    /**
     * Every person the library asks about was put there by our own interaction, so the account is
     * known to exist; the claims are read only where an ID token is made of them.
     */
    async findAccount(ctx, subject): Promise<Account> {
      return {
        accountId: subject,
        async claims(use, _scope, requested = {}) {
          if (signOn && remembersPeople(ctx.oidc.client)) {
            return { ...(await signOn.describe(subject)), sub: subject };
          }
          const grantId = ctx.oidc.entities.Grant?.jti;
          if (!grantId) return { sub: subject };
          // In the front channel the signature binds the answer to it (UK Open Banking).
          if (role === 'bank') {
            const told = await tell(ctx, subject, grantId);
            return { ...told, sub: subject, openbanking_intent_id: grantId };
          }
          if (use !== 'id_token') return { sub: subject };
          if (!tellsIdentity(ctx)) return { sub: subject };
          if (!storedClaims.some((claim) => claim in requested)) return { sub: subject };
          const consent = await storage.get(consents, grantId);
          if (!consent) return { sub: subject };
          const { connectionId } = consent.value;
          const wantsSync = 'mh:sync' in requested;
          const syncId = wantsSync ? await readSyncId(storage, connectionId) : undefined;
          return { sub: subject, 'mh:con_id': connectionId, 'mh:sync': syncId };
        },
      };
    },
  } satisfies Partial<Configuration>;
}

/** Each scope with its claims, as lists of its own: the library takes no others. */
function mutableScopes(): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(personScopes).map(([scope, claims]) => [scope, [...claims]]),
  );
}

/**
 * In the hybrid flow the ID token of the front channel is a detached signature, without personal data;
 * in the implicit flow there is no other.
 */
function tellsIdentity({ oidc }: KoaContextWithOIDC): boolean {
  return oidc.route === 'token' || oidc.params?.response_type === 'id_token';
}

/** `claims` whose `id_token` members are not objects would break every later reader of them. */
export function assertClaimsParameter(_ctx: KoaContextWithOIDC, claims: unknown): void {
  if (!isRecord(claims) || claims.id_token === undefined) return;
  if (!isRecord(claims.id_token)) return;
  for (const [name, request] of Object.entries(claims.id_token)) {
    if (request !== null && !isRecord(request)) {
      throw new errors.InvalidRequest(
        `claims.id_token member ${JSON.stringify(name).slice(0, 60)} must be null or an object`,
      );
    }
  }
}

/** Which intent can be authorised shows when the person has come: `interactions/bank/asked.ts`. */
export function assertIntentId(claims: unknown): void {
  if (readIntentId(claims) !== '') return;
  throw new errors.InvalidRequest('openbanking_intent_id does not name a consent, by its value');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
