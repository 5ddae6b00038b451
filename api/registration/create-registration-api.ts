import Router from '@koa/router';
import type { Context } from 'koa';
import { spendAttempt } from '../../core/attempts.js';
import { metadataMembers } from '../../core/client-metadata.js';
import type { ClientRules } from '../../core/client-rules.js';
import type { ClientRecord } from '../../core/clients.js';
import type { Explanations } from '../../core/explanation.js';
import { isSameSecret } from '../../core/is-same-secret.js';
import type { Logger } from '../../core/logger.js';
import type {
  ClientRegistration,
  ManagedClient,
  Registered,
} from '../../core/registration/client-registration.js';
import { RegistrationRefused } from '../../core/registration/registration-refused.js';
import { persistent } from '../../core/retry-conflict.js';
import { networkOf } from '../../http/network-of.js';
import { noStore } from '../../http/security-headers.js';
import { type AllowanceDeps, createRegistrationGate } from './allow-registration.js';
import { answerRegistrationErrors } from './answer-registration-errors.js';
import { readRegistrationRequest } from './read-registration-request.js';

export interface RegistrationApiDeps extends AllowanceDeps {
  readonly clients: ClientRegistration;
  readonly rules: ClientRules;
  readonly logger: Logger;
  readonly explanations: Pick<Explanations, 'record'>;
  /** The public origin, and that of the mTLS listener. */
  readonly origins: readonly [string, string];
  /** Whose token of the client credentials grant a request shows; undefined where it shows none. */
  readonly readOwnToken: (ctx: Context) => Promise<string | undefined>;
}

const path = '/oidc/reg';

/** RFC 7592 §2.2: what an update must not contain. */
const notUpdated = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
];

/** Clients register and manage themselves at `/oidc/reg` (RFC 7591, RFC 7592; UK Open Banking DCR v3.2). */
export function createRegistrationApi(deps: RegistrationApiDeps): Router {
  const { clients, registration, rules } = deps;
  const gate = createRegistrationGate(deps);
  const router = new Router({ strict: true, sensitive: true });
  const own = `${path}/:clientId`;

  /** @throws {RegistrationRefused} where one who is counted has asked too often. */
  async function spend(whose: string): Promise<void> {
    const limit = { key: `registration:${whose}`, most: registration.attempts };
    // Many at once are no attack here, where nothing short is guessed.
    if (!(await spendAttempt(deps, [limit], persistent))) {
      const message = 'Too many requests for registrations; please try again later';
      throw new RegistrationRefused('invalid_request', message, { status: 429 });
    }
  }

  const spendOfNetwork = (ctx: Context) => spend(networkOf(ctx.req.socket.remoteAddress ?? ''));

  async function prove(ctx: Context, clientId: string): Promise<ManagedClient> {
    if ((await deps.readOwnToken(ctx)) === clientId) {
      const client = await clients.find(clientId);
      if (gate.takesOwnTokens(client)) return client;
    }
    const token = bearerOf(ctx);
    if (token !== undefined) return clients.authenticate(clientId, token);
    throw new RegistrationRefused('invalid_token', 'This needs a registration access token');
  }

  async function authenticate(ctx: Context, clientId: string): Promise<ManagedClient> {
    try {
      const client = await prove(ctx, clientId);
      gate.assertIdentity(client, ctx.req);
      ctx.state.clientId = clientId;
      await spend(`client ${clientId}`);
      return client;
    } catch (error) {
      // Not before the proof: strangers in its network would lock a client out that has one.
      const isStranger = ctx.state.clientId === undefined && error instanceof RegistrationRefused;
      if (isStranger) await spendOfNetwork(ctx);
      throw error;
    }
  }

  function describe(ctx: Context, { client, token, ignored }: Registered) {
    const [publicUrl, mtlsUrl] = deps.origins;
    const origin = ctx.host === new URL(mtlsUrl).host ? mtlsUrl : publicUrl;
    const effective = { ...rules.effective(client), ...client };
    return {
      client_id: client.client_id,
      client_id_issued_at: client.client_id_issued_at,
      ...(client.client_secret !== undefined && {
        client_secret: client.client_secret,
        client_secret_expires_at: 0,
      }),
      ...Object.fromEntries(
        metadataMembers.flatMap((member) => {
          const value = Object.entries(effective).find(([name]) => name === member)?.[1];
          return value === undefined || value === null ? [] : [[member, value]];
        }),
      ),
      ...(token !== undefined && { registration_access_token: token }),
      registration_client_uri: `${origin}${path}/${client.client_id}`,
      ...(ignored.length > 0 && { ignored_members: ignored }),
    };
  }

  router.use(path, noStore, answerRegistrationErrors(deps));
  router.post(path, async (ctx) => {
    await spendOfNetwork(ctx);
    const request = await readRegistrationRequest(ctx);
    const from = { incoming: ctx.req, bearer: bearerOf(ctx) };
    const { members, allow } = await gate.admit(request, from);
    ctx.body = describe(ctx, await clients.register(members, allow));
    ctx.status = 201;
  });
  router.get(own, async (ctx) => {
    const { stored, token } = await authenticate(ctx, ctx.params.clientId ?? '');
    ctx.body = describe(ctx, { client: stored.value, token, ignored: [] });
  });
  router.put(own, async (ctx) => {
    const client = await authenticate(ctx, ctx.params.clientId ?? '');
    const request = await readRegistrationRequest(ctx);
    const { members, allow } = await gate.admitUpdate(request, client, ctx.req);
    const changed = readUpdate(members, client);
    ctx.body = describe(ctx, await clients.update(client, changed, await allow()));
  });
  router.delete(own, async (ctx) => {
    await clients.remove(await authenticate(ctx, ctx.params.clientId ?? ''));
    ctx.status = 204;
  });
  router.all(path, (ctx) => refuseMethod(ctx, 'POST'));
  router.all(own, (ctx) => refuseMethod(ctx, 'GET, PUT, DELETE'));
  return router;
}

/** RFC 7592 §2.2: the client names itself and, where it has one, its own secret; neither can change. */
function readUpdate(
  { client_id: clientId, client_secret: secret, ...members }: Readonly<Record<string, unknown>>,
  { stored: { id, value } }: ManagedClient,
): Readonly<Record<string, unknown>> {
  const hit = notUpdated.find((member) => members[member] !== undefined);
  const fault = hit
    ? `must not contain ${hit}`
    : clientId !== id
      ? 'must contain the client_id of this client'
      : secret !== undefined && !isOwnSecret(secret, value)
        ? 'must contain no other client_secret than its own'
        : undefined;
  if (fault) throw new RegistrationRefused('invalid_request', `The update ${fault}`);
  return members;
}

function isOwnSecret(secret: unknown, { client_secret: own = '' }: ClientRecord): boolean {
  return typeof secret === 'string' && isSameSecret(secret, own);
}

function bearerOf(ctx: Context): string | undefined {
  return /^Bearer +([\w.~+/-]+=*)$/i.exec(ctx.get('authorization'))?.[1];
}

function refuseMethod(ctx: Context, allowed: string): void {
  ctx.set('allow', allowed);
  ctx.status = 405;
  ctx.body = { error: 'invalid_request', error_description: `Only ${allowed} can be called here` };
}
