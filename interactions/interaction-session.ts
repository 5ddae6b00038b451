import { hash } from 'node:crypto';
import type { Context } from 'koa';
import { errors, type InteractionResults, type Provider } from 'oidc-provider';
import { oidcCollections } from '../adapters/oidc/oidc-collections.js';
import type { UnitOfWork } from '../adapters/oidc/unit-of-work.js';
import type { Party } from '../consent-ui/party.js';
import { type ClientMetadata, findActiveClient } from '../core/clients.js';
import { type Storage, update, type Write } from '../core/storage.js';
import type { DescribeClient } from './describe-client.js';
import { readOwnForm } from './read-own-form.js';
import { type GrantedAccess, type NamedAuthentication, saveGrant } from './save-grant.js';
import { seeOther } from './see-other.js';

/** One authorization request that waits for its person, as opened by their browser. */
export interface InteractionSession {
  /** The interaction's id; also in the path. */
  readonly uid: string;
  /** `/interaction/<uid>`: where all its pages and forms are. */
  readonly path: string;
  /** The parameters of the authorization request, validated by the provider. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Its `scope`, word by word. */
  readonly scopes: readonly string[];
  /** Its `resource`: what the tokens are to be for (RFC 8707). */
  readonly resources: readonly string[];
  readonly client: ClientMetadata;
  /** The client as its person knows it. */
  readonly party: Party;
  /** The value of the hidden form field `csrf`. */
  readonly csrf: string;
  /** When the interaction ends if the person has not finished. */
  readonly expiresAt: Date;
  /** What is left to ask, where people are remembered. */
  readonly prompt: Prompt;
  /** Who is signed in already, where people are remembered. */
  readonly accountId: string | undefined;
  /** What was granted before, where people are remembered. */
  readonly grantId: string | undefined;
}

/** Why the person is here, in the words of the library's policy. */
export interface Prompt {
  readonly name: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface InteractionSessions {
  /**
   * The interaction of this browser: its cookie is scoped to the path, so another browser has none.
   * @throws {errors.SessionNotFound} where it is unknown, expired, or another browser's.
   * @throws {InteractionAnswered} where it has its result already.
   */
  open(ctx: Context): Promise<InteractionSession>;
  /**
   * The fields of a form posted by a page of this interaction, as {@link readOwnForm}.
   * @throws {Refusal} `forbidden` where it was not.
   */
  readForm(
    ctx: Context,
    session: InteractionSession,
    repeatable?: readonly string[],
  ): Promise<Record<string, string>>;
  /**
   * Ends with a code: saves the Grant, the result and `writes` in one commit, and redirects.
   * @throws {StorageConflict} of `writes`; nothing is granted then.
   * @throws {InteractionAnswered} where another visit with the same pushed request came first: nothing is
   *   granted, and the client is told.
   */
  finish(
    ctx: Context,
    session: InteractionSession,
    access: GrantedAccess,
    writes: readonly Write[],
  ): Promise<void>;
  /**
   * Gives a part of what is asked for, and the library asks for what is left; `writes` as above.
   * @param before writes the Grant.
   */
  goOn(
    ctx: Context,
    session: InteractionSession,
    part: InteractionResults,
    writes: readonly Write[],
    before?: () => Promise<void>,
  ): Promise<void>;
  /** Ends with an error to the client, with its `state` and our `iss`; `writes` as above. */
  abort(ctx: Context, error: string, description: string, writes?: readonly Write[]): Promise<void>;
}

/** The interaction is over but for the redirect that returns its result to the client. */
export class InteractionAnswered extends Error {
  override readonly name = 'InteractionAnswered';
  readonly returnTo: string;

  constructor(returnTo: string) {
    super('the interaction was already answered');
    this.returnTo = returnTo;
  }
}

interface SessionDeps {
  readonly provider: Provider;
  readonly storage: Storage;
  readonly unitOfWork: UnitOfWork;
  readonly describeClient: DescribeClient;
  /** The identifier of our API in grants. */
  readonly resource: string;
}

/** The interactions of one provider, as the steps of either role use them. */
export function createInteractionSessions(deps: SessionDeps): InteractionSessions {
  const { provider, storage, unitOfWork, describeClient, resource } = deps;
  const { origin } = new URL(resource);

  async function end(
    ctx: Context,
    result: InteractionResults,
    writes: readonly Write[],
    { before, isPart = false }: { before?: () => Promise<void>; isPart?: boolean } = {},
  ): Promise<string> {
    const returnTo = await unitOfWork.run(async () => {
      await unitOfWork.add(...writes);
      await before?.();
      return provider.interactionResult(ctx.req, ctx.res, result, {
        mergeWithLastSubmission: isPart,
      });
    });
    seeOther(ctx, returnTo);
    return returnTo;
  }

  /** As {@link end}, with the yes: a request gives one (RFC 9126 §7.3), in the browser that is first. */
  async function agree(
    ctx: Context,
    session: InteractionSession,
    result: InteractionResults,
    writes: readonly Write[],
    options: { before: () => Promise<void>; isPart?: boolean },
  ): Promise<void> {
    const claim = await claimRequest(session);
    if (claim) {
      await end(ctx, result, [...claim, ...writes], options);
      return;
    }
    const description = 'request_uri is invalid, expired, or was already used';
    const used = { error: 'invalid_request_uri', error_description: description };
    throw new InteractionAnswered(await end(ctx, used, []));
  }

  /**
   * The library looks whether a request was used when it makes the code, after the yes. This mark is in
   * the commit of the yes; of two at once, one has a conflict. `csrf` is the same in all steps of a visit.
   * @returns undefined where the yes came from elsewhere.
   */
  async function claimRequest({ uid, csrf }: InteractionSession) {
    const { Interaction, PushedAuthorizationRequest: requests } = oidcCollections;
    const id = (await storage.get(Interaction, uid))?.value.parJti;
    if (id === undefined) return [];
    const stored = await storage.get(requests, id);
    const { answeredBy = csrf } = stored?.value ?? {};
    if (!stored || stored.consumedAt || answeredBy !== csrf) return undefined;
    return [update(requests, stored, { ...stored.value, answeredBy }, stored.expiresAt)];
  }

  return {
    async open(ctx) {
      const interaction = await provider.interactionDetails(ctx.req, ctx.res);
      const path = `/interaction/${interaction.uid}`;
      if (ctx.path !== path && !ctx.path.startsWith(`${path}/`)) {
        throw new errors.SessionNotFound('the interaction is not the one of this page');
      }
      // The person has finished and the way back was lost: it is still open.
      if (interaction.result) throw new InteractionAnswered(interaction.returnTo);
      const client = await findActiveClient(storage, String(interaction.params.client_id));
      if (!client) throw new errors.SessionNotFound('the client is gone');
      return {
        uid: interaction.uid,
        path,
        params: interaction.params,
        scopes: String(interaction.params.scope ?? '').split(' '),
        resources: [interaction.params.resource ?? []].flat().map(String),
        client: client.value,
        party: await describeClient(client.value),
        // The cid is known to the server alone; what a page shows of it proves who made the page.
        csrf: hash('sha256', `csrf:${interaction.cid}`, 'base64url'),
        expiresAt: new Date(interaction.exp * 1000),
        prompt: interaction.prompt,
        accountId: interaction.session?.accountId,
        grantId: interaction.grantId,
      };
    },

    readForm: (ctx, { csrf }, repeatable) => readOwnForm(ctx, { origin, csrf }, repeatable),

    async finish(ctx, session, access, writes) {
      const { client, scopes } = session;
      const { accountId, grantId, authentication } = access;
      const login = { accountId, ...(authentication && describeLogin(authentication)) };
      async function before(): Promise<void> {
        const request = { clientId: client.client_id, scopes, resource };
        await saveGrant(provider, request, access);
      }
      await agree(ctx, session, { login, consent: { grantId } }, writes, { before });
    },

    async goOn(ctx, session, part, writes, before) {
      if (before) await agree(ctx, session, part, writes, { isPart: true, before });
      else await end(ctx, part, writes, { isPart: true });
    },

    async abort(ctx, error, description, writes = []) {
      await end(ctx, { error, error_description: description }, writes);
    },
  };
}

/** As the library keeps it with the session: `auth_time` is when it was, not when the person is back. */
export function describeLogin({ acr, amr, at }: NamedAuthentication) {
  return { acr, amr: [...amr], ts: Math.floor(Date.parse(at) / 1000) };
}
