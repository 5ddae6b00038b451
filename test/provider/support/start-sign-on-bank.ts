import { readFile } from 'node:fs/promises';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import * as openid from 'openid-client';
import { Agent, fetch as undiciFetch } from 'undici';
import { createDemoLedger } from '../../../sandbox/bank/create-demo-ledger.js';
import { subjectOf } from '../../../sandbox/certificate-authority.js';
import { createMovingClock } from '../../adapters/support/moving-clock.js';
import type { openPerson } from '../../open-banking/support/start-bank.js';
import { startAssent } from '../../support/start-assent.js';
import { startTarget } from '../../support/start-target.js';

export const secret = 'a-secret-of-the-test-that-is-long-enough';
export const redirectUri = 'https://app.example/callback';
export const signedOutUri = 'https://app.example/signed-out';
export const amelia = { login: 'amelia', password: 'harbour-lantern-42' };
export const daniel = { login: 'daniel', password: 'copper-meadow-17' };

/** A bank that people sign in to applications with (profile `openid-connect`), and an application's server. */
export async function startSignOnBank() {
  const clock = createMovingClock();
  const ledger = createDemoLedger({ clock });
  const client = {
    profile: 'openid-connect',
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_basic' as const,
    grant_types: ['authorization_code', 'implicit', 'refresh_token'],
    response_types: [
      ...(['code', 'id_token', 'id_token token'] as const),
      ...(['code id_token', 'code token', 'code id_token token'] as const),
    ],
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [signedOutUri],
  };
  const certificates = await startAssent({});
  const application = await startTarget(await certificates.authority.server('app'), (response) => {
    response.end();
  });
  const bank = await startAssent(
    {
      role: 'bank',
      profiles: ['fapi2-security', 'openid-connect'],
      outgoing: {
        allow: [`localhost:${application.port}`],
        certificateAuthorities: [certificates.authority.certificate],
      },
      clients: [
        { ...client, client_id: 'app', client_name: 'Budget', initiate_login_uri: redirectUri },
        { ...client, client_id: 'second', token_endpoint_auth_method: 'client_secret_post' },
        { ...client, client_id: 'pairwise', subject_type: 'pairwise' },
        {
          ...client,
          client_id: 'told',
          backchannel_logout_uri: `https://localhost:${application.port}/logout`,
          backchannel_logout_session_required: true,
        },
        {
          ...client,
          client_id: 'away',
          backchannel_logout_uri: 'https://localhost:1/logout',
        },
        {
          ...client,
          client_id: 'framed',
          frontchannel_logout_uri: 'https://app.example/frame',
          frontchannel_logout_session_required: true,
        },
        {
          ...client,
          client_id: 'live',
          redirect_uris: [`https://127.0.0.1:${application.port}/callback`],
          post_logout_redirect_uris: [`https://127.0.0.1:${application.port}/signed-out`],
          frontchannel_logout_uri: `https://127.0.0.1:${application.port}/frame`,
          frontchannel_logout_session_required: true,
        },
        {
          client_id: 'tpp',
          grant_types: ['authorization_code', 'client_credentials'],
          redirect_uris: [redirectUri],
          scope: 'openid accounts',
          token_endpoint_auth_method: 'tls_client_auth',
          tls_client_auth_subject_dn: subjectOf('tpp'),
          tls_client_certificate_bound_access_tokens: true,
        },
      ],
    },
    { ledger, clock },
  );
  await certificates.stop();
  const agent = new Agent({ connect: { ca: await readFile(bank.authority.certificate, 'utf8') } });
  const answer = await bank.fetch('/oidc/certs');
  const published = createLocalJWKSet((await answer.json()) as JSONWebKeySet);

  /** The client as its developer sets it up. */
  async function configure(clientId = 'app'): Promise<openid.Configuration> {
    const send = (url: string, init: object) => undiciFetch(url, { ...init, dispatcher: agent });
    return openid.discovery(
      new URL(bank.issuer),
      clientId,
      { id_token_signed_response_alg: 'ES256', [openid.clockSkew]: 5 },
      clientId === 'second' ? openid.ClientSecretPost(secret) : openid.ClientSecretBasic(secret),
      { [openid.customFetch]: send as never },
    );
  }

  return {
    ...{ bank, clock, application, published, configure },
    async stop() {
      await agent.destroy();
      await application.stop();
      await bank.stop();
    },
  };
}

export type SignOnBank = Awaited<ReturnType<typeof startSignOnBank>>;

export type Person = ReturnType<typeof openPerson>;

/** The application's request, with changes. */
export const authorizeUrl = (change: Record<string, string> = {}) =>
  `/oidc/auth?${new URLSearchParams({
    client_id: 'app',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    state: 's',
    nonce: 'n',
    ...change,
  })}`;

/** Signs in and agrees, as far as the bank asks. */
export async function goThrough(person: Person, url: string, who = amelia): Promise<URL> {
  let page = await person.open(url);
  if (page.text.includes('name="password"')) page = await person.submit(page, 'login', who);
  if (page.text.includes('value="allow"')) {
    page = await person.submit(page, 'consent', { decision: 'allow' });
  }
  expect(page.text).toBe('');
  return page.url;
}

/** What an authorization response holds, in its query or fragment. */
export const answerOf = ({ search, hash: fragment }: URL) =>
  Object.fromEntries(new URLSearchParams(search || fragment.slice(1)));
