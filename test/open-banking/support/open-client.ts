import { createHash } from 'node:crypto';
import * as openid from 'openid-client';
import { subjectOf } from '../../../sandbox/certificate-authority.js';
import type { RunningAssent } from '../../support/start-assent.js';
import { openPerson, readRecord, type Seen } from './start-bank.js';

export const redirectUri = 'https://tpp.example/callback';

/** What a bank registers of a client that authenticates by its certificate. */
export function registration(name: string, metadata: object = {}) {
  return {
    client_id: name,
    client_name: `The ${name}`,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: subjectOf(name),
    tls_client_certificate_bound_access_tokens: true,
    id_token_signed_response_alg: 'PS256',
    ...metadata,
  };
}

/** A customer's way through the pages, up to the redirect back to the client. */
export type Walk = (person: ReturnType<typeof openPerson>, page: Seen) => Promise<Seen>;

/** A client as its developer would set it up with `openid-client`, over mTLS. */
export async function openClient(bank: RunningAssent, name: string, metadata: object = {}) {
  const send = bank.fetcher(await bank.authority.client(name));
  const configuration = await openid.discovery(
    new URL(bank.issuer),
    name,
    { use_mtls_endpoint_aliases: true, id_token_signed_response_alg: 'PS256', ...metadata },
    openid.TlsClientAuth(),
    { [openid.customFetch]: send as never },
  );
  const verifier = openid.randomPKCECodeVerifier();

  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const request = ({ scope = 'openid accounts', ...parameters }: Record<string, string>) => ({
    redirect_uri: redirectUri,
    scope,
    state: 'the-state',
    ...(scope.includes('openid') && { nonce: 'the-nonce' }),
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...parameters,
  });

  /** Where a pushed request sends the person. */
  async function push(parameters: Record<string, string> = {}): Promise<string> {
    const url = await openid.buildAuthorizationUrlWithPAR(configuration, request(parameters));
    return url.href;
  }

  const redeem = (back: URL, parameters?: Record<string, string>) =>
    openid.authorizationCodeGrant(
      configuration,
      back,
      { pkceCodeVerifier: verifier, expectedState: 'the-state', expectedNonce: 'the-nonce' },
      parameters,
    );

  /** An intent of the client, as the claims of the request that is about it. */
  async function forNewIntent(claims: object = {}): Promise<{ claims: string }> {
    const own = await openid.clientCredentialsGrant(configuration, { scope: 'accounts' });
    const answer = await send(`${api(bank)}/account-access-consents`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${own.access_token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ Data: { Permissions: ['ReadAccountsBasic'] }, Risk: {} }),
    });
    const value = readRecord(readRecord(await answer.json()).Data).ConsentId;
    return {
      claims: JSON.stringify({ id_token: { openbanking_intent_id: { value }, ...claims } }),
    };
  }

  /** The status, and what the bank's own API says to a token. */
  async function read(accessToken: string, path = '/accounts') {
    const answer = await send(`${api(bank)}${path}`, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    return { status: answer.status, body: readRecord(await answer.json()) };
  }

  return {
    configuration,
    verifier,
    challenge,
    send,
    forNewIntent,
    read,
    request,
    push,
    redeem,
    /** Pushes, sends a fresh browser there, and comes back. */
    async visit(walk: Walk, parameters: Record<string, string> = {}): Promise<URL> {
      const person = openPerson(bank);
      return (await walk(person, await person.open(await push(parameters)))).url;
    },
  };
}

function api({ configuration }: RunningAssent): string {
  return `${configuration.mtlsUrl}/open-banking/v3.1/aisp`;
}

export const amelia = { login: 'amelia', password: 'harbour-lantern-42' };

/** The code on the demo phone of a page that asks for one. */
export function codeOn({ text }: Seen): string {
  return /: (\d{6}) is your code/.exec(text)?.[1] ?? '';
}

/** Signs in with the phone too, and shares the accounts. */
export function sharingStrongly(account: string[] = ['22289'], who = amelia): Walk {
  return async (person, page) => {
    const asked = await person.submit(page, 'login', who);
    const choice = await person.submit(asked, 'code', { code: codeOn(asked) });
    return person.submit(choice, 'accounts', { account, decision: 'allow' });
  };
}

/** Signs in, shares the accounts. */
export function sharing(account: string[] = ['22289'], who = amelia): Walk {
  return async (person, page) => {
    const choice = await person.submit(page, 'login', who);
    return person.submit(choice, 'accounts', { account, decision: 'allow' });
  };
}
