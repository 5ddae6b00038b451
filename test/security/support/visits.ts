import { startSandbox } from '../../e2e/start-sandbox.js';
import { checkboxesOf, createVisitor, type VisitedPage, type Visitor } from './visitor.js';

type Parameters = Readonly<Record<string, string>>;

const formType = { 'content-type': 'application/x-www-form-urlencoded' };

/** A sandbox, its `identity-service` client, and the steps of a visit for whoever attacks them. */
export async function startVisits(directory: string) {
  const sandbox = await startSandbox(directory);
  const client = sandbox.client('identity-service');
  const redirectUri = client.redirect_uris[0] ?? '';
  const person = sandbox.person('joint');
  const secret = Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64');
  const authorization = { authorization: `Basic ${secret}` };

  /** Posts a form to Assent and reads the JSON of the answer. */
  async function post(path: string, parameters: Parameters, headers: Parameters = authorization) {
    const response = await sandbox.fetch(`${sandbox.urls.assent}${path}`, {
      method: 'POST',
      body: new URLSearchParams(parameters).toString(),
      headers: { ...formType, ...headers },
    });
    const body: Record<string, unknown> = JSON.parse((await response.text()) || '{}');
    return { status: response.status, body };
  }

  /** Pushes a request for one-time access; `parameters` replace or extend it. */
  function push(parameters: Parameters = {}, headers: Parameters = authorization) {
    const request = {
      client_id: client.client_id,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: `openid offline_access id:${person.institution} accounts:read transactions:read:all`,
      prompt: 'consent',
      state: 'the-state',
      nonce: 'the-nonce',
      claims: claimsFor(),
    };
    return post('/oidc/request', { ...request, ...parameters }, headers);
  }

  function authorizationUrl(requestUri: unknown): string {
    const query = { client_id: client.client_id, request_uri: String(requestUri) };
    return `${sandbox.urls.assent}/oidc/auth?${new URLSearchParams(query)}`;
  }

  /** Agrees on Assent's page. @returns the bank's page for signing in. */
  const allow = (visitor: Visitor, page: VisitedPage) =>
    visitor.submit(page, '/consent', [['decision', 'allow']]);

  /** Signs in at the bank. @returns its page of accounts. */
  const signIn = (visitor: Visitor, page: VisitedPage) =>
    visitor.submit(page, '/login', [
      ['login', person.login],
      ['password', person.password],
    ]);

  /** Shares every account. @returns where that leads: the client's callback, if all went well. */
  const share = (visitor: Visitor, page: VisitedPage) =>
    visitor.submit(page, '/accounts', [
      ...checkboxesOf(page).map((account) => ['account', account] as const),
      ['decision', 'allow'],
    ]);

  return {
    ...sandbox,
    post,
    push,
    authorizationUrl,
    allow,
    signIn,
    share,
    /** A browser that nobody has used yet. */
    newVisitor: () => createVisitor({ fetch: sandbox.fetch, stopAt: redirectUri }),
    /** A request pushed. @returns where the person goes. */
    async begin(parameters: Parameters = {}): Promise<string> {
      const { status, body } = await push(parameters);
      if (status !== 201) throw new Error(JSON.stringify(body));
      return authorizationUrl(body.request_uri);
    },
    /** From the address to the bank's page of accounts. */
    async goToAccounts(visitor: Visitor, address: string): Promise<VisitedPage> {
      return signIn(visitor, await allow(visitor, await visitor.go(address)));
    },
    redeem: (returned: VisitedPage, parameters: Parameters = {}) =>
      post('/oidc/token', {
        grant_type: 'authorization_code',
        code: returned.url.searchParams.get('code') ?? '',
        redirect_uri: redirectUri,
        ...parameters,
      }),
    /** The status of reading the accounts with a token. */
    async readAccounts(accessToken: unknown): Promise<number> {
      const headers = { authorization: `Bearer ${accessToken}` };
      const answer = await sandbox.fetch(`${sandbox.urls.assent}/v3/accounts`, { headers });
      await answer.arrayBuffer();
      return answer.status;
    },
    redirectUri,
    authorization,
  };
}

export type Visits = Awaited<ReturnType<typeof startVisits>>;

/** The `claims` parameter for a new connection, of a certain user where one is named. */
export function claimsFor(userId?: string): string {
  const sub = { essential: true, ...(userId !== undefined && { value: userId }) };
  return JSON.stringify({ id_token: { sub, 'mh:con_id': { essential: true } } });
}
