import { createHash } from 'node:crypto';
import { createDemoLedger } from '../../../sandbox/bank/create-demo-ledger.js';
import { createMovingClock } from '../../adapters/support/moving-clock.js';
import { amelia } from '../../open-banking/support/open-client.js';
import { openPerson, readRecord } from '../../open-banking/support/start-bank.js';
import { createClientKeys } from '../../support/client-keys.js';
import {
  authorizationRequest,
  createDpopKey,
  createFapiClient,
  type DpopKey,
  readReturn,
} from '../../support/fapi-client.js';
import { seededRedirectUri, seedVisit } from '../../support/seed-code.js';
import { startAssent } from '../../support/start-assent.js';

export const roles = ['identity-service', 'bank'] as const;
export type RoleName = (typeof roles)[number];

/** Where a person's data is read, and what is asked for it. */
const dataOf = {
  'identity-service': {
    path: '/v3/accounts',
    own: 'user:read',
    request: { scope: 'openid offline_access id:test accounts:read', prompt: 'consent' },
  },
  bank: {
    path: '/open-banking/v3.1/aisp/accounts',
    own: 'accounts',
    request: { scope: 'openid accounts' },
  },
} as const;

type Form = Readonly<Record<string, string>>;

/**
 * Assent in one of its roles, at a clock of its own, with two clients (`tpp` and `rival`,
 * `private_key_jwt` and DPoP) and what happens on the way from a request to data.
 */
export async function startRole(
  role: RoleName,
  clients: readonly object[] = [],
  settings: Omit<Parameters<typeof startAssent>[0], 'role' | 'clients'> = {},
) {
  const clock = createMovingClock();
  const seconds = () => Math.floor(clock.now() / 1000);
  const keys = await createClientKeys();
  const data = dataOf[role];
  const registered = (id: string) => ({
    client_id: id,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    redirect_uris: [seededRedirectUri],
    token_endpoint_auth_method: 'private_key_jwt',
    dpop_bound_access_tokens: true,
    jwks: keys.jwks,
  });
  const assent = await startAssent(
    {
      ...settings,
      role,
      clients: [
        registered('tpp'),
        registered('rival'),
        ...clients.map((metadata, index) => ({ ...registered(`more-${index}`), ...metadata })),
      ],
    },
    { clock, ...(role === 'bank' && { ledger: createDemoLedger({ clock }) }) },
  );
  const tokenUrl = `${assent.issuer}/token`;
  const prove = (key: DpopKey, url = tokenUrl, claims = {}, method = 'POST') =>
    key.header(method, url, { iat: seconds(), ...claims });

  /** @param fetch the way of what the client sends to the provider. */
  async function connect(clientId: string, fetch = assent.fetch) {
    const client = createFapiClient({ ...assent, fetch }, clientId, keys, { now: seconds });
    const key = await createDpopKey();

    /** Calls the API with a token, by the key that it is bound to unless another is named. */
    async function call(token: unknown, path: string = data.path, init: object = {}, by = key) {
      const url = `${assent.configuration.publicUrl}${path}`;
      const ath = createHash('sha256').update(String(token)).digest('base64url');
      const method = 'method' in init ? String(init.method) : 'GET';
      const proof = await prove(by, url, { ath }, method);
      const answer = await assent.fetch(url, {
        ...init,
        headers: { authorization: `DPoP ${token}`, ...proof, 'content-type': 'application/json' },
      });
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, body: text };
    }

    async function ownToken(): Promise<unknown> {
      const form = { grant_type: 'client_credentials', scope: data.own };
      return (await client.token(form, await prove(key))).body.access_token;
    }

    /** What a request of this role says, at a bank about an intent of its own. */
    async function request(): Promise<Record<string, string>> {
      const usual = { ...authorizationRequest, ...data.request };
      if (role !== 'bank') return usual;
      const { body } = await call(
        await ownToken(),
        '/open-banking/v3.1/aisp/account-access-consents',
        {
          method: 'POST',
          body: JSON.stringify({ Data: { Permissions: ['ReadAccountsBasic'] }, Risk: {} }),
        },
      );
      const value = readRecord(readRecord(JSON.parse(body)).Data).ConsentId;
      const claims = { id_token: { openbanking_intent_id: { value, essential: true } } };
      return { ...usual, claims: JSON.stringify(claims) };
    }

    /** A person says yes to what a URL asks. @returns what comes back to the client. */
    async function agree(url: string) {
      if (role === 'identity-service') {
        const { returned } = await seedVisit(assent, url, { clientId }, clock);
        return readReturn(returned.headers.get('location'));
      }
      const person = openPerson(assent);
      const choice = await person.submit(await person.open(url), 'login', amelia);
      const accounts = { account: ['22289'], decision: 'allow' };
      return readReturn((await person.submit(choice, 'accounts', accounts)).url.href);
    }

    async function codeFor(change: Form = {}, headers = {}): Promise<string> {
      const pushed = await client.push({ ...(await request()), ...change }, {}, headers);
      if (pushed.status !== 201) throw new Error(JSON.stringify(pushed.body));
      return (await agree(client.visitUrl(pushed))).code ?? '';
    }

    const redeem = async (code: string, form: Record<string, string> = {}, by = key) =>
      client.redeem(code, form, await prove(by));

    return {
      ...client,
      key,
      call,
      request,
      agree,
      codeFor,
      redeem,
      async refresh(refreshToken: unknown, by = key) {
        const form = { grant_type: 'refresh_token', refresh_token: String(refreshToken) };
        return client.token(form, await prove(by));
      },
      /** Tokens for a person's data. */
      connectPerson: async () => (await redeem(await codeFor())).body,
    };
  }

  return {
    ...assent,
    clock,
    seconds,
    clientKeys: keys,
    prove,
    connect,
    tpp: await connect('tpp'),
    rival: await connect('rival'),
  };
}

export type RunningRole = Awaited<ReturnType<typeof startRole>>;
