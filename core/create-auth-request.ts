import { randomBytes } from 'node:crypto';
import {
  type AuthRequest,
  authRequests,
  authRequestsKept,
  endAuthRequest,
} from './auth-request.js';
import { type ClientMetadata, clients } from './clients.js';
import type { Clock } from './clock.js';
import { connections } from './connection.js';
import { type RequestedTerms, toConnectionRequest } from './connection-request.js';
import type { InstitutionDirectory, InstitutionKind } from './institution.js';
import { schedule } from './job.js';
import { planConnection } from './new-connection.js';
import { orderedUuid } from './ordered-uuid.js';
import { loadOwnConnection } from './own-connection.js';
import { loadOwnUser } from './own-user.js';
import { findRenewal, planRenewal, type RenewalPolicy } from './plan-renewal.js';
import { Refusal } from './refusal.js';
import { assertAuthorizationScopes, visitScopeOf } from './scopes.js';
import { insert, type Storage, type Write } from './storage.js';
import { type VisitPlan, visitIndex } from './visit.js';
import type { BankVisits } from './visit-bank.js';

/** What a client asks for. */
export interface AuthRequestWish {
  readonly scope: string;
  /** 24 hexadecimal characters; absent for one-time access. */
  readonly userId?: string | undefined;
  readonly connectionId?: string | undefined;
  /** The client's first one where it names none. */
  readonly redirectUri?: string | undefined;
  readonly terms: RequestedTerms;
  /** Whether completing it waits for no data. */
  readonly isAsync: boolean;
}

/** Makes an auth request; `remember` gives more writes for its commit. */
export type CreateAuthRequest = (
  clientId: string,
  wish: AuthRequestWish,
  remember?: (created: AuthRequest) => readonly Write[],
) => Promise<AuthRequest>;

export interface CreateAuthRequestDeps {
  readonly storage: Storage;
  readonly directory: InstitutionDirectory;
  readonly clock: Clock;
  readonly visits: BankVisits;
  readonly policy: Omit<RenewalPolicy, 'now'>;
  /** How long the person and the client may take (seconds). */
  readonly lasts: number;
}

/**
 * See {@link CreateAuthRequest}; it throws {Refusal} `forbidden` for a client without its own consent
 * screens, `not_found` for a user or connection that is not its own, `invalid_*` for what cannot be
 * asked, and {InstitutionError} where the bank cannot be reached; nothing is left at the bank then.
 */
export function createAuthRequestCreation(deps: CreateAuthRequestDeps): CreateAuthRequest {
  const { storage, directory, clock, visits, lasts } = deps;
  const policy = () => ({ ...deps.policy, now: clock.now() });

  async function planNew(id: string, clientId: string, wish: Wish) {
    const { userId, connectionId } = wish;
    if (connectionId !== undefined) {
      throw new Refusal('invalid_request', 'connectionId is for the scopes reauth and refresh');
    }
    if (userId !== undefined) await loadOwnUser(storage, clientId, userId);
    const named = { subject: userId, connectionId };
    const request = toConnectionRequest(wish.scopes, named, wish.terms, policy());
    if (request.purpose !== 'connect' || !('id' in request.institution)) {
      throw new Refusal('invalid_scope', 'scope must name one bank by id:<bank>');
    }
    const institution = directory.find(request.institution.id);
    if (!institution) {
      throw new Refusal('invalid_scope', 'id:<bank> does not name a bank of this service');
    }
    assertOwnPage(institution.kind);
    const { plan, write } = planConnection(
      request,
      institution,
      { clientId, authRequestId: id },
      clock.now(),
    );
    return { plan, writes: [write] };
  }

  async function planRenewed(id: string, clientId: string, wish: Wish) {
    const { connectionId } = wish;
    if (connectionId === undefined) {
      throw new Refusal('invalid_request', 'reauth and refresh need a connectionId');
    }
    const named = await storage.get(connections, connectionId);
    const userId = wish.userId ?? named?.value.userId ?? '';
    const held = await loadOwnConnection(storage, clientId, userId, connectionId);
    const subject = { subject: userId, connectionId };
    const request = toConnectionRequest(wish.scopes, subject, wish.terms, policy());
    if (request.purpose !== 'reauth' && request.purpose !== 'refresh') {
      throw new Refusal('invalid_scope', 'reconsent visits no bank: PATCH the connection');
    }
    const renewal = await findRenewal(deps, clientId, request, policy());
    assertOwnPage(held.connection.value.kind);
    return { plan: planRenewal(renewal, request.purpose, id), writes: [] };
  }

  async function depart(plan: VisitPlan) {
    const { visit, redirectTo } = await visits.start(plan);
    if (redirectTo !== undefined) return { visit, authUrl: redirectTo };
    await visits.withdraw(visit);
    throw legacyBank();
  }

  return async function createAuthRequest(clientId, asked, remember = () => []) {
    const client = (await storage.get(clients, clientId))?.value;
    if (client?.own_consent_screens !== true) {
      const message = 'Only clients with their own consent screens make auth requests';
      throw new Refusal('forbidden', message);
    }
    const wish = { ...asked, scopes: readScopes(asked.scope, client) };
    const redirectUri = chooseRedirectUri(asked.redirectUri, client);
    const now = clock.now();
    const id = orderedUuid(new Date(now), randomBytes(10));
    const isRenewal = visitScopeOf(wish.scopes) !== undefined;
    const { plan, writes } = await (isRenewal ? planRenewed : planNew)(id, clientId, wish);
    const { visit, authUrl } = await depart(plan);
    const expiresAt = new Date(now + lasts * 1000);
    const authRequest: AuthRequest = {
      id,
      clientId,
      userId: asked.userId,
      bankId: plan.institutionId,
      connectionId: asked.connectionId,
      scope: asked.scope,
      redirectUri,
      isAsync: asked.isAsync,
      createdAt: new Date(now).toISOString(),
      expiresAt: expiresAt.toISOString(),
      status: 'pending',
      stateIndex: visitIndex(visit.state),
      authUrl,
      visit,
    };
    try {
      await storage.commit([
        ...remember(authRequest),
        insert(authRequests, id, authRequest, new Date(now + authRequestsKept)),
        ...writes,
        schedule(endAuthRequest, id, expiresAt, null),
      ]);
    } catch (error) {
      await visits.withdraw(visit);
      throw error;
    }
    return authRequest;
  };
}

type Wish = AuthRequestWish & { readonly scopes: readonly string[] };

function readScopes(scope: string, client: ClientMetadata): readonly string[] {
  const scopes = scope.split(' ').filter(Boolean);
  assertAuthorizationScopes(scopes, client.scope);
  return scopes;
}

function chooseRedirectUri(asked: string | undefined, { redirect_uris = [] }: ClientMetadata) {
  const chosen =
    asked === undefined ? redirect_uris[0] : redirect_uris.find((uri) => uri === asked);
  if (chosen !== undefined) return chosen;
  throw new Refusal('invalid_request', 'redirectUri is not registered for this client');
}

function assertOwnPage(kind: InstitutionKind): void {
  if (kind === 'legacy') throw legacyBank();
}

/** A legacy bank has no page to send the person to: what it asks is asked on ours. */
function legacyBank(): Refusal {
  const message = 'A legacy bank is connected and refreshed through the hosted pages';
  return new Refusal('invalid_request', message);
}
