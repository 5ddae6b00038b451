import { decodeJwt, decodeProtectedHeader } from 'jose';
import {
  type BackchannelAuthenticationRequest,
  type CIBAEnabledConfiguration,
  type Client,
  errors,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import { z } from 'zod';
import { requestUse } from '../../adapters/oidc/replay-proof.js';
import type { UnitOfWork } from '../../adapters/oidc/unit-of-work.js';
import {
  type ApprovalsService,
  type BackchannelError,
  BackchannelRefusal,
} from '../../core/approvals-service.js';
import { readDetails } from '../../core/authorization-details/detail-types.js';
import type { CustomerHint } from '../../core/bank-ledger.js';
import type { Clock } from '../../core/clock.js';
import { pollInterval } from '../../core/poll-pace.js';
import { readIntentId } from '../../core/read-intent-id.js';
import { readWantedContexts } from '../../core/wanted-contexts.js';
import { clockTolerance, isFromFuture } from '../clock-tolerance.js';
import { verifyWithClientKeys } from '../internals.js';
import { assertReadableToken } from '../middleware/assert-readable.js';
import { requestSigningAlgorithms } from '../profiles/profiles.js';

interface BackchannelDeps {
  readonly approvals: ApprovalsService;
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  /** The identifier of our own API, the only one that people are asked about this way. */
  readonly resource: string;
}

/** What fits on any device and can be neither a link nor words in another's name (CIBA Core §7.1). */
const bindingMessages = /^[a-zA-Z0-9-._+/!?#]{1,20}$/;

/** RFC 9493 §3.2. */
const subjectIdentifier = z.discriminatedUnion('format', [
  z.object({ format: z.literal('opaque'), id: z.string().min(1).max(255) }),
  z.object({ format: z.literal('iss_sub'), iss: z.string(), sub: z.string().min(1).max(255) }),
]);

/** Looked for like everybody, so that it takes as long and counts as unknown. */
const nobody: CustomerHint = { id: '' };

/**
 * CIBA Core 1.0 with FAPI-CIBA: whom a client may mean, and what is put to that person. Poll and ping
 * only; what the client has to sign, its profile says.
 */
export function backchannelAuthentication({
  approvals,
  unitOfWork,
  clock,
  resource,
}: BackchannelDeps) {
  async function identify(ctx: KoaContextWithOIDC, hint: CustomerHint): Promise<string> {
    return refusable(() => approvals.identify(clientOf(ctx).clientId, hint));
  }

  async function readHintToken(ctx: KoaContextWithOIDC, token: string): Promise<CustomerHint> {
    const client = clientOf(ctx);
    const { issuer } = ctx.oidc;
    assertReadableToken('login_hint_token', token);
    assertHintHeader(client, token);
    if (isExpired(token, clock)) throw new errors.ExpiredLoginHintToken('it has expired');
    const claims = await verifyWithClientKeys(client, token, {
      audience: issuer,
      clockTolerance,
    }).catch((cause: unknown) => {
      const description = 'the signature, iss, aud or times of the login_hint_token do not hold';
      throw new errors.InvalidRequest(description, 400, { cause });
    });
    const { data } = subjectIdentifier.safeParse(claims.sub_id);
    if (isFromFuture(claims, clock)) {
      throw new errors.InvalidRequest('the login_hint_token is from the future, by its iat');
    }
    if (!data || claims.exp === undefined) {
      throw new errors.InvalidRequest('the login_hint_token needs exp, and sub_id (RFC 9493)');
    }
    if (data.format === 'opaque') return { login: data.id };
    // Somebody else's people are not known here, whatever they are called.
    return data.iss === issuer ? bySubject(client, data.sub) : nobody;
  }

  /** Puts the request to the person, in the commit that answers the client. */
  async function putToPerson(
    ctx: KoaContextWithOIDC,
    request: BackchannelAuthenticationRequest,
    client: Client,
  ): Promise<void> {
    const customerId = String(request.accountId);
    // The other hints were resolved by the bank already.
    if (ctx.oidc.params?.id_token_hint !== undefined) {
      await identify(ctx, bySubject(client, customerId));
    }
    const resources = [request.resource ?? []].flat();
    if (resources.some((named) => named !== resource)) throw new errors.InvalidTarget();
    await useRequestObjectOnce(ctx, client);
    const params = request.params ?? {};
    const { binding_message, client_notification_token, max_age } = params;
    const details = readDetails(params.authorization_details);
    const intentId = readIntentId(request.claims);
    if (details && intentId !== undefined) {
      const description = 'authorization_details and openbanking_intent_id exclude each other';
      throw new errors.InvalidRequest(description);
    }
    const writes = await refusable(() =>
      approvals.ask({
        authReqId: request.jti,
        clientId: client.clientId,
        customerId,
        scopes: (request.scope ?? '').split(' '),
        ...{ intentId, details, contexts: readWantedContexts(params) },
        bindingMessage: optionalText(binding_message),
        notificationToken: optionalText(client_notification_token),
        ...(max_age !== undefined && { maxAge: Number(max_age) }),
        expiresAt: new Date(clock.now() + request.expiration * 1000),
      }),
    );
    await unitOfWork.add(...writes);
    Object.assign(Object(ctx.body), { interval: pollInterval });
  }

  return {
    enabled: true,
    deliveryModes: ['poll', 'ping'],

    processLoginHint: (ctx, hint = '') => identify(ctx, { login: hint }),

    processLoginHintToken: async (ctx, token = '') =>
      identify(ctx, await readHintToken(ctx, token)),

    async verifyUserCode(ctx, account, userCode) {
      if (userCode !== undefined && !clientOf(ctx).backchannelUserCodeParameter) {
        throw new errors.InvalidRequest('this client is not registered to send a user_code');
      }
      await refusable(() => approvals.checkUserCode(account.accountId, userCode));
    },

    validateBindingMessage(_ctx, message) {
      if (message === undefined || bindingMessages.test(message)) return;
      throw new errors.InvalidBindingMessage(
        'the binding_message has to be 1 to 20 letters, digits and -._+/!?#',
      );
    },

    // It may inform fraud systems (FAPI-CIBA §5.3); nothing here reads it.
    validateRequestContext() {},

    triggerAuthenticationDevice: (ctx, request, _account, client) =>
      putToPerson(ctx, request, client),
  } satisfies CIBAEnabledConfiguration;
}

/** A signed request is put to a person once: repeated, it would wear them down (SEC-23). */
async function useRequestObjectOnce({ oidc }: KoaContextWithOIDC, client: Client): Promise<void> {
  const { request } = oidc.body ?? {};
  if (typeof request !== 'string') return;
  // Verified by now.
  const { jti = '', exp = 0 } = decodeJwt(request);
  await oidc.provider.ReplayDetection.unique(
    `${client.clientId}${requestUse}`,
    jti,
    exp + clockTolerance,
  );
}

const statuses: Partial<Record<BackchannelError, number>> = {
  access_denied: 403,
  temporarily_unavailable: 503,
};

/** Runs what `core/` may refuse. @throws the OAuth error of its kind, with the status of CIBA Core §13. */
async function refusable<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BackchannelRefusal)) throw error;
    const refusal = new errors.CustomOIDCProviderError(error.error, error.message);
    const status = statuses[error.error] ?? 400;
    throw Object.assign(refusal, { status, statusCode: status });
  }
}

/** A pairwise subject leads back to no person, and public ones are not for clients that have these. */
function bySubject(client: Client, subject: string): CustomerHint {
  return client.subjectType === 'pairwise' ? nobody : { id: subject };
}

function assertHintHeader(client: Client, token: string): void {
  const { alg } = decodeOr(() => decodeProtectedHeader(token));
  if (alg !== undefined && requestSigningAlgorithms(client).includes(alg)) return;
  throw new errors.InvalidRequest('the login_hint_token is signed with another algorithm');
}

function isExpired(token: string, clock: Clock): boolean {
  const { exp } = decodeOr(() => decodeJwt(token));
  return exp !== undefined && exp + clockTolerance <= clock.now() / 1000;
}

function decodeOr<Result>(decode: () => Result): Result {
  try {
    return decode();
  } catch (cause) {
    throw new errors.InvalidRequest('the login_hint_token is no JWT', 400, { cause });
  }
}

function clientOf({ oidc }: KoaContextWithOIDC): Client {
  if (oidc.client) return oidc.client;
  throw new TypeError('the endpoint has authenticated its client');
}

function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
