/**
 * The only file that reaches inside `oidc-provider` (pinned with `~`): what it uses is not covered by
 * the library's semantic versioning, and is looked at again with each update.
 */
import type { IncomingMessage } from 'node:http';
import type { JWK } from 'jose';
import {
  type AccessToken,
  type Client,
  type ExternalSigningKey,
  errors,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider';
import * as authorizationCode from 'oidc-provider/lib/actions/grants/authorization_code.js';
import * as ciba from 'oidc-provider/lib/actions/grants/ciba.js';
import * as clientCredentials from 'oidc-provider/lib/actions/grants/client_credentials.js';
import * as grantHelpers from 'oidc-provider/lib/helpers/grants.js';
import initializeKeyStore from 'oidc-provider/lib/helpers/initialize_keystore.js';
import * as jwt from 'oidc-provider/lib/helpers/jwt.js';
import { isOwnerServed } from './token-owner.js';

const builtInGrants = {
  authorization_code: authorizationCode,
  ciba,
  client_credentials: clientCredentials,
};

/** A grant as the library does it, to be wrapped by our own of the same name. */
export interface BuiltInGrant {
  readonly parameters: ReadonlySet<string>;
  readonly handle: (ctx: KoaContextWithOIDC) => Promise<void>;
}

/** The library's own handler of a grant type, bound to this provider as its router binds it. */
export function builtInGrant(provider: Provider, name: keyof typeof builtInGrants): BuiltInGrant {
  const bound: Record<string, unknown> = {};
  for (const [helper, run] of Object.entries(grantHelpers)) {
    bound[helper] = (...args: unknown[]) => Reflect.apply(run, undefined, [provider, ...args]);
  }
  const { handler, parameters } = builtInGrants[name];
  return { parameters, handle: (ctx) => handler(provider, bound, ctx) };
}

/**
 * Verifies a JWS with a client's own keys, which the library fetches from its `jwks_uri` and fetches
 * again when they are stale. Which algorithms are allowed is for the caller to have checked.
 * @returns its claims, whose `iss` is the client, and whose `aud` and times hold.
 * @throws Error where it does not verify.
 */
export async function verifyWithClientKeys(
  client: Client,
  token: string,
  expected: { readonly audience: string; readonly clockTolerance: number },
): Promise<Readonly<Record<string, unknown>>> {
  const keys: unknown = Reflect.get(client, 'asymmetricKeyStore');
  const { payload } = await jwt.verify(token, keys, { ...expected, issuer: client.clientId });
  return payload;
}

/**
 * Has a running provider sign with other keys, verify with them and publish them: what its constructor
 * does with `jwks`, once more. Every use of a key reads the present set, so nothing has to stop.
 * @param keys in order of preference; of each algorithm the first one signs.
 */
export function replaceKeys(provider: Provider, keys: readonly (ExternalSigningKey | JWK)[]): void {
  initializeKeyStore.call(provider, { keys: [...keys] });
}

/** Which member of a client says what it is signed with. */
const algorithmMembers = {
  idtoken: 'idTokenSignedResponseAlg',
  logout: 'idTokenSignedResponseAlg',
  userinfo: 'userinfoSignedResponseAlg',
  introspection: 'introspectionSignedResponseAlg',
  authorization: 'authorizationSignedResponseAlg',
} as const;

/**
 * Runs `prepare` before the library chooses a key of its own: to sign ID tokens, JARM and introspection
 * answers, logout tokens and JWT access tokens, or to verify an `id_token_hint`.
 * @param prepare is given the algorithm that something is to be signed with, where one is known.
 */
export function beforeKeyUse(
  provider: Provider,
  prepare: (algorithm: string | undefined) => Promise<void>,
): void {
  const { IdToken, AccessToken, ClientCredentials } = provider;
  const { issue } = IdToken.prototype;
  IdToken.prototype.issue = async function issuePrepared(context) {
    await prepare(this.client[algorithmMembers[context.use]]);
    return issue.call(this, context);
  };
  const { validate } = IdToken;
  IdToken.validate = async function validatePrepared(token, client) {
    await prepare(undefined);
    return validate.call(IdToken, token, client);
  };
  for (const { prototype } of [AccessToken, ClientCredentials]) {
    const { save } = prototype;
    prototype.save = async function savePrepared(...ttl) {
      if (this.resourceServer?.accessTokenFormat === 'jwt') {
        const { sign } = this.resourceServer.jwt ?? {};
        await prepare(sign ? sign.alg : undefined);
      }
      return save.apply(this, ttl);
    };
  }
}

/**
 * Makes UserInfo a part of our own API: the library takes tokens there that are for no resource at all,
 * and keeps the request of single claims only with them.
 * @param resource what tokens for our own API are for.
 */
export function serveUserInfoWith(provider: Provider, resource: string): void {
  const { AccessToken } = provider;
  const { save } = AccessToken.prototype;
  AccessToken.prototype.save = async function saveWithClaims(...ttl) {
    const { AuthorizationCode, RefreshToken, BackchannelAuthenticationRequest } =
      Provider.ctx?.oidc.entities ?? {};
    const source = AuthorizationCode ?? RefreshToken ?? BackchannelAuthenticationRequest;
    if (this.aud === resource && source?.claims) this.claims = source.claims;
    return save.apply(this, ttl);
  };
  const { find } = AccessToken;
  Object.defineProperty(AccessToken, 'find', {
    value: async (...args: unknown[]) => {
      const token: AccessToken | undefined = await Reflect.apply(find, AccessToken, args);
      if (!token || Provider.ctx?.oidc.route !== 'userinfo') return token;
      if (!(await isOwnerServed(provider, token))) return undefined;
      if (token.aud === resource) delete token.aud;
      return token;
    },
  });
}

/** The library's own limit for bodies. */
export const bodyLimit = 56 * 1024;

/**
 * Lets the library read another body than the one that was sent, which has been read already. It
 * reads a request through `readable` and `iterator()` alone, and checks the length it was told.
 */
export function replaceBody(request: IncomingMessage, body: Buffer): void {
  request.headers['content-length'] = String(body.length);
  Object.defineProperties(request, {
    readable: { value: true, configurable: true },
    iterator: { value: () => chunks(body), configurable: true },
  });
}

async function* chunks(body: Buffer) {
  yield body;
}

/**
 * Changes the query of a mounted request. The library finds its mount path by comparing `url` with
 * `originalUrl`, so both have to change together.
 */
export function rewriteQuery(
  request: IncomingMessage,
  change: (query: URLSearchParams) => void,
): void {
  const { url = '' } = request;
  const original = 'originalUrl' in request ? String(request.originalUrl) : url;
  const [, query = ''] = url.split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  change(parameters);
  const rewrite = (before: string) => `${before.split('?', 1)[0]}?${parameters}`;
  request.url = rewrite(url);
  Object.assign(request, { originalUrl: rewrite(original) });
}

/** Sends a mounted request to another endpoint of the library; see {@link rewriteQuery}. */
export function rewritePath(request: IncomingMessage, from: string, to: string): void {
  const { url = '' } = request;
  const original = 'originalUrl' in request ? String(request.originalUrl) : url;
  request.url = url.replace(from, to);
  Object.assign(request, { originalUrl: original.replace(from, to) });
}

/** Makes every look-up of a client by the library go through `find`. */
export function interceptClients(
  provider: Provider,
  find: (id: string, load: () => Promise<Client | undefined>) => Promise<Client | undefined>,
): void {
  const load = provider.Client.find.bind(provider.Client);
  Object.defineProperty(provider.Client, 'find', {
    value: (id: unknown) =>
      typeof id === 'string' && id.length > 0 ? find(id, () => load(id)) : undefined,
  });
}

/**
 * Relaxation for `identity-service` clients: developers of the hosted service redirect to
 * `http://localhost` also with `code id_token`, which the library refuses to web clients. Which
 * redirects a profile allows is decided in `profiles/assert-client-metadata.ts`.
 */
export function allowLocalRedirects(provider: Provider): void {
  const { prototype } = schemaOf(provider);
  const { invalidate } = prototype;
  prototype.invalidate = function invalidateUnlessLocal(message, code) {
    const local = code === 'implicit-force-https' || code === 'implicit-forbid-localhost';
    if (!(local && this.profile === 'identity-service')) invalidate.call(this, message, code);
  };
}

/**
 * Has a client's secret compared with more than the one that the library knows.
 * @param isPrevious asked only where it is not the present one.
 */
export function acceptPreviousSecrets(
  provider: Provider,
  isPrevious: (clientId: string, secret: string) => Promise<boolean>,
): void {
  const { prototype } = provider.Client;
  const { compareClientSecret } = prototype;
  prototype.compareClientSecret = async function compareSecrets(secret) {
    return (
      (await compareClientSecret.call(this, secret)) || (await isPrevious(this.clientId, secret))
    );
  };
}

/**
 * Reads client metadata as the library would, and goes on where it would stop at the first rule that is
 * broken.
 * @returns the metadata with the library's defaults, and the errors of all rules; what went wrong after
 * the first because of it is left out.
 */
export function readMetadata(
  provider: Provider,
  metadata: object,
): { readonly effective: Readonly<Record<string, unknown>>; readonly faults: readonly Error[] } {
  const faults: Error[] = [];

  function attempt(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof errors.InvalidClientMetadata)) throw error;
      faults.push(error);
    }
  }

  class LenientSchema extends schemaOf(provider) {
    override invalidate(message: string, code?: string): void {
      attempt(() => super.invalidate(message, code));
    }

    override processCustomMetadata(ctx: unknown): void {
      attempt(() => super.processCustomMetadata(ctx));
    }
  }

  try {
    return { effective: { ...new LenientSchema(metadata) }, faults };
  } catch (error) {
    // The library's later rules rely on those before them.
    if (faults.length === 0) throw error;
    return { effective: {}, faults };
  }
}

function schemaOf(provider: Provider): SchemaClass {
  return (provider.Client as unknown as { Schema: SchemaClass }).Schema;
}

/** The library's documented seam for relaxing its client schema; it has no types. */
interface SchemaClass {
  new (metadata: object): MetadataSchema;
  readonly prototype: MetadataSchema;
}

interface MetadataSchema {
  profile?: unknown;
  invalidate(message: string, code?: string): void;
  processCustomMetadata(ctx: unknown): void;
}
